//! An input file. It is copied once and then checked, so that the checked bytes are the ones used. A file that is truncated or
//! overwritten meanwhile cannot crash the process.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::FormatError;
use crate::map::{Map, open_regular};

/// Shorter files are copied to memory, longer ones to an unnamed temporary file.
const TO_MEMORY: u64 = 1 << 30;
/// Every header is within this many bytes.
const HEAD: u64 = 128 << 10;

/// The state of a file: its length and the times of its last changes.
type State = (u64, i64, i64, i64, i64);

/// A regular file, and its state when it was opened.
#[derive(Debug)]
pub(crate) struct Input<'p> {
    path: &'p Path,
    file: File,
    state: State,
}

impl<'p> Input<'p> {
    /// Opens the file at `path`.
    pub(crate) fn open(path: &'p Path) -> Result<Self, FormatError> {
        let file = open_regular(path)?;
        let state = state(&file).map_err(FormatError::io(path, "read its length"))?;
        Ok(Self { path, file, state })
    }

    /// Its length in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.state.0
    }

    /// Its first bytes: enough for a header, which has the file's length.
    pub(crate) fn head(&mut self) -> Result<Vec<u8>, FormatError> {
        let mut head = Vec::new();
        let read = (&self.file).take(HEAD).read_to_end(&mut head).and_then(|_| self.file.seek(SeekFrom::Start(0)));
        read.map_err(FormatError::io(self.path, "read it"))?;
        Ok(head)
    }

    /// Copies all of it. `expected` is the expected content for the error of an empty file.
    pub(crate) fn copy(self, expected: &'static str) -> Result<Map, FormatError> {
        if self.length() == 0 {
            return Err(FormatError::Empty { file: self.path.into(), expected });
        }
        let map = if self.length() <= TO_MEMORY { self.to_memory()? } else { self.to_file()? };
        self.check()?;
        Ok(map)
    }

    fn to_memory(&self) -> Result<Map, FormatError> {
        let too_long = |_| FormatError::io(self.path, "copy it to memory")(io::ErrorKind::OutOfMemory.into());
        let length = usize::try_from(self.length()).map_err(too_long)?;
        Map::filled(length, |bytes| (&self.file).read_exact(bytes)).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.changed(),
            _ => FormatError::io(self.path, "copy it to memory")(error),
        })
    }

    fn to_file(&self) -> Result<Map, FormatError> {
        let failed = || FormatError::io(self.path, "copy it to a temporary file");
        let mut copy = tempfile::tempfile().map_err(failed())?;
        let copied = io::copy(&mut (&self.file).take(self.length()), &mut copy).map_err(failed())?;
        if copied != self.length() {
            return Err(self.changed());
        }
        Map::of(&copy, self.path, "")
    }

    /// Refuses a file that changed since it was opened.
    pub(crate) fn check(&self) -> Result<(), FormatError> {
        let now = state(&self.file).map_err(FormatError::io(self.path, "read its length"))?;
        if now == self.state { Ok(()) } else { Err(self.changed()) }
    }

    fn changed(&self) -> FormatError {
        let found = self.file.metadata().map_or(0, |data| data.len());
        FormatError::Changed { file: self.path.into(), found, expected: self.length() }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.file.read(out)
    }
}

fn state(file: &File) -> io::Result<State> {
    let data = file.metadata()?;
    Ok((data.len(), data.mtime(), data.mtime_nsec(), data.ctime(), data.ctime_nsec()))
}
