//! The writer's lock: an advisory lock on the file LOCK, which holds the pid, and on the folder. Removing LOCK does not
//! release the lock on the folder.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::StorageError;
use crate::files::dir::{Dir, DirFile, LOCK};
use crate::files::folder::identity_of;
use crate::files::medium::{Disk, Medium, Open};

/// The lock of a database. While it is held, nobody else can open the database for writing, in this process or another. Use
/// it to move, copy or replace the folder. It is released when dropped or when the process ends.
pub struct Lock {
    dir: Dir,
    file: DirFile,
    process: u32,
}

impl Lock {
    /// Takes the lock of the database in the folder `path`, of any backend. It does not check that there is a database.
    ///
    /// # Errors
    /// [`StorageError::Locked`] while it is open for writing, and those of the medium.
    pub fn of(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        Self::take(&Dir::open_at(Arc::new(Disk), path.as_ref())?)
    }

    /// Takes the lock, or returns its holder in the error. On success the path leads to the folder, and its LOCK is the file
    /// that is locked.
    pub(crate) fn take(dir: &Dir) -> Result<Self, StorageError> {
        let locked = || {
            let pid = dir.open(LOCK, Open::Read).map_or(0, |file| holder(&file));
            StorageError::Locked { path: dir.path().into(), pid }
        };
        // Network file systems that only lock files return other errors, which are ignored.
        if flock(dir.folder(), FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
            return Err(locked());
        }
        Self::take_file(dir, locked).inspect_err(|_| {
            let _ = flock(dir.folder(), FlockOperation::Unlock);
        })
    }

    fn take_file(dir: &Dir, locked: impl Fn() -> StorageError) -> Result<Self, StorageError> {
        // No file can be made in a removed folder.
        let file = open(dir).or_else(|error| dir.check_place().and(Err(error)))?;
        match flock(file.raw().file(), FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(locked()),
            Err(errno) => return Err(StorageError::io(file.path(), "lock", errno.into())),
        }
        let lock = Self { dir: dir.clone(), file, process: std::process::id() };
        lock.check()?;
        // The pid is for people and messages only, so an error is ignored.
        let pid = format!("{:<10}\n", lock.process);
        let _ = lock.file.write_at(pid.as_bytes(), 0);
        Ok(lock)
    }

    /// Whether the lock is held now.
    #[cfg(feature = "rocksdb")]
    pub(crate) fn is_held(dir: &Dir) -> bool {
        dir.open(LOCK, Open::Read)
            .is_ok_and(|file| flock(file.raw().file(), FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK))
    }

    /// Refuses to write in a forked process, after LOCK was removed or replaced, or if another folder has the path.
    pub(crate) fn check(&self) -> Result<(), StorageError> {
        self.check_held()?;
        self.dir.check_place()
    }

    /// As `check`, but for any path.
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
        // A removed folder has no LOCK either.
        self.dir.check_place()?;
        Err(StorageError::Unlocked { path: self.dir.path().into(), what })
    }

    /// Refuses in a process that was forked from the one that took the lock.
    pub(crate) fn check_process(&self) -> Result<(), StorageError> {
        let (opened, found) = (self.process, std::process::id());
        if opened == found {
            return Ok(());
        }
        Err(StorageError::Forked { path: self.dir.path().into(), opened, found })
    }
}

impl Drop for Lock {
    /// Unlocks explicitly. A process that another thread is starting has a copy of the file for a moment, so closing ours is
    /// not enough. A forked process has copies too: they are the lock of the process that opened the database, and stay.
    fn drop(&mut self) {
        if self.check_process().is_ok() {
            let _ = flock(self.file.raw().file(), FlockOperation::Unlock);
            let _ = flock(self.dir.folder(), FlockOperation::Unlock);
        }
    }
}

/// Opens LOCK, or makes it if it does not exist.
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

/// Makes a folder for a new database and takes its lock. An existing folder may only hold what an unfinished `create` left.
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

/// Opens a folder and calls `with`. It retries if that fails and another folder has the path meanwhile.
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
