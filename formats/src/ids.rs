//! Ids of rows, and `.txt` files of them: one a line.

use std::fmt;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::lines::Lines;
use crate::target::Target;
use crate::{FileKind, FormatError};

/// The longest text id, in bytes of UTF-8.
pub const MAX_ID_BYTES: usize = 1024;

const TXT: &str = "an id: a whole number below 2^64, or 1 to 1024 bytes of UTF-8";

/// Ids of all rows of a file, in the rows' order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ids {
    /// All are whole numbers.
    U64(Vec<u64>),
    /// At least one is not.
    Text(Vec<String>),
}

impl Ids {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::U64(ids) => ids.len(),
            Self::Text(ids) => ids.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One row's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowId<'a> {
    /// A number.
    U64(u64),
    /// A text.
    Text(&'a str),
}

impl fmt::Display for RowId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::U64(id) => id.fmt(f),
            Self::Text(id) => id.fmt(f),
        }
    }
}

/// Reads a `.txt` file of ids, one a line.
///
/// If every line is a whole number below 2⁶⁴ as one writes it (no sign, no leading zero), they
/// are numbers; else all are texts. A file of no lines gives no ids.
///
/// # Errors
/// [`FormatError::Ending`] for another ending; [`FormatError::Line`] for a line that is blank,
/// longer than [`MAX_ID_BYTES`] or not UTF-8; [`FormatError::Io`], [`FormatError::NotAFile`].
pub fn read_ids(path: impl AsRef<Path>) -> Result<Ids, FormatError> {
    let path = path.as_ref();
    FileKind::among(path, &[FileKind::Txt])?;
    let mut lines = Lines::open(path, MAX_ID_BYTES, TXT)?;
    let mut ids = Ids::U64(Vec::new());
    while let Some(line) = lines.next_line()? {
        match &mut ids {
            Ids::Text(texts) => texts.push(line.into()),
            Ids::U64(numbers) => {
                if let Some(number) = plain_number(line) {
                    numbers.push(number);
                } else {
                    // Plain numbers only so far, so they read again as they were written.
                    let mut texts: Vec<_> = numbers.iter().map(u64::to_string).collect();
                    texts.push(line.into());
                    ids = Ids::Text(texts);
                }
            }
        }
    }
    Ok(ids)
}

/// Writes a `.txt` file of ids, one a line. The file appears whole or not at all. Texts that are all
/// numbers will be read as numbers.
///
/// # Errors
/// [`FormatError::Ending`] for another ending; [`FormatError::Line`] for an id that would not
/// read again as itself (empty, too long, or with a line break in it); [`FormatError::Io`].
pub fn write_ids<'a>(path: impl AsRef<Path>, ids: impl IntoIterator<Item = RowId<'a>>) -> Result<(), FormatError> {
    let path = path.as_ref();
    FileKind::among(path, &[FileKind::Txt])?;
    let target = Target::create(path)?;
    let mut out = BufWriter::new(target);
    for (row, id) in ids.into_iter().enumerate() {
        if let RowId::Text(text) = id
            && (text.is_empty() || text.len() > MAX_ID_BYTES || text.contains(['\n', '\r']))
        {
            return Err(FormatError::Line {
                file: path.into(),
                line: row as u64 + 1,
                found: format!("the id {text:?}"),
                expected: "an id of 1 to 1024 bytes without line breaks",
            });
        }
        writeln!(out, "{id}").map_err(FormatError::io(path, "write it"))?;
    }
    let target = out.into_inner().map_err(|e| FormatError::io(path, "write it")(e.into_error()))?;
    target.publish()
}

/// A number that is written as it would be printed.
fn plain_number(line: &str) -> Option<u64> {
    let plain = line.bytes().all(|b| b.is_ascii_digit()) && (line == "0" || !line.starts_with('0'));
    if plain { line.parse().ok() } else { None }
}
