//! An open folder. Its files are reached through the handle, even if it is renamed or the process's current folder changes.

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

/// Device and inode: the same for every name of a file or folder.
type Identity = (u64, u64);

/// What a folder's path leads to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The folder that was opened.
    Same,
    /// Nothing readable: the folder was renamed.
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
    /// Those of the system; `NotADirectory` if the path is something else.
    pub fn open(path: &Path) -> io::Result<Self> {
        let handle = openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        // A relative path leads elsewhere once the current folder is another.
        let place = std::path::absolute(path).unwrap_or_else(|_| path.into());
        Ok(Self { handle, place })
    }

    /// The parent folder.
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

    /// The identity of the file with a name.
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

/// The identity of an open file.
pub(crate) fn identity_of(file: &File) -> io::Result<Identity> {
    Ok(identity(&fstat(file)?))
}

fn identity(stat: &Stat) -> Identity {
    (stat.st_dev, stat.st_ino)
}
