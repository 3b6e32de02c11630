//! What can be wrong with a database.

use std::fmt;
use std::path::PathBuf;

use crate::Id;

/// Something that is wrong with a database, or that a repair could not recover.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Bytes of a file are not what was written, or the file is missing.
    File {
        /// The file.
        file: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// The ids and the rows do not agree.
    Ids {
        /// What is wrong.
        what: String,
    },
    /// Rows do not hold what they must.
    Rows {
        /// What is wrong with them.
        what: String,
        /// Their slots.
        slots: Vec<u32>,
    },
    /// The graph does not keep its rules.
    Graph {
        /// What is wrong.
        what: String,
    },
    /// A row that this version of the library does not take.
    Refused {
        /// Its id.
        id: Id,
        /// Why.
        what: String,
    },
}

impl Problem {
    pub(crate) fn of_file(problem: omendb_storage::Problem) -> Self {
        let omendb_storage::Problem { file, offset, what } = problem;
        Problem::File { file, offset, what }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::File { file, offset, what } => {
                let (file, offset) = (file.clone(), *offset);
                omendb_storage::Problem { file, offset, what: what.clone() }.fmt(f)
            }
            Problem::Ids { what } => write!(f, "ids: {what}"),
            Problem::Rows { what, slots } => {
                const NAMED: usize = 8;
                let named: Vec<String> = slots.iter().take(NAMED).map(u32::to_string).collect();
                let more = if slots.len() > NAMED { ", …" } else { "" };
                write!(f, "{} {what}: {}{more}", slots.len(), named.join(", "))
            }
            Problem::Graph { what } => write!(f, "graph: {what}"),
            Problem::Refused { id, what } => write!(f, "the row of the id {id}: {what}"),
        }
    }
}
