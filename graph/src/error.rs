//! What can be wrong with a graph's parameters or its bytes.

/// Why a graph could not be made, grown or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The degree bound R is outside of what the adjacency can hold.
    #[error("degree {found} is outside {min} to {max}")]
    Degree {
        /// The degree asked for.
        found: usize,
        /// The smallest allowed.
        min: usize,
        /// The largest allowed.
        max: usize,
    },
    /// More rows than slots can number.
    #[error("{found} rows are more than the {limit} that slots can number")]
    Capacity {
        /// The rows asked for.
        found: u64,
        /// The limit.
        limit: u32,
    },
    /// The bytes are not a graph, or a damaged one.
    #[error("damaged graph at byte {offset}: {what}")]
    Corrupt {
        /// Where in the bytes.
        offset: u64,
        /// What was found, and what was expected.
        what: String,
    },
    /// The caller's observer asked to stop; nothing was linked.
    #[error("linking was cancelled after {done} rows")]
    Cancelled {
        /// Rows that had been linked, and are given up.
        done: u32,
    },
}
