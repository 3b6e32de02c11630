//! A whole file as bytes: the only `unsafe` of this crate.
#![allow(unsafe_code)]

use std::fs::{self, File};
use std::path::Path;

use memmap2::Mmap;

use crate::FormatError;

/// A file mapped read-only, from its first byte to its last; it starts on a page boundary.
#[derive(Debug)]
pub(crate) struct Map(Mmap);

impl Map {
    /// Maps the regular file at `path`; `expected` says what it should hold if it is empty.
    pub(crate) fn open(path: &Path, expected: &'static str) -> Result<Self, FormatError> {
        let file = open_regular(path)?;
        Self::of(&file, path, expected)
    }

    /// Maps an open file.
    pub(crate) fn of(file: &File, path: &Path, expected: &'static str) -> Result<Self, FormatError> {
        let length = file.metadata().map_err(FormatError::io(path, "read its length"))?.len();
        if length == 0 {
            return Err(FormatError::Empty { file: path.into(), expected });
        }
        // SAFETY: the map is read-only and private to this value, and only bytes are read from
        // it, for which every value is valid. What the type system cannot rule out is another
        // process that writes to the file meanwhile: changed bytes are then read as they are,
        // which is why nothing here relies on a byte staying what it was when it was checked.
        // A file that another process truncates meanwhile ends this process with SIGBUS, as for
        // every program that maps its input; the length is taken from the open file at once
        // before mapping, so that a file that is short from the start is found out by its length.
        let map = unsafe { Mmap::map(file) }.map_err(FormatError::io(path, "map it"))?;
        Ok(Self(map))
    }

    /// All bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Opens `path` for reading if it is a regular file; anything else could block or never end.
pub(crate) fn open_regular(path: &Path) -> Result<File, FormatError> {
    let found = fs::metadata(path).map_err(FormatError::io(path, "open it"))?;
    if !found.is_file() {
        return Err(FormatError::NotAFile {
            file: path.into(),
            found: if found.is_dir() { "a folder" } else { "a pipe, socket or device" },
        });
    }
    File::open(path).map_err(FormatError::io(path, "open it"))
}
