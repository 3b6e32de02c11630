//! A commit on its way: readers wait until it is acknowledged or taken back.
//!
//! A record is whole in the log before it is synced, and where the sync or the write fails it is cut
//! off again. Who opened the database in between would show a commit that is not acknowledged, and its
//! rows would change when the next commit is written over them. So the writer locks the log while it
//! appends, and a reader believes the last record once it has a shared lock, or another follows. The system lets go of both locks
//! when a process ends.

use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::StorageError;
use crate::files::dir::DirFile;

/// A reader holds its lock for as long as it takes to read a record or two; one that was stopped
/// meanwhile does not stop the writer.
const WRITER_WAITS: Duration = Duration::from_millis(200);
/// Longer than a medium that still answers takes for a sync.
pub(crate) const LONGEST_FLIGHT: Duration = Duration::from_secs(10);

/// A lock on a log; it is let go of when this is dropped.
pub(crate) struct Flight(Option<DirFile>);

impl Flight {
    /// A record is about to be appended.
    pub(crate) fn begin(log: &DirFile) -> Self {
        let begun = Instant::now();
        let mut locked = lock(log, FlockOperation::NonBlockingLockExclusive);
        while !locked && begun.elapsed() < WRITER_WAITS {
            sleep(Duration::from_micros(200));
            locked = lock(log, FlockOperation::NonBlockingLockExclusive);
        }
        Self(locked.then(|| log.clone()))
    }

    /// No record is on its way, and none comes for as long as this is held; `None` if one is.
    pub(crate) fn landed(log: &DirFile) -> Option<Self> {
        lock(log, FlockOperation::NonBlockingLockShared).then(|| Self(Some(log.clone())))
    }

    /// The record stays in the log and was refused: as long as its writer lives, nobody takes it for
    /// a commit.
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

/// Says that a record is on its way for longer than readers wait.
pub(crate) fn late(log: &DirFile) -> StorageError {
    let what = format!("a commit is on its way for more than {} s", LONGEST_FLIGHT.as_secs());
    StorageError::io(log.path(), "read", io::Error::new(io::ErrorKind::WouldBlock, what))
}

/// Whether the lock is had, or is one that this file system does not know.
fn lock(log: &DirFile, how: FlockOperation) -> bool {
    flock(log.raw().file(), how) != Err(Errno::WOULDBLOCK)
}
