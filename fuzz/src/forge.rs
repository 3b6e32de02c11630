//! Checksums put right, so that what is behind them is reached.

/// Puts the checksum of `over` at `at`, if both lie in the bytes.
pub fn sum(bytes: &mut [u8], at: usize, over: std::ops::Range<usize>) {
    if let Some(crc) = bytes.get(over).map(crc32c::crc32c)
        && let Some(place) = bytes.get_mut(at..at + 4)
    {
        place.copy_from_slice(&crc.to_le_bytes());
    }
}

/// Four bytes at `at`, 0 where there are none.
pub fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u32::from_le_bytes(*word))
}

/// A manifest: its length, and the checksum at its end.
pub fn manifest(bytes: &mut [u8]) {
    let length = bytes.len();
    if length >= 20 {
        bytes[12..16].copy_from_slice(&(length as u32).to_le_bytes());
        sum(bytes, length - 4, 0..length - 4);
    }
}

/// Records one behind the other: each header's mark and checksums.
pub fn records(bytes: &mut [u8], mark: [u8; 8]) {
    const HEADER: usize = 64;
    let mut at = 0;
    while bytes.len() - at >= HEADER {
        let length = word(bytes, at + 8) as usize;
        bytes[at + 56..at + HEADER].copy_from_slice(&mark);
        if length < HEADER || length > bytes.len() - at {
            sum(bytes, at + 4, at + 8..at + HEADER);
            return;
        }
        sum(bytes, at + 52, at + HEADER..at + length);
        sum(bytes, at + 4, at + 8..at + HEADER);
        at += length;
    }
}

/// Blocks one behind the other: each one's checksum.
pub fn blocks(bytes: &mut [u8], mut at: usize) {
    while at + 8 <= bytes.len() {
        let end = at + 8 + word(bytes, at) as usize;
        if end > bytes.len() {
            return;
        }
        sum(bytes, at + 4, at + 8..end);
        at = end;
    }
}
