//! Blobs in pages of 64 KiB, under numbers that are used once. The state maps names to numbers.

use rocksdb::WriteBatch;

use super::codec::{BlobEntry, State, key};
use super::families::BLOBS;
use super::store::Store;
use crate::blob::check_names;
use crate::{Blob, BlobSource, StorageError};

const PAGE: usize = 64 << 10;

/// Writes blobs under new numbers, which `state` counts. No state names them yet.
pub(super) fn write(
    store: &Store,
    sources: &[BlobSource<'_>],
    state: &mut State,
) -> Result<Vec<BlobEntry>, StorageError> {
    check_names(sources.iter().map(|blob| blob.name))?;
    let mut entries = Vec::new();
    for source in sources {
        let mut bytes = Vec::new();
        (source.write)(&mut bytes)
            .map_err(|error| StorageError::Blob { name: source.name.into(), what: error.to_string() })?;
        let number = state.next_blob;
        state.next_blob += 1;
        let mut batch = WriteBatch::default();
        for (page, piece) in bytes.chunks(PAGE).enumerate() {
            batch.put_cf(store.family(BLOBS), key(number, page as u32), piece);
            store.write_ahead(&mut batch)?;
        }
        store.write(batch, false)?;
        let (bytes, crc) = (bytes.len() as u64, crc32c::crc32c(&bytes));
        entries.push(BlobEntry { name: source.name.into(), number, bytes, crc });
    }
    Ok(entries)
}

/// Reads a blob that the state names and verifies its checksum.
pub(super) fn read(store: &Store, entry: &BlobEntry) -> Result<Blob, StorageError> {
    let name = &entry.name;
    let mut bytes = Vec::new();
    for page in 0..entry.bytes.div_ceil(PAGE as u64) {
        match store.get(BLOBS, &key(entry.number, page as u32))? {
            Some(piece) => bytes.extend_from_slice(&piece),
            None => return Err(store.corrupt(format!("page {page} of blob {name} is missing"))),
        }
    }
    if bytes.len() as u64 != entry.bytes || crc32c::crc32c(&bytes) != entry.crc {
        return Err(store.corrupt(format!("blob {name} does not match its checksum")));
    }
    Blob::copied(&bytes).map_err(|source| StorageError::io(store.path(), "reserve memory for", source))
}

/// Removes all blobs before those of `state` in `batch`, including those of unfinished attempts.
pub(super) fn drop_before(store: &Store, batch: &mut WriteBatch, state: &State) {
    let first = state.blobs.iter().map(|entry| entry.number).min().unwrap_or(state.next_blob);
    batch.delete_range_cf(store.family(BLOBS), key(0, 0).to_vec(), key(first, 0).to_vec());
}
