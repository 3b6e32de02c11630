//! A folder held open. Its files are reached through the handle, whatever becomes of its name and
//! of the process's current folder.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, fstat, openat, stat, statat};
use rustix::io::Errno;

/// A folder's handle, and the path that led to it.
pub struct Folder {
    handle: OwnedFd,
    place: PathBuf,
}

/// Which inode: the same for every name that leads to a file or folder.
type Identity = (u64, u64);

/// What a folder's path leads to by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The folder that was opened.
    Same,
    /// Nothing that can be looked at: the folder was renamed.
    Elsewhere,
    /// Another folder or file.
    Taken,
    /// Nothing: the folder was removed.
    Removed,
}

impl Folder {
    /// Opens the folder at `path`.
    ///
    /// # Errors
    /// The system's; `NotADirectory` if there is something else.
    pub fn open(path: &Path) -> io::Result<Self> {
        let handle = openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        // A relative path leads elsewhere once the current folder is another.
        let place = std::path::absolute(path).unwrap_or_else(|_| path.into());
        Ok(Self { handle, place })
    }

    /// The folder that holds this one now.
    pub(crate) fn parent(&self) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = openat(&self.handle, "..", flags, Mode::empty())?;
        Ok(Self { handle, place: self.place.join("..") })
    }

    /// Whether there is a file of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.identity_of(name).is_ok()
    }

    /// Which file a name stands for.
    pub(crate) fn identity_of(&self, name: &str) -> io::Result<Identity> {
        Ok(identity(&statat(&self.handle, name, AtFlags::empty())?))
    }

    /// What the path leads to now.
    pub(crate) fn place(&self) -> io::Result<Place> {
        let held = fstat(&self.handle)?;
        Ok(match stat(&self.place) {
            Ok(found) if identity(&found) == identity(&held) => Place::Same,
            Ok(_) => Place::Taken,
            Err(Errno::NOENT | Errno::NOTDIR) if held.st_nlink == 0 => Place::Removed,
            Err(_) => Place::Elsewhere,
        })
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

/// Which file is open.
pub(crate) fn identity_of(file: &File) -> io::Result<Identity> {
    Ok(identity(&fstat(file)?))
}

fn identity(stat: &Stat) -> Identity {
    (stat.st_dev, stat.st_ino)
}
