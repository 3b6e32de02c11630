//! A commit in flight: readers wait until it is acknowledged or withdrawn.
//!
//! A record is whole in the log before it is synced. If the sync or the write fails, it is truncated. A reader that opens the
//! database in between would show a commit that is not acknowledged, and the next commit would overwrite its rows. So the
//! writer locks the log while it appends. A reader accepts the last record only while it holds a shared lock, or if another
//! record follows. The system releases both locks when a process ends.

use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::StorageError;
use crate::files::dir::DirFile;

/// How long the writer waits for readers. A reader holds its lock while it reads a record or two. A stopped reader does not
/// block the writer.
const WRITER_WAITS: Duration = Duration::from_millis(200);
/// How long readers wait for the writer: longer than any sync of a working disk.
pub(crate) const LONGEST_FLIGHT: Duration = Duration::from_secs(10);

/// A lock on a log, released when dropped.
pub(crate) struct Flight(Option<DirFile>);

impl Flight {
    /// Takes the exclusive lock, before a record is appended.
    pub(crate) fn begin(log: &DirFile) -> Self {
        let begun = Instant::now();
        let mut locked = lock(log, FlockOperation::NonBlockingLockExclusive);
        while !locked && begun.elapsed() < WRITER_WAITS {
            sleep(Duration::from_micros(200));
            locked = lock(log, FlockOperation::NonBlockingLockExclusive);
        }
        Self(locked.then(|| log.clone()))
    }

    /// Takes the shared lock: no record is in flight while it is held. Returns `None` if one is in flight.
    pub(crate) fn landed(log: &DirFile) -> Option<Self> {
        lock(log, FlockOperation::NonBlockingLockShared).then(|| Self(Some(log.clone())))
    }

    /// Keeps the lock until the writer closes: the log holds a refused record that could not be truncated.
    pub(crate) fn never_lands(mut self) {
        self.0 = None;
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(log) = &self.0 {
            let _ = flock(log.raw().file(), FlockOperation::Unlock);
        }
    }
}

/// The error of a record that is in flight for longer than readers wait.
pub(crate) fn late(log: &DirFile) -> StorageError {
    let what = format!("a commit is in flight for more than {} s", LONGEST_FLIGHT.as_secs());
    StorageError::io(log.path(), "read", io::Error::new(io::ErrorKind::WouldBlock, what))
}

/// Whether the lock is taken, or the file system does not support it.
fn lock(log: &DirFile, how: FlockOperation) -> bool {
    flock(log.raw().file(), how) != Err(Errno::WOULDBLOCK)
}
