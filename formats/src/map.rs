//! The bytes of a file. This is the only `unsafe` code of the crate.
#![allow(unsafe_code)]

use std::fs::{self, File};
use std::io;
use std::path::Path;

use memmap2::{Mmap, MmapMut};

use crate::FormatError;

/// Bytes that no other process can change: anonymous memory, or an unnamed file of this process. They start on a page
/// boundary.
#[derive(Debug)]
pub(crate) struct Map(Mmap);

impl Map {
    /// Allocates `length` bytes and calls `fill` with them.
    pub(crate) fn filled(length: usize, fill: impl FnOnce(&mut [u8]) -> io::Result<()>) -> io::Result<Self> {
        let mut map = MmapMut::map_anon(length)?;
        fill(&mut map)?;
        Ok(Self(map.make_read_only()?))
    }

    /// Maps an unnamed temporary file with the content of `path`. `expected` is the expected content for the error of an
    /// empty file.
    pub(crate) fn of(file: &File, path: &Path, expected: &'static str) -> Result<Self, FormatError> {
        let length = file.metadata().map_err(FormatError::io(path, "read its length"))?.len();
        if length == 0 {
            return Err(FormatError::Empty { file: path.into(), expected });
        }
        // SAFETY: the map is read-only, and the file has no name, so no other process can open it. This crate neither
        // truncates it nor writes to it any more.
        let map = unsafe { Mmap::map(file) }.map_err(FormatError::io(path, "map it"))?;
        Ok(Self(map))
    }

    /// All bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Opens `path` for reading if it is a regular file. Anything else could block or never end.
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
