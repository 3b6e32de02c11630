//! Ids, and `.txt` files of ids: one a line.

use std::fmt;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::lines::Lines;
use crate::target::Target;
use crate::{FileKind, FormatError};

/// The longest string id, in bytes of UTF-8.
pub const MAX_ID_BYTES: usize = 1024;

const TXT: &str = "an id: a whole number below 2^64, or 1 to 1024 bytes of UTF-8";

/// The ids of all rows of a file, in the rows' order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ids {
    /// Numbers: all ids are whole numbers.
    U64(Vec<u64>),
    /// Strings.
    Text(Vec<String>),
}

impl Ids {
    /// The number of ids.
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

/// The id of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowId<'a> {
    /// A number.
    U64(u64),
    /// A string.
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
/// If every line is a whole number below 2⁶⁴ without sign or leading zero, the ids are numbers. Otherwise all are strings. A
/// file without lines has no ids.
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
                    // The lines so far are plain numbers, so this restores them exactly.
                    let mut texts: Vec<_> = numbers.iter().map(u64::to_string).collect();
                    texts.push(line.into());
                    ids = Ids::Text(texts);
                }
            }
        }
    }
    Ok(ids)
}

/// Writes a `.txt` file of ids, one a line. The file appears whole or not at all. String ids that are all numbers are read
/// back as numbers.
///
/// # Errors
/// [`FormatError::Ending`] for another ending; [`FormatError::Line`] for an id that cannot be read back (empty, too long, or
/// with a line break); [`FormatError::Io`].
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

/// Parses a number without sign or leading zero.
fn plain_number(line: &str) -> Option<u64> {
    let plain = line.bytes().all(|b| b.is_ascii_digit()) && (line == "0" || !line.starts_with('0'));
    if plain { line.parse().ok() } else { None }
}
