//! Errors of files, with the position of the error.

use std::io;
use std::path::{Path, PathBuf};

use crate::NumberKind;

/// An error of reading or writing a file.
///
/// Rows, columns and bytes are counted from 0, lines from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// An operation on the file failed.
    #[error("{}: cannot {operation}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The operation.
        operation: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The name has an unsuitable ending.
    #[error("{}: found {found} at the end of the name, expected one of {expected}", file.display())]
    Ending {
        /// The file.
        file: PathBuf,
        /// The ending found.
        found: String,
        /// The suitable endings, separated by spaces.
        expected: String,
    },
    /// The path is a folder, a pipe or a device.
    #[error("{}: found {found}, expected a regular file", file.display())]
    NotAFile {
        /// The path.
        file: PathBuf,
        /// What the path is.
        found: &'static str,
    },
    /// The file is empty, so that not even its dimension is known.
    #[error("{}: the file is empty, expected {expected}", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// Another process changed the file while it was read.
    #[error("{}: the file changed while it was read: it had {expected} bytes and has {found}", file.display())]
    Changed {
        /// The file.
        file: PathBuf,
        /// The present length.
        found: u64,
        /// The length when it was opened.
        expected: u64,
    },
    /// The header is invalid.
    #[error("{}: header at byte {offset}: found {found}, expected {expected}", file.display())]
    Header {
        /// The file.
        file: PathBuf,
        /// The byte offset.
        offset: u64,
        /// The found value.
        found: String,
        /// The expected value.
        expected: String,
    },
    /// The length of the file does not match its header.
    #[error(
        "{}: the header says {rows} rows × {dim} {kind} from byte {offset}: expected {expected} bytes, \
         found {found}", file.display()
    )]
    Length {
        /// The file.
        file: PathBuf,
        /// The rows of the header.
        rows: u64,
        /// The dimension of the header.
        dim: u64,
        /// The type of the numbers.
        kind: NumberKind,
        /// The offset of the first row.
        offset: u64,
        /// The expected length in bytes.
        expected: u128,
        /// The found length in bytes.
        found: u64,
    },
    /// The file ends inside a row.
    #[error(
        "{}: row {row} at byte {offset} is truncated: found {found} bytes, expected {expected}",
        file.display()
    )]
    Truncated {
        /// The file.
        file: PathBuf,
        /// The truncated row.
        row: u64,
        /// Its offset.
        offset: u64,
        /// The bytes found.
        found: u64,
        /// The bytes expected.
        expected: u64,
    },
    /// A row has another dimension than the rows before it, or than the file.
    #[error("{}: row {row}: found dimension {found}, expected {expected}", file.display())]
    Dimension {
        /// The file.
        file: PathBuf,
        /// The row.
        row: u64,
        /// Its dimension.
        found: i64,
        /// The dimension of the first row, or of the file.
        expected: u64,
    },
    /// A line of text is invalid.
    #[error("{}: line {line}: found {found}, expected {expected}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The found value.
        found: String,
        /// The expected value.
        expected: &'static str,
    },
    /// The file's type of numbers cannot hold a number.
    #[error("{}: row {row}, column {column}: {} is not {expected}", file.display(), shown(*found))]
    Number {
        /// The file.
        file: PathBuf,
        /// The row.
        row: u64,
        /// The column.
        column: usize,
        /// The number.
        found: f64,
        /// The numbers that the file holds.
        expected: &'static str,
    },
    /// The file cannot hold this type of numbers.
    #[error("{}: found {found} numbers, expected {expected}", file.display())]
    Kind {
        /// The file.
        file: PathBuf,
        /// The type of the numbers.
        found: NumberKind,
        /// The types that the file can hold.
        expected: String,
    },
    /// There are more rows or columns than the header can hold.
    #[error("{}: found {found} {what}, expected at most {limit}", file.display())]
    Capacity {
        /// The file.
        file: PathBuf,
        /// "rows" or "columns".
        what: &'static str,
        /// Their number.
        found: u64,
        /// The limit.
        limit: u64,
    },
}

/// A number in its shortest digits, those of an f32 if it is one.
fn shown(number: f64) -> String {
    match number as f32 {
        _ if number.abs() >= 1e16 => format!("{number:e}"),
        near if f64::from(near) == number => near.to_string(),
        _ => number.to_string(),
    }
}

impl FormatError {
    /// The file of the error.
    pub fn file(&self) -> &Path {
        match self {
            Self::Io { file, .. }
            | Self::Ending { file, .. }
            | Self::NotAFile { file, .. }
            | Self::Empty { file, .. }
            | Self::Changed { file, .. }
            | Self::Header { file, .. }
            | Self::Length { file, .. }
            | Self::Truncated { file, .. }
            | Self::Dimension { file, .. }
            | Self::Line { file, .. }
            | Self::Number { file, .. }
            | Self::Kind { file, .. }
            | Self::Capacity { file, .. } => file,
        }
    }

    /// For `map_err`: an error of `operation` on `file`.
    pub(crate) fn io(file: &Path, operation: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { file: file.into(), operation, source }
    }
}
