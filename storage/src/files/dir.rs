//! The database's directory: file names, and files whose errors name them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::StorageError;
use crate::files::folder::{Folder, Place};
use crate::files::medium::{Medium, MediumFile, Open, size};
use crate::state::layout::MOST_COUNTED;
use crate::state::region::Region;

pub(crate) const LOCK: &str = "LOCK";
pub(crate) const MANIFESTS: [&str; 2] = ["MANIFEST.a", "MANIFEST.b"];
pub(crate) const NEW_MANIFEST: &str = "MANIFEST.new";

/// The name of a numbered file.
pub(crate) fn numbered(kind: &str, number: u64) -> String {
    format!("{kind}.{number:06}")
}

/// The kind and number of a numbered file, from its name.
pub(crate) fn parse(name: &str) -> Option<(&str, u64)> {
    let (kind, digits) = name.split_once('.')?;
    let number = digits.parse().ok().filter(|number| *number <= MOST_COUNTED)?;
    (numbered(kind, number) == name).then_some((kind, number))
}

/// An open directory on a medium. Only making and opening it uses its path.
#[derive(Clone)]
pub(crate) struct Dir {
    medium: Arc<dyn Medium>,
    folder: Arc<Folder>,
    /// The path as given, for messages.
    path: PathBuf,
}

impl Dir {
    /// Opens the directory at `path`.
    pub(crate) fn open_at(medium: Arc<dyn Medium>, path: &Path) -> Result<Self, StorageError> {
        match Folder::open(path) {
            Ok(folder) => Ok(Self { medium, folder: Arc::new(folder), path: path.into() }),
            Err(source) => Err(match source.kind() {
                io::ErrorKind::NotFound => StorageError::NotFound { path: path.into() },
                io::ErrorKind::NotADirectory => {
                    StorageError::NotADatabase { path: path.into(), what: "it is not a directory" }
                }
                _ => StorageError::io(path, "open", source),
            }),
        }
    }

    /// Makes the directory at `path`, unless it exists, and opens it.
    pub(crate) fn make(medium: Arc<dyn Medium>, path: &Path) -> Result<Self, StorageError> {
        match medium.create_dir(path) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                Err(StorageError::io(path, "create", source))
            }
            _ => match Self::open_at(medium, path) {
                Err(StorageError::NotADatabase { path, .. }) => Err(StorageError::Exists { path }),
                opened => opened,
            },
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Refuses a folder if another one is at its path, or if it was removed. A renamed folder is accepted: files are
    /// reached through its handle.
    pub(crate) fn check_place(&self) -> Result<(), StorageError> {
        let what = match self.folder.place().map_err(|source| self.failed("look at", source))? {
            Place::Same | Place::Elsewhere => return Ok(()),
            Place::Taken => "another folder has this path",
            Place::Removed => "the folder was removed",
        };
        Err(StorageError::Moved { path: self.path.clone(), what })
    }

    /// Whether the path still leads here.
    pub(crate) fn is_in_place(&self) -> bool {
        matches!(self.folder.place(), Ok(Place::Same))
    }

    pub(crate) fn open(&self, name: &str, how: Open) -> Result<DirFile, StorageError> {
        let path = self.path.join(name);
        let op = if how == Open::New { "create" } else { "open" };
        match self.medium.open(&self.folder, name, how) {
            Ok(file) => Ok(DirFile { path, file }),
            Err(source) => Err(StorageError::io(&path, op, source)),
        }
    }

    /// Makes a new file. A file that an unfinished attempt left under its name is removed first.
    pub(crate) fn create(&self, name: &str) -> Result<DirFile, StorageError> {
        self.remove(name)?;
        self.open(name, Open::New)
    }

    pub(crate) fn list(&self) -> Result<Vec<String>, StorageError> {
        self.medium.list(&self.folder).map_err(|source| self.failed("list", source))
    }

    /// Removes a file, if it exists.
    pub(crate) fn remove(&self, name: &str) -> Result<(), StorageError> {
        match self.medium.remove(&self.folder, name) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(StorageError::io(&self.path.join(name), "remove", source))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        let renamed = self.medium.rename(&self.folder, from, to);
        renamed.map_err(|source| StorageError::io(&self.path.join(from), "rename", source))
    }

    pub(crate) fn sync(&self) -> Result<(), StorageError> {
        self.medium.sync_dir(&self.folder).map_err(|source| self.failed("sync", source))
    }

    /// Makes the directory's own name durable, wherever it is now.
    pub(crate) fn sync_parent(&self) -> Result<(), StorageError> {
        let synced = self.folder.parent().and_then(|parent| self.medium.sync_dir(&parent));
        synced.map_err(|source| StorageError::io(&self.path.join(".."), "sync", source))
    }

    fn failed(&self, op: &'static str, source: io::Error) -> StorageError {
        StorageError::io(&self.path, op, source)
    }
}

/// An open file of the directory.
#[derive(Clone)]
pub(crate) struct DirFile {
    path: PathBuf,
    file: Arc<dyn MediumFile>,
}

impl DirFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn raw(&self) -> &dyn MediumFile {
        &*self.file
    }

    pub(crate) fn len(&self) -> Result<u64, StorageError> {
        Ok(size(&*self.file).map_err(|source| self.failed("measure", source))?.0)
    }

    /// The bytes of allocated blocks; 0 if unknown.
    pub(crate) fn allocated(&self) -> u64 {
        size(&*self.file).map_or(0, |(_, allocated)| allocated)
    }

    pub(crate) fn read_at(&self, out: &mut [u8], offset: u64) -> Result<(), StorageError> {
        self.file.read_at(out, offset).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => {
                self.corrupt(offset, format!("file is truncated; expected {} more bytes", out.len()))
            }
            _ => self.failed("read", source),
        })
    }

    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), StorageError> {
        self.file.write_at(bytes, offset).map_err(|source| self.failed("write to", source))
    }

    pub(crate) fn set_len(&self, len: u64) -> Result<(), StorageError> {
        self.file.set_len(len).map_err(|source| self.failed("set the length of", source))
    }

    pub(crate) fn punch(&self, offset: u64, len: u64) -> Result<(), StorageError> {
        self.file.punch(offset, len).map_err(|source| self.failed("give back the space of", source))
    }

    pub(crate) fn sync(&self) -> Result<(), StorageError> {
        self.file.sync().map_err(|source| self.failed("sync", source))
    }

    pub(crate) fn map(&self, at: u64, len: usize) -> Result<Region, StorageError> {
        Region::map(self.file.file(), at, len).map_err(|source| self.failed("map", source))
    }

    pub(crate) fn corrupt(&self, offset: u64, what: impl Into<String>) -> StorageError {
        StorageError::Corrupt { file: self.path.clone(), offset, what: what.into() }
    }

    fn failed(&self, op: &'static str, source: io::Error) -> StorageError {
        StorageError::io(&self.path, op, source)
    }
}
