//! What can be wrong with a file, and where.

use std::io;
use std::path::{Path, PathBuf};

use crate::NumberKind;

/// A file that cannot be read or written as what it should be.
///
/// Rows, columns and bytes are counted from 0, lines from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The system refused.
    #[error("{}: cannot {operation}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What was tried.
        operation: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The name's ending says nothing that fits here.
    #[error("{}: found {found} at the end of the name, expected one of {expected}", file.display())]
    Ending {
        /// The file.
        file: PathBuf,
        /// The ending found.
        found: String,
        /// The endings that fit, with spaces between.
        expected: String,
    },
    /// A folder, a pipe or a device where a file should be.
    #[error("{}: found {found}, expected a regular file", file.display())]
    NotAFile {
        /// The path.
        file: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// The file has no row at all, so that not even a dimension is known.
    #[error("{}: the file is empty, expected {expected}", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// The file was cut, lengthened or overwritten while it was read.
    #[error("{}: the file changed while it was read: found {found} bytes at last, {expected} at first", file.display())]
    Changed {
        /// The file.
        file: PathBuf,
        /// Bytes it has by now.
        found: u64,
        /// Bytes it had when it was opened.
        expected: u64,
    },
    /// A header that cannot be true.
    #[error("{}: header at byte {offset}: found {found}, expected {expected}", file.display())]
    Header {
        /// The file.
        file: PathBuf,
        /// Where.
        offset: u64,
        /// What is there.
        found: String,
        /// What should be.
        expected: String,
    },
    /// The file's length is not what its header says.
    #[error(
        "{}: the header says {rows} rows × {dim} {kind} from byte {offset}, so expected a file of \
         {expected} bytes, found {found}", file.display()
    )]
    Length {
        /// The file.
        file: PathBuf,
        /// Rows by the header.
        rows: u64,
        /// Dimension by the header.
        dim: u64,
        /// The numbers.
        kind: NumberKind,
        /// Where the first row begins.
        offset: u64,
        /// Bytes there should be.
        expected: u128,
        /// Bytes there are.
        found: u64,
    },
    /// The file ends inside a row.
    #[error(
        "{}: row {row} at byte {offset} is cut short: found {found} bytes, expected {expected}",
        file.display()
    )]
    Truncated {
        /// The file.
        file: PathBuf,
        /// The row that is not whole.
        row: u64,
        /// Where it begins.
        offset: u64,
        /// Bytes it has.
        found: u64,
        /// Bytes it should have.
        expected: u64,
    },
    /// A row of another dimension than the rows before it (or than the file to be written).
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
    /// A line of text that is not what it should be.
    #[error("{}: line {line}: found {found}, expected {expected}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is there.
        found: String,
        /// What should be.
        expected: &'static str,
    },
    /// A number that the file's kind of number cannot hold.
    #[error("{}: row {row}, column {column}: {found} is not {expected}", file.display())]
    Number {
        /// The file.
        file: PathBuf,
        /// The row.
        row: u64,
        /// The column.
        column: usize,
        /// The number.
        found: f32,
        /// What the file holds.
        expected: &'static str,
    },
    /// The file cannot hold this kind of number.
    #[error("{}: found {found} numbers, expected {expected}", file.display())]
    Kind {
        /// The file.
        file: PathBuf,
        /// The kind at hand.
        found: NumberKind,
        /// The kinds that fit.
        expected: String,
    },
    /// More rows or columns than the format's header can say.
    #[error("{}: found {found} {what}, expected at most {limit}", file.display())]
    Capacity {
        /// The file.
        file: PathBuf,
        /// Rows or columns.
        what: &'static str,
        /// How many.
        found: u64,
        /// The limit.
        limit: u64,
    },
}

impl FormatError {
    /// The file it is about.
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

    /// For `map_err`: an input or output error while doing `operation` on `file`.
    pub(crate) fn io(file: &Path, operation: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { file: file.into(), operation, source }
    }
}
