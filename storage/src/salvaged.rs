//! The result of a salvage of a damaged database.

use crate::{Problem, Schema};

/// What a salvage recovered, and what is lost.
#[derive(Debug)]
pub struct Salvaged {
    /// The schema of the database.
    pub schema: Schema,
    /// The number of recovered rows.
    pub rows: u64,
    /// What is lost: files, blocks of ids, commits, rows.
    pub lost: Vec<Problem>,
}
