//! A commit on its way: readers wait until it is acknowledged or taken back.
//!
//! A record is whole in the log before it is synced, and where the sync or the write fails it is cut
//! off again. Who opened the database in between would show a commit that is not acknowledged, and its
//! rows would change when the next commit is written over them. So the writer locks the log while it
//! appends, and a reader takes the end of the log while nobody does. The system lets go of both locks
//! when a process ends.

use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::dir::DirFile;
use crate::StorageError;

/// A reader holds its lock for as long as it takes to read a record or two; one that was stopped
/// meanwhile does not stop the writer.
const WRITER_WAITS: Duration = Duration::from_millis(200);
/// Longer than a medium that still answers takes for a sync.
const READER_WAITS: Duration = Duration::from_secs(10);

/// A lock on a log; it is let go of when this is dropped.
pub(crate) struct Flight(Option<DirFile>);

impl Flight {
    /// A record is about to be appended.
    pub(crate) fn begin(log: &DirFile) -> Self {
        Self(wait(log, FlockOperation::NonBlockingLockExclusive, WRITER_WAITS).then(|| log.clone()))
    }

    /// What the log ends with is acknowledged, and stays so for as long as this is held.
    pub(crate) fn landed(log: &DirFile) -> Result<Self, StorageError> {
        if wait(log, FlockOperation::NonBlockingLockShared, READER_WAITS) {
            return Ok(Self(Some(log.clone())));
        }
        let what = format!("a commit is on its way for more than {} s", READER_WAITS.as_secs());
        Err(StorageError::io(log.path(), "read", io::Error::new(io::ErrorKind::WouldBlock, what)))
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

/// Whether the lock is had, or is one that this file system does not know.
fn wait(log: &DirFile, lock: FlockOperation, longest: Duration) -> bool {
    let begun = Instant::now();
    while flock(log.raw().file(), lock) == Err(Errno::WOULDBLOCK) {
        if begun.elapsed() > longest {
            return false;
        }
        sleep(Duration::from_micros(200));
    }
    true
}
