//! One writer at a time: an advisory lock on the file LOCK, which tells the holder's pid, and on
//! the folder itself, which nobody can remove from under its holder.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::StorageError;
use crate::files::dir::{Dir, DirFile, LOCK};
use crate::files::folder::identity_of;
use crate::files::medium::{Disk, Medium, Open};

/// While it is held, nobody else opens the database for writing, in this process or another: for
/// moving, copying or replacing the folder. The system lets go of it when this is dropped or the
/// process ends.
pub struct Lock {
    dir: Dir,
    file: DirFile,
    process: u32,
}

impl Lock {
    /// Takes the lock of the database in the folder `path`, of whatever backend, without looking
    /// whether there is one.
    ///
    /// # Errors
    /// [`StorageError::Locked`] while it is open for writing, and what the medium says.
    pub fn of(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        Self::take(&Dir::open_at(Arc::new(Disk), path.as_ref())?)
    }

    /// Takes the lock, or tells who has it. Then the path leads to the folder, and its LOCK is the
    /// file that is held.
    pub(crate) fn take(dir: &Dir) -> Result<Self, StorageError> {
        let locked = || {
            let pid = dir.open(LOCK, Open::Read).map_or(0, |file| holder(&file));
            StorageError::Locked { path: dir.path().into(), pid }
        };
        // Other errors are those of network file systems that lock files only.
        if flock(dir.folder(), FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
            return Err(locked());
        }
        Self::take_file(dir, locked).inspect_err(|_| {
            let _ = flock(dir.folder(), FlockOperation::Unlock);
        })
    }

    fn take_file(dir: &Dir, locked: impl Fn() -> StorageError) -> Result<Self, StorageError> {
        // In a folder that was removed no file can be made.
        let file = open(dir).or_else(|error| dir.check_place().and(Err(error)))?;
        match flock(file.raw().file(), FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(locked()),
            Err(errno) => return Err(StorageError::io(file.path(), "lock", errno.into())),
        }
        let lock = Self { dir: dir.clone(), file, process: std::process::id() };
        lock.check()?;
        // For people and messages only: a failure to write it does not make the lock less held.
        let pid = format!("{:<10}\n", lock.process);
        let _ = lock.file.write_at(pid.as_bytes(), 0);
        Ok(lock)
    }

    /// Whether somebody has the lock now.
    #[cfg(feature = "rocksdb")]
    pub(crate) fn is_held(dir: &Dir) -> bool {
        dir.open(LOCK, Open::Read)
            .is_ok_and(|file| flock(file.raw().file(), FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK))
    }

    /// Refuses to write where this is not the one writer: in a forked process, after LOCK was
    /// removed or replaced, or if the folder's place is another's.
    pub(crate) fn check(&self) -> Result<(), StorageError> {
        self.check_held()?;
        self.dir.check_place()
    }

    /// As `check`, wherever the folder is.
    pub(crate) fn check_held(&self) -> Result<(), StorageError> {
        self.check_process()?;
        let held = identity_of(self.file.raw().file());
        let held = held.map_err(|source| StorageError::io(self.file.path(), "look at", source))?;
        let what = match self.dir.folder().identity_of(LOCK) {
            Ok(found) if found == held => return Ok(()),
            Ok(_) => "LOCK was replaced by another file",
            Err(source) if source.kind() == io::ErrorKind::NotFound => "LOCK was removed",
            Err(source) => return Err(StorageError::io(self.file.path(), "look at", source)),
        };
        // A folder that was removed has no LOCK either.
        self.dir.check_place()?;
        Err(StorageError::Unlocked { path: self.dir.path().into(), what })
    }

    /// Refuses to act for the process that took the lock in one that was forked from it.
    pub(crate) fn check_process(&self) -> Result<(), StorageError> {
        let (opened, found) = (self.process, std::process::id());
        if opened == found {
            return Ok(());
        }
        Err(StorageError::Forked { path: self.dir.path().into(), opened, found })
    }
}

impl Drop for Lock {
    /// Lets go explicitly: a process that is just being started by another thread holds a copy of
    /// the file for a moment, and closing ours would not be enough. A forked process has such
    /// copies too: they are the lock of the one that opened the database, and stay.
    fn drop(&mut self) {
        if self.check_process().is_ok() {
            let _ = flock(self.file.raw().file(), FlockOperation::Unlock);
            let _ = flock(self.dir.folder(), FlockOperation::Unlock);
        }
    }
}

/// Opens LOCK, which is made if it is not there.
fn open(dir: &Dir) -> Result<DirFile, StorageError> {
    match dir.open(LOCK, Open::Write) {
        Err(error) if error.is_io(io::ErrorKind::NotFound) => {}
        opened => return opened,
    }
    match dir.open(LOCK, Open::New) {
        // Another process made it in between.
        Err(error) if error.is_io(io::ErrorKind::AlreadyExists) => dir.open(LOCK, Open::Write),
        made => made,
    }
}

/// Makes a folder for a new database and takes its lock, or takes that of a folder which holds
/// nothing but what an unfinished making left.
pub(crate) fn take_free(medium: Arc<dyn Medium>, path: &Path, left: &[String]) -> Result<(Dir, Lock), StorageError> {
    let free = |dir: &Dir| match dir.list()?.iter().all(|name| left.contains(name)) {
        true => Ok(()),
        false => Err(StorageError::Exists { path: path.into() }),
    };
    let make = || Dir::make(Arc::clone(&medium), path);
    at_place(make, |dir| {
        free(dir)?;
        let lock = Lock::take(dir)?;
        free(dir)?;
        Ok((dir.clone(), lock))
    })
}

/// Opens a folder and does something with it; again, when it failed and another folder has its place
/// by then.
pub(crate) fn at_place<T>(
    open: impl Fn() -> Result<Dir, StorageError>,
    with: impl Fn(&Dir) -> Result<T, StorageError>,
) -> Result<T, StorageError> {
    const TURNS: usize = 8;
    for _ in 1..TURNS {
        let dir = open()?;
        match with(&dir) {
            Err(StorageError::Unlocked { .. }) => {}
            Err(_) if !dir.is_in_place() => {}
            done => return done,
        }
    }
    with(&open()?)
}

fn holder(file: &DirFile) -> u32 {
    let mut text = [0; 10];
    let read = file.read_at(&mut text, 0);
    read.ok().and_then(|()| std::str::from_utf8(&text).ok()?.trim().parse().ok()).unwrap_or(0)
}
