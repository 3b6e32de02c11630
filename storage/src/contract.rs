//! The contract of every backend: commits, checkpoints and views.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::{Blob, IdColumn, Problem, Schema, StorageError, Usage, View};

/// When a commit is durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The commit survives a crash of the machine.
    #[default]
    Sync,
    /// The commit survives a crash of the process. A crash of the machine loses only the last commits since the last sync
    /// (`Db::flush` of a database).
    Os,
}

/// The rows of a commit.
///
/// The backend reads them in pieces, from several threads at once, each row exactly once.
pub trait RowSource: Sync {
    /// The number of rows.
    fn len(&self) -> usize;

    /// Writes row `rows.start + j` to `out[j * stride..][..row_bytes]` for every `j`.
    ///
    /// `out` is `rows.len() * stride` bytes. The padding between rows is zero and must stay zero.
    fn fill(&self, rows: Range<usize>, stride: usize, out: &mut [u8]);

    /// Whether there are no rows: a commit may only delete.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Consecutive rows in memory, `row_bytes` each.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    bytes: &'a [u8],
    row_bytes: usize,
}

impl<'a> Packed<'a> {
    /// Rows of `row_bytes` bytes each. Bytes after the last whole row are ignored.
    ///
    /// # Panics
    /// If `row_bytes` is 0.
    #[must_use]
    pub fn new(bytes: &'a [u8], row_bytes: usize) -> Self {
        assert!(row_bytes > 0, "a row has at least one byte");
        Self { bytes, row_bytes }
    }
}

impl RowSource for Packed<'_> {
    fn len(&self) -> usize {
        self.bytes.len() / self.row_bytes
    }

    fn fill(&self, rows: Range<usize>, stride: usize, out: &mut [u8]) {
        let from = &self.bytes[rows.start * self.row_bytes..rows.end * self.row_bytes];
        if stride == self.row_bytes {
            out.copy_from_slice(from);
            return;
        }
        for (to, row) in out.chunks_exact_mut(stride).zip(from.chunks_exact(self.row_bytes)) {
            to[..self.row_bytes].copy_from_slice(row);
        }
    }
}

/// A batch: new rows with their ids, and the slots that it deletes. It is visible whole or not at all.
#[derive(Clone, Copy)]
pub struct Commit<'a> {
    /// The new rows. They get the slots from [`View::slots`] on, in order.
    pub rows: &'a dyn RowSource,
    /// One id a row. The caller must ensure that each id has at most one slot that is not deleted.
    pub ids: IdColumn<'a>,
    /// The slots to delete. They must not be deleted already, and none may occur twice.
    pub dead: &'a [u32],
}

/// A named blob, written at a checkpoint.
#[derive(Clone, Copy)]
pub struct BlobSource<'a> {
    /// 1 to 32 characters of `a-z`, `0-9` and `-`, beginning with a letter; not one of the
    /// storage's own file names (`rows`, `commits`, `ids`).
    pub name: &'a str,
    /// Writes the blob. It is called once.
    pub write: &'a (dyn Fn(&mut dyn io::Write) -> io::Result<()> + Sync),
}

/// Rows, ids, deletes and blobs on some medium.
///
/// Writes are serialized. Taking and reading a view does not wait for them; `verify`, `usage` and blobs may wait for one.
/// An error changes nothing that is readable. After a failed sync it is unknown what is on the medium. Then the storage
/// refuses writes with [`StorageError::Poisoned`] until it is reopened, and reads continue.
pub trait Storage: Send + Sync {
    /// The schema of the database.
    fn schema(&self) -> &Schema;

    /// The last acknowledged state.
    fn view(&self) -> Arc<View>;

    /// Makes a batch durable, then visible, and returns the new view.
    ///
    /// # Errors
    /// [`StorageError::Batch`] if ids and rows differ in number, an id has the wrong kind or is too long, or a slot to
    /// delete is deleted already. [`StorageError::Capacity`], [`StorageError::Full`] and other errors of the medium.
    /// Nothing of a refused batch is visible, now or after reopening. Only after a failed *sync* may reopening find the
    /// whole batch.
    fn commit(&self, commit: Commit<'_>) -> Result<Arc<View>, StorageError>;

    /// Removes all rows, ids and blobs and returns their space. Slots begin at 0 again, in a new [`View::epoch`]. Old views
    /// stay readable.
    ///
    /// # Errors
    /// Those of the medium.
    fn clear(&self) -> Result<Arc<View>, StorageError>;

    /// Rewrites the database without its deleted slots, in a new [`View::epoch`]. New slot `i` has the row of slot
    /// `order[i]` of `view`. `blobs` replace all others and cover the new state. Old views stay readable; their space is
    /// returned when they are dropped.
    ///
    /// `order` names every slot of `view` that is not deleted once, in any order. So rows that are read together can be
    /// stored together.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if `view` is not the newest state, [`StorageError::Batch`] if `order` is invalid, and those
    /// of the medium. Then nothing has changed.
    fn compact(&self, view: &View, order: &[u32], blobs: &[BlobSource<'_>]) -> Result<Arc<View>, StorageError>;

    /// Replaces all blobs by these, which cover exactly `view`, and begins a new log.
    ///
    /// Concurrent commits are not lost. In mapped files only the end of a checkpoint excludes writers. In RocksDB they wait
    /// until the blobs are written.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if the epoch changed since `view`, [`StorageError::Blob`] for an invalid name, and those of
    /// the medium. Then the old blobs stay.
    fn checkpoint(&self, view: &View, blobs: &[BlobSource<'_>]) -> Result<(), StorageError>;

    /// Reads a blob of the newest checkpoint and verifies its checksum. Returns `None` if there is no such blob.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] if it is damaged. In RocksDB [`StorageError::Forked`] in a forked process.
    fn blob(&self, name: &str) -> Result<Option<Blob>, StorageError>;

    /// The commit that the blobs cover: [`View::commit`] of the view of the newest checkpoint. 0 before the first one.
    fn checkpoint_commit(&self) -> u64;

    /// Syncs all acknowledged commits. With [`Durability::Sync`] there is nothing to do.
    ///
    /// # Errors
    /// Those of the medium.
    fn sync(&self) -> Result<(), StorageError>;

    /// Reads everything and compares it with its checksums. Returns what is damaged.
    fn verify(&self) -> Vec<Problem>;

    /// The space taken on disk and in memory, by kind.
    fn usage(&self) -> Usage;
}
