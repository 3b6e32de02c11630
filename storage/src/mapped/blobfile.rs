//! The file of a blob: a header that says whose it is, then its owner's bytes.
//!
//! In format version 1 there was no header, and a file of that time is as long as its blob.

use super::manifest::{Entry, Manifest};
use super::owned;
use super::stream::checksum;
use crate::files::dir::{Dir, DirFile};
use crate::{Blob, StorageError};

pub(crate) const MAGIC: &[u8; 8] = b"OMENBLOB";
const VERSION: u32 = 2;
/// Bytes before the blob: it begins on a 64-byte boundary, as a map begins on a page.
pub(crate) const HEADER: u64 = 64;

/// A new file, its header written.
pub(crate) fn create(dir: &Dir, manifest: &Manifest, entry: &Entry) -> Result<DirFile, StorageError> {
    owned::create(dir, &entry.name(), manifest.database, &header(manifest.database, entry.number))
}

/// Says that the file of a blob is not there.
pub(crate) fn missing(dir: &Dir, manifest: &Manifest, entry: &Entry) -> StorageError {
    let what = format!("it is missing; the manifest of generation {} names it", manifest.generation);
    StorageError::Corrupt { file: dir.path().join(entry.name()), offset: 0, what }
}

/// The blob, its checksum verified.
pub(crate) fn read(file: &DirFile, manifest: &Manifest, entry: &Entry) -> Result<Blob, StorageError> {
    let at = begin(file, manifest, entry)?;
    let too_long = |_| file.corrupt(0, format!("{} bytes do not fit memory", entry.bytes));
    let blob = Blob::of(file.map(at, usize::try_from(entry.bytes).map_err(too_long)?)?);
    if crc32c::crc32c(&blob) != entry.crc {
        return Err(file.corrupt(at, "its checksum does not match"));
    }
    Ok(blob)
}

/// Compares the file with its checksum.
pub(crate) fn check(file: &DirFile, manifest: &Manifest, entry: &Entry) -> Result<(), StorageError> {
    let at = begin(file, manifest, entry)?;
    if checksum(file, at, at + entry.bytes)? != entry.crc {
        return Err(file.corrupt(at, "its checksum does not match"));
    }
    Ok(())
}

/// Where the blob begins; the file's length and header are what they should be.
fn begin(file: &DirFile, manifest: &Manifest, entry: &Entry) -> Result<u64, StorageError> {
    let (length, expected) = (file.len()?, entry.bytes.saturating_add(HEADER));
    if length == entry.bytes {
        return Ok(0);
    }
    if length != expected {
        return Err(file.corrupt(length.min(expected), format!("{length} bytes where {expected} were expected")));
    }
    let mut found = vec![0; HEADER as usize];
    file.read_at(&mut found, 0)?;
    if found != header(manifest.database, entry.number) {
        return Err(file.corrupt(0, "its header is not what was written"));
    }
    Ok(HEADER)
}

/// Magic, version, zero, database, number, zeros, checksum.
fn header(database: u64, number: u64) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&database.to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    out.resize(HEADER as usize - 4, 0);
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}
