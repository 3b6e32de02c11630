//! All file operations of the mapped backend, behind one trait.
//!
//! [`Disk`] is the file system. The crash tests wrap it in a layer that fails, tears, reorders and drops writes and syncs.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, FallocateFlags, Mode, OFlags, fallocate, fsync, openat, renameat, unlinkat};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

pub use crate::files::folder::Folder;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// For reading; it must exist.
    Read,
    /// For reading and writing; it must exist.
    Write,
    /// For reading and writing; it must not exist.
    New,
}

/// The file system operations that the mapped backend needs. Files are named within an open [`Folder`].
pub trait Medium: Send + Sync {
    /// Opens a file.
    ///
    /// # Errors
    /// Those of the system.
    fn open(&self, folder: &Folder, name: &str, how: Open) -> io::Result<Arc<dyn MediumFile>>;
    /// Makes a directory. Its parent must exist.
    ///
    /// # Errors
    /// Those of the system.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// The names in a folder.
    ///
    /// # Errors
    /// Those of the system.
    fn list(&self, folder: &Folder) -> io::Result<Vec<String>>;
    /// Removes a file's name. Open handles keep the file.
    ///
    /// # Errors
    /// Those of the system.
    fn remove(&self, folder: &Folder, name: &str) -> io::Result<()>;
    /// Renames a file, and replaces the file of the new name.
    ///
    /// # Errors
    /// Those of the system.
    fn rename(&self, folder: &Folder, from: &str, to: &str) -> io::Result<()>;
    /// Syncs the names in a folder.
    ///
    /// # Errors
    /// Those of the system.
    fn sync_dir(&self, folder: &Folder) -> io::Result<()>;
}

/// An open file.
pub trait MediumFile: Send + Sync {
    /// Fills `out` from `offset` on. `UnexpectedEof` if the file is too short.
    ///
    /// # Errors
    /// Those of the system.
    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// Those of the system. Then any part of the bytes may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Truncates the file or extends it by a hole.
    ///
    /// # Errors
    /// Those of the system.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Frees the space of bytes that are no longer needed. They read as zeros then.
    ///
    /// # Errors
    /// Those of the system.
    fn punch(&self, offset: u64, len: u64) -> io::Result<()>;
    /// Syncs the file's bytes and length.
    ///
    /// # Errors
    /// Those of the system. Then it is unknown what is on the medium.
    fn sync(&self) -> io::Result<()>;
    /// The file itself, for its length, its lock and maps.
    fn file(&self) -> &File;
}

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Medium for Disk {
    fn open(&self, folder: &Folder, name: &str, how: Open) -> io::Result<Arc<dyn MediumFile>> {
        let flags = match how {
            Open::Read => OFlags::RDONLY,
            Open::Write => OFlags::RDWR,
            Open::New => OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
        };
        let mode = Mode::from_raw_mode(0o666);
        Ok(Arc::new(File::from(openat(folder, name, flags | OFlags::CLOEXEC, mode)?)))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir(path)
    }

    fn list(&self, folder: &Folder) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(folder)? {
            // A name that is not UTF-8 is not one of ours.
            if let Ok(name) = entry?.file_name().to_str()
                && ![".", ".."].contains(&name)
            {
                names.push(name.into());
            }
        }
        Ok(names)
    }

    fn remove(&self, folder: &Folder, name: &str) -> io::Result<()> {
        Ok(unlinkat(folder, name, AtFlags::empty())?)
    }

    fn rename(&self, folder: &Folder, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(folder, from, folder, to)?)
    }

    fn sync_dir(&self, folder: &Folder) -> io::Result<()> {
        Ok(fsync(folder)?)
    }
}

impl MediumFile for File {
    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, out, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        within_limit(offset + bytes.len() as u64)?;
        FileExt::write_all_at(self, bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len > self.metadata()?.len() {
            within_limit(len)?;
        }
        File::set_len(self, len)
    }

    fn punch(&self, offset: u64, len: u64) -> io::Result<()> {
        Ok(fallocate(self, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, offset, len)?)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn file(&self) -> &File {
        self
    }
}

/// Refuses to write beyond the process's file size limit. The system would end the process with SIGXFSZ.
fn within_limit(end: u64) -> io::Result<()> {
    match getrlimit(Resource::Fsize).current {
        Some(limit) if end > limit => Err(Errno::FBIG.into()),
        _ => Ok(()),
    }
}

/// The length of a file, and the bytes of its allocated blocks.
pub(crate) fn size(file: &dyn MediumFile) -> io::Result<(u64, u64)> {
    let data = file.file().metadata()?;
    Ok((data.len(), data.blocks() * 512))
}
