//! What the safe entry points refuse, with the fields a program needs to say why.

use crate::{ElementKind, Isa, MAX_DIM};

/// A call that was refused. Nothing was computed and nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// A row or query has another number of elements than the handle was made for.
    #[error("expected a row of {expected} elements, found {found} (row {row})")]
    Dimension {
        /// Elements per row, as given when the handle was made.
        expected: usize,
        /// Elements of the slice at hand.
        found: usize,
        /// Position among the rows of the call; 0 for a query and for a single row.
        row: usize,
    },
    /// A byte view whose length is not that of one row (or of the rows asked for).
    #[error("expected {expected} bytes, found {found} (row {row})")]
    Length {
        /// Bytes that the call needs.
        expected: usize,
        /// Bytes of the slice at hand.
        found: usize,
        /// Position among the rows of the call; 0 for a query and for a single row.
        row: usize,
    },
    /// A byte view that does not start on a boundary of its element type.
    #[error("rows of this type start on {required}-byte boundaries, found address {address:#x}")]
    Misaligned {
        /// Alignment of the element type, in bytes.
        required: usize,
        /// Address that was given.
        address: usize,
    },
    /// A row of no elements has no distance to anything.
    #[error("a row has at least one element, found a dimension of 0")]
    Empty,
    /// More elements per row than the exact integer sums allow.
    #[error("a row has at most {MAX_DIM} elements, found a dimension of {found}")]
    TooLong {
        /// The dimension asked for.
        found: usize,
    },
    /// Rows `stride` bytes apart overlap or leave their element boundaries.
    #[error("rows of {row_bytes} bytes need a stride of at least that, in whole elements; found {stride}")]
    Stride {
        /// The stride asked for, in bytes.
        stride: usize,
        /// Bytes of one row.
        row_bytes: usize,
    },
    /// A piece of a table that holds no whole rows, or another number of them than the others.
    #[error(
        "pieces of a table hold the same power of two of rows, of {stride} bytes each, and the last at most as many; \
         found {found} bytes (piece {piece})"
    )]
    Piece {
        /// Position among the pieces.
        piece: usize,
        /// Its bytes.
        found: usize,
        /// Bytes from one row to the next.
        stride: usize,
    },
    /// A slot that the table does not have.
    #[error("no row {found} in a table of {rows} rows")]
    Row {
        /// The number found.
        found: u32,
        /// Rows of the table.
        rows: u32,
    },
    /// A row to be encoded has an infinity or a NaN.
    #[error("codes stand for finite numbers; found {value} in column {column}")]
    NotFinite {
        /// Position in the row.
        column: usize,
        /// The value found there, as text, because errors are compared.
        value: String,
    },
    /// The number of results asked for is not the number of rows given.
    #[error("expected room for {expected} distances, found {found}")]
    Output {
        /// Rows given.
        expected: usize,
        /// Length of the output slice.
        found: usize,
    },
    /// An instruction set was named that this library does not know.
    #[error("unknown instruction set {name:?}; known are {known}")]
    UnknownIsa {
        /// The name found.
        name: String,
        /// All names, separated by commas.
        known: String,
    },
    /// An instruction set was asked for that this machine does not have.
    #[error("this machine has no {isa}; it has {available}")]
    MissingIsa {
        /// The instruction set asked for.
        isa: Isa,
        /// Those at hand, separated by commas.
        available: String,
    },
    /// No kernel computes this pair of element types.
    #[error("no kernel takes {query} queries to {row} rows")]
    Unsupported {
        /// Element type of the query.
        query: ElementKind,
        /// Element type of the rows.
        row: ElementKind,
    },
    /// A name that is no metric or no element type.
    #[error("unknown {what} {name:?}; known are {known}")]
    UnknownName {
        /// What was looked for: `metric` or `element type`.
        what: &'static str,
        /// The name found.
        name: String,
        /// All names, separated by commas.
        known: &'static str,
    },
}
