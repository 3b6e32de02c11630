//! What can go wrong, as values with the fields a program needs.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a storage call was refused or failed. What could be read before can be read after.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// An operation of the medium failed.
    #[error("cannot {op} {}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was tried.
        op: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The medium has no space left (or the quota is used up).
    #[error("no space left to {op} {}", path.display())]
    Full {
        /// The file or directory.
        path: PathBuf,
        /// What was tried.
        op: &'static str,
    },
    /// Another writer has the database open.
    #[error("{} is open for writing in {}", path.display(), process(*pid))]
    Locked {
        /// The database.
        path: PathBuf,
        /// The process that holds it; 0 if it could not be read.
        pid: u32,
    },
    /// The path leads to another folder than the one that was opened, or the folder was removed.
    /// Nothing was written; what was acknowledged is in the folder that was opened.
    #[error("{} is not the folder that was opened: {what}", path.display())]
    Moved {
        /// Where the database was opened.
        path: PathBuf,
        /// What became of it.
        what: &'static str,
    },
    /// The file LOCK was removed or replaced while the database was open, so that another writer
    /// may have come. Nothing was written.
    #[error("{} is no longer locked for this handle: {what}; open the database again", path.display())]
    Unlocked {
        /// The database.
        path: PathBuf,
        /// What became of the lock file.
        what: &'static str,
    },
    /// The process is a fork of the one that opened the database, and that one writes. From RocksDB no blob
    /// is read there either.
    #[error("{} was opened by process {opened}, this is process {found}: open it again after a fork", path.display())]
    Forked {
        /// The database.
        path: PathBuf,
        /// The process that opened it.
        opened: u32,
        /// This process.
        found: u32,
    },
    /// A progress listener writes to the database that is telling it, which may be waiting for the listener.
    #[error("{}: a progress listener must not write to the database that calls it", path.display())]
    InListener {
        /// The database.
        path: PathBuf,
    },
    /// A file is not what was written.
    #[error("{} is damaged at byte {offset}: {what}", file.display())]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// Where in it.
        offset: u64,
        /// What was found and what was expected.
        what: String,
    },
    /// A machine crash left rows that only the next writer can put back from the log.
    #[error("{} was not closed; open it for writing once, so that it is recovered", path.display())]
    NeedsRecovery {
        /// The database.
        path: PathBuf,
    },
    /// There is something at the place where a database was to be made.
    #[error("{} exists already", path.display())]
    Exists {
        /// The place.
        path: PathBuf,
    },
    /// There is nothing at the place where a database was expected.
    #[error("{} does not exist", path.display())]
    NotFound {
        /// The place.
        path: PathBuf,
    },
    /// What is there is no database.
    #[error("{} is not an OmenDB database: {what}", path.display())]
    NotADatabase {
        /// The place.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// The database was written by a newer version of this library.
    #[error("{} has format version {found}; this library reads up to {supported}", path.display())]
    Version {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version this library knows.
        supported: u32,
    },
    /// The database was opened for reading only.
    #[error("{} is open for reading only", path.display())]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// An earlier write failed so that nobody knows what is on the medium; reads go on, and
    /// opening the database again finds its last good state.
    #[error("{} takes no more writes until it is reopened: {cause}", path.display())]
    Poisoned {
        /// The database.
        path: PathBuf,
        /// The failure.
        cause: String,
    },
    /// More rows than slots.
    #[error("a database holds at most {limit} rows, deleted ones included, until it is compacted")]
    Capacity {
        /// The limit.
        limit: u64,
    },
    /// The schema cannot be kept.
    #[error("the schema is refused: {what}")]
    Schema {
        /// What was found and what was expected.
        what: String,
    },
    /// The batch contradicts itself or the database.
    #[error("the batch is refused: {what}")]
    Batch {
        /// What was found and what was expected.
        what: String,
    },
    /// A blob has a bad name, or its writer failed.
    #[error("blob {name:?} is refused: {what}")]
    Blob {
        /// The name given.
        name: String,
        /// What was found and what was expected.
        what: String,
    },
    /// The view is of an older state than the call needs.
    #[error(
        "the view is of commit {found} in epoch {found_epoch}; the database is at commit {current} in epoch {epoch}"
    )]
    Stale {
        /// The view's commit.
        found: u64,
        /// The view's epoch.
        found_epoch: u64,
        /// The newest commit.
        current: u64,
        /// The newest epoch.
        epoch: u64,
    },
    /// The key-value store underneath failed.
    #[error("RocksDB cannot {op} {}: {what}", path.display())]
    Backend {
        /// The database.
        path: PathBuf,
        /// What was tried.
        op: &'static str,
        /// What it said.
        what: String,
    },
}

impl StorageError {
    /// Whether it is a failure of the system of this kind.
    pub(crate) fn is_io(&self, kind: io::ErrorKind) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == kind)
    }

    /// Whether less might have been written.
    pub(crate) fn is_short_of_space(&self) -> bool {
        matches!(self, Self::Full { .. }) || self.is_io(io::ErrorKind::FileTooLarge)
    }

    /// Wraps a failure of the system, telling a full medium from others.
    pub(crate) fn io(path: &Path, op: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path: path.into(), op },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path: path.into() },
            _ => Self::Io { path: path.into(), op, source },
        }
    }
}

/// Who holds a lock.
fn process(pid: u32) -> String {
    match pid {
        0 => "another process".into(),
        pid if pid == std::process::id() => "this process: another handle holds it".into(),
        pid => format!("process {pid}"),
    }
}

/// One thing that [`Storage::verify`](crate::Storage::verify) found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The damaged file.
    pub file: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// What was found and what was expected.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.file.display(), self.offset, self.what)
    }
}
