//! The contract every backend keeps: what a commit, a checkpoint and a view promise.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::{Blob, IdColumn, IdKind, Problem, StorageError, Usage, View};

/// What a database holds, fixed when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Bytes of one row, 1 to [`MAX_ROW_BYTES`](crate::MAX_ROW_BYTES).
    pub row_bytes: usize,
    /// Whether ids are numbers or strings.
    pub ids: IdKind,
    /// The owner's own description of the database, opaque here; at most
    /// [`MAX_USER_BYTES`](crate::MAX_USER_BYTES).
    pub user: Vec<u8>,
}

/// What is on the medium when a commit returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The commit survives a crash of the machine.
    #[default]
    Sync,
    /// The commit survives a crash of the process. A crash of the machine loses a suffix of the
    /// commits since the last sync (a database's: `Db::flush`), and nothing else.
    Os,
}

/// Rows on their way to the medium.
///
/// The backend asks for them in pieces, from several threads at once, each row exactly once.
pub trait RowSource: Sync {
    /// How many rows there are.
    fn len(&self) -> usize;

    /// Writes row `rows.start + j` to `out[j * stride..][..row_bytes]` for every `j`.
    ///
    /// `out` is `rows.len() * stride` bytes; what lies between the rows is zero and stays so.
    fn fill(&self, rows: Range<usize>, stride: usize, out: &mut [u8]);

    /// Whether there are none: a commit may only mark slots dead.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Rows that lie one behind the other in memory, `row_bytes` each.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    bytes: &'a [u8],
    row_bytes: usize,
}

impl<'a> Packed<'a> {
    /// Rows of `row_bytes` bytes each; bytes after the last whole row are not looked at.
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

/// A batch: rows with their ids, and the slots that die with it. Visible whole or not at all.
#[derive(Clone, Copy)]
pub struct Commit<'a> {
    /// The new rows; they get the slots from [`View::slots`] on, in order.
    pub rows: &'a dyn RowSource,
    /// One id a row. That an id lives in one slot only is the caller's to see to.
    pub ids: IdColumn<'a>,
    /// Living slots that are dead from this commit on, none twice.
    pub dead: &'a [u32],
}

/// A named blob, streamed to the medium at a checkpoint.
#[derive(Clone, Copy)]
pub struct BlobSource<'a> {
    /// 1 to 32 characters of `a-z`, `0-9` and `-`, beginning with a letter; not one of the
    /// storage's own file names (`rows`, `commits`, `ids`).
    pub name: &'a str,
    /// Writes the blob; called once.
    pub write: &'a (dyn Fn(&mut dyn io::Write) -> io::Result<()> + Sync),
}

/// Rows, ids, deletes and blobs on some medium.
///
/// Calls that write queue behind one another inside; a view is had, and read, without waiting for
/// them (`verify`, `usage` and blobs may wait for one). Every error leaves what can be read as it
/// was. After some (a failed sync, whose effect on the medium nobody knows) the storage refuses to
/// write with [`StorageError::Poisoned`] until it is reopened, and reads go on.
pub trait Storage: Send + Sync {
    /// What the database holds.
    fn schema(&self) -> &Schema;

    /// The last acknowledged state.
    fn view(&self) -> Arc<View>;

    /// Makes a batch durable, then visible, and returns the state with it.
    ///
    /// # Errors
    /// [`StorageError::Batch`] if ids and rows differ in number, ids are not of the schema's
    /// kind or too long, or a dead slot does not live; [`StorageError::Capacity`];
    /// [`StorageError::Full`] and others of the medium. Nothing of a refused batch is visible,
    /// now or after reopening; only after a failed *sync* the batch may be found whole when the
    /// database is opened again.
    fn commit(&self, commit: Commit<'_>) -> Result<Arc<View>, StorageError>;

    /// Removes every row, id and blob and gives their space back; slots begin at 0 again, under
    /// a new [`View::epoch`]. Views taken before stay readable.
    ///
    /// # Errors
    /// Of the medium.
    fn clear(&self) -> Result<Arc<View>, StorageError>;

    /// Rewrites the database without its dead slots: new slot `i` holds what slot `order[i]` of
    /// `view` held, under a new [`View::epoch`]. `blobs` replace all others and cover the new
    /// state. Views taken before stay readable; their space is returned when they are dropped.
    ///
    /// `order` names every living slot of `view` once, in any order, so that rows which are read
    /// together can be put together.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if `view` is not the newest state, [`StorageError::Batch`] if
    /// `order` is not what it must be, and others of the medium; then nothing has changed.
    fn compact(&self, view: &View, order: &[u32], blobs: &[BlobSource<'_>]) -> Result<Arc<View>, StorageError>;

    /// Replaces all blobs by these, which cover exactly `view`, and makes the next open cheap.
    ///
    /// Commits made while this runs are not lost. In mapped files only the end of it excludes
    /// writers; in RocksDB they wait for the blobs to be written.
    ///
    /// # Errors
    /// [`StorageError::Stale`] if slots were renumbered since `view`, [`StorageError::Blob`] for a
    /// bad name, and others of the medium; then the former blobs stay.
    fn checkpoint(&self, view: &View, blobs: &[BlobSource<'_>]) -> Result<(), StorageError>;

    /// A blob of the newest checkpoint, its checksum verified; `None` if it has no such blob.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] if its bytes are not those written; in RocksDB [`StorageError::Forked`] in a
    /// forked process.
    fn blob(&self, name: &str) -> Result<Option<Blob>, StorageError>;

    /// The number of the commit that the blobs cover: [`View::commit`] of the view they were
    /// written for. 0 before the first checkpoint.
    fn checkpoint_commit(&self) -> u64;

    /// Puts everything acknowledged on the medium; with [`Durability::Sync`] it is there already.
    ///
    /// # Errors
    /// Of the medium.
    fn sync(&self) -> Result<(), StorageError>;

    /// Reads everything and compares it with its checksums; what is damaged, and where.
    fn verify(&self) -> Vec<Problem>;

    /// What is taken on disk and in memory, by kind.
    fn usage(&self) -> Usage;
}
