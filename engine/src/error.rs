//! What can go wrong, one enum per family of calls.

use std::path::PathBuf;

use omendb_kernels::{ElementKind, KernelError};
use omendb_storage::{IdKind, StorageError};

use crate::Id;

/// Why a database could not be made or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// An option is outside of its range.
    #[error("{name} is {found}, it must be {expected}")]
    Option {
        /// Which option.
        name: &'static str,
        /// Its value.
        found: String,
        /// What is allowed.
        expected: String,
    },
    /// The files' own description cannot be understood.
    #[error("the database describes itself in words this library does not know: {what}")]
    Description {
        /// What was found.
        what: String,
    },
    /// The database exists, with another dimension, metric, row type or id kind.
    #[error("{}: the database there has {name} {found}, {expected} was asked for", path.display())]
    Mismatch {
        /// The database's folder.
        path: PathBuf,
        /// Which property.
        name: &'static str,
        /// What the database has.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// The instruction set is not to be had.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The threads could not be started.
    #[error("cannot start {threads} threads: {what}")]
    Threads {
        /// How many.
        threads: usize,
        /// The system's words.
        what: String,
    },
    /// The medium.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why rows were refused. Nothing of the batch was written, in memory or on the medium.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A row has the wrong number of values.
    #[error("row {row} has {found} values, the database has dimension {expected}")]
    Dimension {
        /// The database's dimension.
        expected: usize,
        /// Values found.
        found: usize,
        /// The row, from 0.
        row: usize,
    },
    /// The bytes are not a whole number of rows.
    #[error("{bytes} bytes are not a whole number of rows of {row_bytes} bytes")]
    Length {
        /// Bytes found.
        bytes: usize,
        /// Bytes of one row.
        row_bytes: usize,
    },
    /// The rows do not fit the bytes, or one another.
    #[error("{rows} rows of {row_bytes} bytes cannot lie {stride} bytes apart in {bytes} bytes")]
    Stride {
        /// Rows that were told.
        rows: usize,
        /// Bytes from the start of one row to the next.
        stride: usize,
        /// Bytes of one row.
        row_bytes: usize,
        /// Bytes found.
        bytes: usize,
    },
    /// A byte view does not start where its numbers may start.
    #[error("the bytes start at address {address:#x}, their numbers need a multiple of {required}")]
    Misaligned {
        /// The alignment that the type needs.
        required: usize,
        /// Where the first row that breaks it starts.
        address: usize,
    },
    /// There are more or fewer ids than rows.
    #[error("{found} ids for {expected} rows")]
    Ids {
        /// Rows.
        expected: usize,
        /// Ids.
        found: usize,
    },
    /// Ids of another kind than the database's.
    #[error("the database's ids are {expected}, these are {}", found.map_or("mixed".into(), |kind| kind.to_string()))]
    IdKind {
        /// The database's kind.
        expected: IdKind,
        /// The kind found; none when numbers and texts are mixed.
        found: Option<IdKind>,
    },
    /// A text id is empty or too long.
    #[error("the id of row {row} has {bytes} bytes, 1 to {limit} are allowed")]
    IdLength {
        /// The row.
        row: usize,
        /// Bytes of the id.
        bytes: usize,
        /// The most allowed.
        limit: usize,
    },
    /// NaN or infinity, or a number too large for the database's row type.
    #[error("row {row} has {value} in column {column}, only finite numbers of the type {kind} are allowed")]
    NotFinite {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// The value.
        value: f32,
        /// The database's row type.
        kind: ElementKind,
    },
    /// A number that an integer row type does not have.
    #[error("row {row} has {value} in column {column}, only whole numbers {} are allowed", range(*kind))]
    NotWhole {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// The value.
        value: f32,
        /// The database's row type.
        kind: ElementKind,
    },
    /// All values are zero: no direction, so no cosine.
    #[error("row {row} has no cosine: all its values are 0")]
    ZeroNorm {
        /// The row.
        row: usize,
    },
    /// The row is so short, and not zero, that squares of its values are 0 to an f32.
    #[error("row {row} has the squared length {squared:e}: below {limit:e} an f32 cannot tell it from 0")]
    TooShort {
        /// The row.
        row: usize,
        /// Its squared length.
        squared: f64,
        /// The limit.
        limit: f64,
    },
    /// The row is so long that its distances would not be finite.
    #[error("row {row} has the squared length {squared:e}, at most {limit:e} keeps distances finite")]
    TooLong {
        /// The row.
        row: usize,
        /// Its squared length.
        squared: f64,
        /// The limit.
        limit: f64,
    },
    /// The same id twice in one batch.
    #[error("the id {} of row {row} is that of row {first_row} already", quoted(id))]
    DuplicateId {
        /// The id.
        id: Id,
        /// Where it is first.
        first_row: usize,
        /// Where it is again.
        row: usize,
    },
    /// An id that the database has already; `upsert` replaces it.
    #[error("the id {} of row {row} exists already", quoted(id))]
    IdExists {
        /// The id.
        id: Id,
        /// The row.
        row: usize,
    },
    /// More rows than slots can number.
    #[error("the database would have {found} rows, {limit} is the limit")]
    Capacity {
        /// Rows there would be, deleted ones not yet compacted included.
        found: u64,
        /// The most there can be.
        limit: u32,
    },
    /// The medium.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A text with its ends to be seen.
fn quoted(id: &Id) -> String {
    match id {
        Id::U64(number) => number.to_string(),
        Id::Text(text) => format!("{text:?}"),
    }
}

/// What an integer type holds.
fn range(kind: ElementKind) -> &'static str {
    match kind {
        ElementKind::I8 => "from -128 to 127",
        _ => "from 0 to 255",
    }
}

/// Why a query was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The query has the wrong number of values.
    #[error("query {query} has {found} values, the database has dimension {expected}")]
    Dimension {
        /// The database's dimension.
        expected: usize,
        /// Values found.
        found: usize,
        /// Which query of a batch, from 0.
        query: usize,
    },
    /// NaN or infinity.
    #[error("query {query} has {value} in column {column}, only finite numbers are allowed")]
    NotFinite {
        /// Which query of a batch.
        query: usize,
        /// The column.
        column: usize,
        /// The value.
        value: f32,
    },
    /// All values are zero: no direction, so no cosine.
    #[error("query {query} has no cosine: all its values are 0")]
    ZeroNorm {
        /// Which query of a batch.
        query: usize,
    },
    /// The query is so short, and not zero, that squares of its values are 0 to an f32.
    #[error("query {query} has the squared length {squared:e}: below {limit:e} an f32 cannot tell it from 0")]
    TooShort {
        /// Which query of a batch.
        query: usize,
        /// Its squared length.
        squared: f64,
        /// The limit.
        limit: f64,
    },
    /// The query is so long that its distances would not be finite.
    #[error("query {query} has the squared length {squared:e}, at most {limit:e} keeps distances finite")]
    TooLong {
        /// Which query of a batch.
        query: usize,
        /// Its squared length.
        squared: f64,
        /// The limit.
        limit: f64,
    },
    /// A search option is outside of its range.
    #[error("{name} is {found}, it must be {expected}")]
    Option {
        /// Which option.
        name: &'static str,
        /// Its value.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
}
