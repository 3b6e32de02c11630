//! The numbered lines of a text file, with a limit of their length.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::FormatError;
use crate::input::Input;

/// The byte order mark that some editors write at the start of a UTF-8 file. It is skipped.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads a text file line by line.
pub(crate) struct Lines<'p> {
    path: &'p Path,
    file: BufReader<Input<'p>>,
    line: Vec<u8>,
    number: u64,
    limit: usize,
    what: &'static str,
}

impl<'p> Lines<'p> {
    /// Opens `path`. A line that is blank or longer than `limit` bytes is an error that expects `what`.
    pub(crate) fn open(path: &'p Path, limit: usize, what: &'static str) -> Result<Self, FormatError> {
        let file = BufReader::with_capacity(1 << 16, Input::open(path)?);
        Ok(Self { path, file, line: Vec::new(), number: 0, limit, what })
    }

    /// The next line without its line break (`\n` or `\r\n`), or `None` after the last.
    pub(crate) fn next_line(&mut self) -> Result<Option<&str>, FormatError> {
        self.line.clear();
        self.number += 1;
        let mark = if self.number == 1 { BYTE_ORDER_MARK } else { &[] };
        // Two more than the limit, for the line break.
        let read = (&mut self.file)
            .take((mark.len() + self.limit) as u64 + 2)
            .read_until(b'\n', &mut self.line)
            .map_err(FormatError::io(self.path, "read it"))?;
        if self.line.starts_with(mark) {
            self.line.drain(..mark.len());
        }
        if read == 0 {
            self.file.get_ref().check()?;
            return Ok(None);
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
            if self.line.last() == Some(&b'\r') {
                self.line.pop();
            }
        }
        if self.line.len() > self.limit {
            return Err(self.wrong(format!("a line of more than {} bytes", self.limit)));
        }
        if self.line.is_empty() {
            return Err(self.wrong("a blank line".into()));
        }
        match str::from_utf8(&self.line) {
            Ok(line) => Ok(Some(line)),
            Err(e) => {
                let found = format!("bytes that are not UTF-8 after {} bytes", e.valid_up_to());
                Err(Self::wrong_at(self.path, self.number, found, self.what))
            }
        }
    }

    /// The number of the last line.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// An error of the last line.
    pub(crate) fn wrong(&self, found: String) -> FormatError {
        Self::wrong_at(self.path, self.number, found, self.what)
    }

    fn wrong_at(path: &Path, line: u64, found: String, expected: &'static str) -> FormatError {
        FormatError::Line { file: path.into(), line, found, expected }
    }
}
