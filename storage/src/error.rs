//! Errors of the storage, with their details as fields.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// An error of a storage call. What was readable before the call is readable after it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// An operation on a file failed.
    #[error("cannot {op} {}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The operation.
        op: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The disk is full, or the quota is used up.
    #[error("no space left to {op} {}", path.display())]
    Full {
        /// The file or directory.
        path: PathBuf,
        /// The operation.
        op: &'static str,
    },
    /// Another writer has the database open.
    #[error("{} is open for writing in {}", path.display(), process(*pid))]
    Locked {
        /// The database.
        path: PathBuf,
        /// The process that holds the lock; 0 if unknown.
        pid: u32,
    },
    /// The path leads to another folder than the one that was opened, or the folder was removed. Nothing is written. All
    /// acknowledged commits are in the folder that was opened.
    #[error("{} is not the folder that was opened: {what}", path.display())]
    Moved {
        /// The path that was opened.
        path: PathBuf,
        /// What the path leads to now.
        what: &'static str,
    },
    /// The file LOCK was removed or replaced while the database was open. Another process may write. Nothing is written.
    #[error("this handle no longer holds the lock of {}: {what}; open the database again", path.display())]
    Unlocked {
        /// The database.
        path: PathBuf,
        /// What happened to the lock file.
        what: &'static str,
    },
    /// This process is a fork of the one that opened the database for writing. In RocksDB blobs cannot be read either.
    #[error("process {opened} opened {}, but this is process {found}: open it again after a fork", path.display())]
    Forked {
        /// The database.
        path: PathBuf,
        /// The process that opened it.
        opened: u32,
        /// This process.
        found: u32,
    },
    /// A progress listener writes to the database that calls it.
    #[error("{}: a progress listener must not write to the database that calls it", path.display())]
    InListener {
        /// The database.
        path: PathBuf,
    },
    /// A file is damaged.
    #[error("{} is damaged at byte {offset}: {what}", file.display())]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// The byte offset.
        offset: u64,
        /// The found and the expected value.
        what: String,
    },
    /// The database needs recovery from the log, which only a writer can do.
    #[error("{} needs recovery after a crash: open it once for writing", path.display())]
    NeedsRecovery {
        /// The database.
        path: PathBuf,
    },
    /// The path of a new database exists already.
    #[error("{} exists already", path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// The path does not exist.
    #[error("{} does not exist", path.display())]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// The path is not a database.
    #[error("{} is not an OmenDB database: {what}", path.display())]
    NotADatabase {
        /// The path.
        path: PathBuf,
        /// The reason.
        what: &'static str,
    },
    /// A newer version of this library wrote the database.
    #[error("{} has format version {found}; this library reads up to {supported}", path.display())]
    Version {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that this library reads.
        supported: u32,
    },
    /// The database is open for reading only.
    #[error("{} is open for reading only", path.display())]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// An earlier write failed, and it is unknown what is on the medium. Reads continue. Opening the database again
    /// recovers its last good state.
    #[error("{} accepts no writes until it is reopened: {cause}", path.display())]
    Poisoned {
        /// The database.
        path: PathBuf,
        /// The earlier error.
        cause: String,
    },
    /// There are too many rows.
    #[error("a database holds at most {limit} rows, including deleted rows until it is compacted")]
    Capacity {
        /// The limit.
        limit: u64,
    },
    /// The schema is invalid.
    #[error("invalid schema: {what}")]
    Schema {
        /// The found and the expected value.
        what: String,
    },
    /// The batch is invalid.
    #[error("invalid batch: {what}")]
    Batch {
        /// The found and the expected value.
        what: String,
    },
    /// A blob has an invalid name, or its writer failed.
    #[error("cannot write blob {name:?}: {what}")]
    Blob {
        /// The name.
        name: String,
        /// The reason.
        what: String,
    },
    /// The view is older than the call needs.
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
    /// RocksDB failed.
    #[error("RocksDB cannot {op} {}: {what}", path.display())]
    Backend {
        /// The database.
        path: PathBuf,
        /// The operation.
        op: &'static str,
        /// RocksDB's message.
        what: String,
    },
}

impl StorageError {
    /// Whether this is a system error of this kind.
    pub(crate) fn is_io(&self, kind: io::ErrorKind) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == kind)
    }

    /// Whether a shorter write might succeed.
    pub(crate) fn is_short_of_space(&self) -> bool {
        matches!(self, Self::Full { .. }) || self.is_io(io::ErrorKind::FileTooLarge)
    }

    /// Wraps a system error.
    pub(crate) fn io(path: &Path, op: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path: path.into(), op },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path: path.into() },
            _ => Self::Io { path: path.into(), op, source },
        }
    }
}

/// The holder of a lock, for messages.
fn process(pid: u32) -> String {
    match pid {
        0 => "another process".into(),
        pid if pid == std::process::id() => "this process by another handle".into(),
        pid => format!("process {pid}"),
    }
}

/// A problem that [`Storage::verify`](crate::Storage::verify) found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The damaged file.
    pub file: PathBuf,
    /// The byte offset.
    pub offset: u64,
    /// The found and the expected value.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.file.display(), self.offset, self.what)
    }
}
