//! One writer at a time: an advisory lock on the file LOCK, which tells the holder's pid.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};

use super::dir::{Dir, DirFile, LOCK};
use super::medium::{Disk, Open};
use crate::StorageError;

/// While it is held, nobody else opens the database for writing, in this process or another: for
/// moving, copying or replacing the folder. The system lets go of it when this is dropped or the
/// process ends.
pub struct Lock {
    file: DirFile,
}

impl Lock {
    /// Takes the lock of the database in the folder `path`, of whatever backend, without looking
    /// whether there is one.
    ///
    /// # Errors
    /// [`StorageError::Locked`] while it is open for writing, and what the medium says.
    pub fn of(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        Self::take(&Dir::new(Arc::new(Disk), path.as_ref()))
    }

    /// Takes the lock, or tells who has it.
    pub(crate) fn take(dir: &Dir) -> Result<Self, StorageError> {
        let file = match dir.open(LOCK, Open::Write) {
            Err(StorageError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                match dir.open(LOCK, Open::New) {
                    // Another process made it in between.
                    Err(StorageError::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
                        dir.open(LOCK, Open::Write)?
                    }
                    other => other?,
                }
            }
            other => other?,
        };
        match flock(file.raw().file(), FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(StorageError::Locked { path: dir.path().into(), pid: holder(&file) });
            }
            Err(errno) => return Err(StorageError::io(file.path(), "lock", errno.into())),
        }
        // For people and messages only: a failure to write it does not make the lock less held.
        let pid = format!("{:<10}\n", std::process::id());
        let _ = file.write_at(pid.as_bytes(), 0);
        Ok(Self { file })
    }
}

impl Drop for Lock {
    /// Lets go explicitly: a process that is just being started by another thread holds a copy of
    /// the file for a moment, and closing ours would not be enough.
    fn drop(&mut self) {
        let _ = flock(self.file.raw().file(), FlockOperation::Unlock);
    }
}

fn holder(file: &DirFile) -> u32 {
    let mut text = [0; 10];
    let read = file.read_at(&mut text, 0);
    read.ok().and_then(|()| std::str::from_utf8(&text).ok()?.trim().parse().ok()).unwrap_or(0)
}
