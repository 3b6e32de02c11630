//! Errors: one enum for each family of calls.

use std::path::PathBuf;

use omendb_kernels::{ElementKind, KernelError};
use omendb_storage::{IdKind, StorageError};

use crate::Id;

/// Why a database could not be made or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// An option is outside of its range.
    #[error("{name} is {found}; expected {expected}")]
    Option {
        /// Which option.
        name: &'static str,
        /// Its value.
        found: String,
        /// What is allowed.
        expected: String,
    },
    /// The options stored with the database are not understood.
    #[error("the options stored with the database are not understood: {what}")]
    Description {
        /// What was found.
        what: String,
    },
    /// The database exists, with another dimension, metric, row type or id kind.
    #[error("{}: existing database has {name} {found}; requested {expected}", path.display())]
    Mismatch {
        /// The database's folder.
        path: PathBuf,
        /// Which property.
        name: &'static str,
        /// What the database has.
        found: String,
        /// What was requested.
        expected: String,
    },
    /// The instruction set is not available.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The threads could not be started.
    #[error("cannot start {threads} threads: {what}")]
    Threads {
        /// How many.
        threads: usize,
        /// The system's message.
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
    #[error("row {row} has {found} values; the database has dimension {expected}")]
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
    /// The rows do not fit the bytes, or overlap.
    #[error("{rows} rows of {row_bytes} bytes with a stride of {stride} bytes do not fit {bytes} bytes")]
    Stride {
        /// Number of rows.
        rows: usize,
        /// Bytes from the start of one row to the next.
        stride: usize,
        /// Bytes of one row.
        row_bytes: usize,
        /// Bytes found.
        bytes: usize,
    },
    /// A row does not start at an address that its type needs.
    #[error("a row starts at address {address:#x}; its type needs a multiple of {required}")]
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
    /// A [`WriteBatch`](crate::WriteBatch) upserts and deletes the same id.
    #[error("the batch both upserts and deletes the id {}", quoted(id))]
    UpsertedAndDeleted {
        /// The id.
        id: Id,
    },
    /// Ids of another kind than the database's.
    #[error("the database's ids are {expected}; these are {}", found.map_or("mixed".into(), |kind| kind.to_string()))]
    IdKind {
        /// The database's kind.
        expected: IdKind,
        /// The kind found; `None` when numbers and strings are mixed.
        found: Option<IdKind>,
    },
    /// A string id is empty or too long.
    #[error("the id of row {row} has {bytes} bytes; expected 1 to {limit}")]
    IdLength {
        /// The row.
        row: usize,
        /// Bytes of the id.
        bytes: usize,
        /// The most allowed.
        limit: usize,
    },
    /// An infinite or NaN value, or one too large for the database's row type.
    #[error("row {row}, column {column}: {value} is not a finite {kind} value")]
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
    /// A value that an integer row type cannot hold.
    #[error("row {row}, column {column}: {value} is not a whole number {}", range(*kind))]
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
    /// All values are zero, so cosine is undefined.
    #[error("row {row} is all zeros; cosine is undefined")]
    ZeroNorm {
        /// The row.
        row: usize,
    },
    /// The norm is so small, and not 0, that squares of the values are 0 in f32.
    #[error("row {row} has squared norm {squared:e}; expected 0 or at least {limit:e}")]
    TooShort {
        /// The row.
        row: usize,
        /// Its squared norm.
        squared: f64,
        /// The limit.
        limit: f64,
    },
    /// The norm is so large that distances would not be finite.
    #[error("row {row} has squared norm {squared:e}; expected at most {limit:e}")]
    TooLong {
        /// The row.
        row: usize,
        /// Its squared norm.
        squared: f64,
        /// The limit.
        limit: f64,
    },
    /// The same id twice in one batch.
    #[error("the id {} occurs twice: in row {first_row} and in row {row}", quoted(id))]
    DuplicateId {
        /// The id.
        id: Id,
        /// Where it is first.
        first_row: usize,
        /// Where it is again.
        row: usize,
    },
    /// An id that the database has already; `upsert` replaces it.
    #[error("the id {} of row {row} already exists", quoted(id))]
    IdExists {
        /// The id.
        id: Id,
        /// The row.
        row: usize,
    },
    /// More rows than slots can number.
    #[error("the database would have {found} rows; the limit is {limit}")]
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

impl BatchError {
    /// The error of a batch whose rows follow `first` others: rows are counted from the first of those.
    pub(crate) fn of_rows_from(mut self, first: usize) -> Self {
        match &mut self {
            BatchError::Dimension { row, .. }
            | BatchError::IdLength { row, .. }
            | BatchError::NotFinite { row, .. }
            | BatchError::NotWhole { row, .. }
            | BatchError::ZeroNorm { row }
            | BatchError::TooShort { row, .. }
            | BatchError::TooLong { row, .. }
            | BatchError::IdExists { row, .. } => *row += first,
            BatchError::DuplicateId { first_row, row, .. } => (*first_row, *row) = (*first_row + first, *row + first),
            _ => {}
        }
        self
    }
}

/// A string id in quotes, so that its ends can be seen.
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
    #[error("query {query} has {found} values; the database has dimension {expected}")]
    Dimension {
        /// The database's dimension.
        expected: usize,
        /// Values found.
        found: usize,
        /// Which query of a batch, from 0.
        query: usize,
    },
    /// NaN or infinity.
    #[error("query {query}, column {column}: {value} is not a finite value")]
    NotFinite {
        /// Which query of a batch.
        query: usize,
        /// The column.
        column: usize,
        /// The value.
        value: f32,
    },
    /// All values are zero, so cosine is undefined.
    #[error("query {query} is all zeros; cosine is undefined")]
    ZeroNorm {
        /// Which query of a batch.
        query: usize,
    },
    /// The norm is so small, and not 0, that squares of the values are 0 in f32.
    #[error("query {query} has squared norm {squared:e}; expected 0 or at least {limit:e}")]
    TooShort {
        /// Which query of a batch.
        query: usize,
        /// Its squared norm.
        squared: f64,
        /// The limit.
        limit: f64,
    },
    /// The norm is so large that distances would not be finite.
    #[error("query {query} has squared norm {squared:e}; expected at most {limit:e}")]
    TooLong {
        /// Which query of a batch.
        query: usize,
        /// Its squared norm.
        squared: f64,
        /// The limit.
        limit: f64,
    },
    /// The queries do not fit their bytes.
    #[error("{rows} queries of {row_bytes} bytes with a stride of {stride} bytes do not fit {bytes} bytes")]
    Stride {
        /// Number of queries.
        rows: usize,
        /// Bytes from the start of one query to the next.
        stride: usize,
        /// Bytes of one query.
        row_bytes: usize,
        /// Bytes found.
        bytes: usize,
    },
    /// A search option is outside of its range.
    #[error("{name} is {found}; expected {expected}")]
    Option {
        /// Which option.
        name: &'static str,
        /// Its value.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
}

/// Why nothing could be repaired.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepairError {
    /// The damaged database cannot even be begun to be read, or the new one not be made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The new database does not take the rows.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The medium of either.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Any error of this library, for programs that do not tell them apart.
///
/// ```
/// use omendb_engine::{Db, Metric, Options};
///
/// fn nearest() -> Result<usize, omendb_engine::Error> {
///     let db = Db::in_memory(Options::new(2, Metric::L2))?;
///     db.add(7, &[0.0f32, 1.0])?;
///     Ok(db.search(&[0.0f32, 1.0], 3)?.len())
/// }
/// assert_eq!(nearest()?, 1);
/// # Ok::<(), omendb_engine::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A database was not made or opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A write was refused.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A search was refused.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// Nothing was repaired.
    #[error(transparent)]
    Repair(#[from] RepairError),
    /// The medium.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
