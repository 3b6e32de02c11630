//! Errors of a graph's parameters or its bytes.

/// An error of making, growing or reading a graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The degree bound R is out of range.
    #[error("degree {found} is outside {min} to {max}")]
    Degree {
        /// The requested degree.
        found: usize,
        /// The smallest allowed.
        min: usize,
        /// The largest allowed.
        max: usize,
    },
    /// Too many rows.
    #[error("{found} rows exceed the limit of {limit}")]
    Capacity {
        /// The requested rows.
        found: u64,
        /// The limit.
        limit: u32,
    },
    /// The bytes are not a valid graph.
    #[error("damaged graph at byte {offset}: {what}")]
    Corrupt {
        /// The byte offset.
        offset: u64,
        /// The found and the expected value.
        what: String,
    },
    /// The caller's observer asked to stop. Nothing is linked.
    #[error("linking was cancelled after {done} rows")]
    Cancelled {
        /// Rows that were linked and are discarded.
        done: u32,
    },
}
