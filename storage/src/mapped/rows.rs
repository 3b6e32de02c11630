//! Writes the rows of a batch to segments, in pieces, with several threads if it is long.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::segment::{Segment, row_checksum};
use crate::state::layout::Layout;
use crate::{RowSource, StorageError};

/// The bytes of a piece. It fits a core's cache, and a write of this size costs little per byte.
const PIECE: usize = 1 << 20;
/// The caller's thread alone writes shorter batches.
const PARALLEL: usize = 4 << 20;
const MOST_THREADS: usize = 8;

/// Writes `rows` to the slots from `first` on and returns their checksums.
///
/// `scratch` is reused: fresh memory of its size costs more than the copy into it. Empty it before a call with another
/// layout, because the padding between rows must stay zero.
pub(crate) fn write(
    segments: &[Segment],
    layout: Layout,
    first: u32,
    rows: &dyn RowSource,
    scratch: &mut Vec<u8>,
) -> Result<Vec<u32>, StorageError> {
    let pieces: Vec<_> = layout.runs(first, rows.len(), PIECE / layout.stride).collect();
    let threads = if rows.len() * layout.stride < PARALLEL {
        // The number of cores is not queried: that reads several files.
        1
    } else {
        std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_THREADS))
    };
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let sums = Mutex::new(vec![0; rows.len()]);
    let work = |buffer: &mut Vec<u8>| {
        let mut checksums = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(&(done, slot, n)) = pieces.get(i) else {
                return;
            };
            buffer.resize(n * layout.stride, 0);
            rows.fill(done..done + n, layout.stride, buffer);
            checksums.clear();
            checksums.extend(buffer.chunks_exact(layout.stride).map(|row| row_checksum(&row[..layout.row_bytes])));
            let (segment, at) = layout.place(slot);
            match segments[segment].write_rows(at, buffer, &checksums) {
                Ok(()) => {
                    sums.lock().expect("no panic under this lock")[done..done + n].copy_from_slice(&checksums);
                }
                Err(error) => {
                    failure.lock().expect("no panic under this lock").get_or_insert(error);
                    next.store(pieces.len(), Ordering::Relaxed);
                    return;
                }
            }
        }
    };
    if threads == 1 {
        work(scratch);
    } else {
        std::thread::scope(|scope| {
            for _ in 1..threads {
                // If no thread can be started, the others do the work.
                let _ = std::thread::Builder::new().spawn_scoped(scope, || work(&mut Vec::new()));
            }
            work(scratch);
        });
    }
    if let Some(error) = failure.into_inner().expect("no panic under this lock") {
        return Err(error);
    }
    Ok(sums.into_inner().expect("no panic under this lock"))
}

/// Continues the checksum of row checksums.
pub(crate) fn fold(crc: u32, checksums: &[u32]) -> u32 {
    checksums.iter().fold(crc, |crc, checksum| crc32c::crc32c_append(crc, &checksum.to_le_bytes()))
}
