//! What was got out of a damaged database.

use crate::{Problem, Schema};

/// What a salvage got, and what it did not.
#[derive(Debug)]
pub struct Salvaged {
    /// What the database held.
    pub schema: Schema,
    /// Rows handed out.
    pub rows: u64,
    /// What is lost: files, blocks of ids, commits, rows.
    pub lost: Vec<Problem>,
}
