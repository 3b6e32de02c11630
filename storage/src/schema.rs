//! The schema of a database.

use crate::IdKind;

/// The schema of a database, fixed when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Bytes of one row, 1 to [`MAX_ROW_BYTES`](crate::MAX_ROW_BYTES).
    pub row_bytes: usize,
    /// Whether ids are numbers or strings.
    pub ids: IdKind,
    /// The owner's options, opaque to the storage; at most [`MAX_USER_BYTES`](crate::MAX_USER_BYTES).
    pub user: Vec<u8>,
}
