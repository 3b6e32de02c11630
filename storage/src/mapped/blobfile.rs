//! The file of a blob: a header with the database's number, then the owner's bytes.
//!
//! Format version 1 has no header: such a file is as long as its blob.

use super::magic;
use super::manifest::{Entry, Manifest};
use super::owned;
use super::stream::checksum;
use crate::files::dir::{Dir, DirFile};
use crate::{Blob, StorageError};

const VERSION: u32 = 2;
/// The bytes before the blob, which begins on a 64-byte boundary.
pub(crate) const HEADER: u64 = 64;

/// Makes a new file and writes its header.
pub(crate) fn create(dir: &Dir, manifest: &Manifest, entry: &Entry) -> Result<DirFile, StorageError> {
    owned::create(dir, &entry.name(), manifest.database, &header(manifest.database, entry.number))
}

/// The error of a missing file.
pub(crate) fn missing(dir: &Dir, manifest: &Manifest, entry: &Entry) -> StorageError {
    let what = format!("file is missing; the manifest of generation {} names it", manifest.generation);
    StorageError::Corrupt { file: dir.path().join(entry.name()), offset: 0, what }
}

/// Reads the blob and verifies its checksum.
pub(crate) fn read(file: &DirFile, manifest: &Manifest, entry: &Entry) -> Result<Blob, StorageError> {
    let at = begin(file, manifest, entry)?;
    let too_long = |_| file.corrupt(0, format!("{} bytes do not fit memory", entry.bytes));
    let blob = Blob::of(file.map(at, usize::try_from(entry.bytes).map_err(too_long)?)?);
    if crc32c::crc32c(&blob) != entry.crc {
        return Err(file.corrupt(at, "checksum mismatch"));
    }
    Ok(blob)
}

/// Compares the file with its checksum.
pub(crate) fn check(file: &DirFile, manifest: &Manifest, entry: &Entry) -> Result<(), StorageError> {
    let at = begin(file, manifest, entry)?;
    if checksum(file, at, at + entry.bytes)? != entry.crc {
        return Err(file.corrupt(at, "checksum mismatch"));
    }
    Ok(())
}

/// Checks length and header, and returns where the blob begins.
fn begin(file: &DirFile, manifest: &Manifest, entry: &Entry) -> Result<u64, StorageError> {
    let (length, expected) = (file.len()?, entry.bytes.saturating_add(HEADER));
    if length == entry.bytes {
        return Ok(0);
    }
    if length != expected {
        let what = format!("file has {length} bytes; expected {expected}");
        return Err(file.corrupt(length.min(expected), what));
    }
    let mut found = vec![0; HEADER as usize];
    file.read_at(&mut found, 0)?;
    if found != header(manifest.database, entry.number) {
        return Err(file.corrupt(0, "header is damaged"));
    }
    Ok(HEADER)
}

/// Magic, version, zero, database, number, zeros, checksum.
fn header(database: u64, number: u64) -> Vec<u8> {
    let mut out = magic::BLOB.to_vec();
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&database.to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    out.resize(HEADER as usize - 4, 0);
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}
