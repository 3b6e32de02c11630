//! Maps row numbers of ground truth files to ids of a database.
//!
//! A row number is the index of a row in the file that the database was built from. Rows added later continue from there. As
//! long as no row was deleted or replaced, the n-th row of the database has number n. Afterwards a number is taken as the id
//! that `build` and `add` give by default, which is the row's number too.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::Path;

use omendb_engine::{Db, Id, IdKind};

use crate::failure::Failure;

/// How the rows of a database are numbered.
pub(crate) enum Numbering {
    /// The n-th row has the n-th id.
    InOrder { ids: Vec<Id>, numbers: OnceCell<HashMap<Id, i32>> },
    /// The row's number is its id.
    Ids,
}

impl Numbering {
    /// The numbering of `db`, for `file`.
    pub(crate) fn of(db: &Db, file: &Path) -> Result<Self, Failure> {
        let stats = db.stats();
        if stats.count == stats.slots && stats.epoch == 0 {
            return Ok(Self::InOrder { ids: db.ids().collect(), numbers: OnceCell::new() });
        }
        match db.config().id_kind() {
            IdKind::U64 => Ok(Self::Ids),
            IdKind::Text => Err(Failure::about(
                file,
                "the database has deleted or replaced rows, so its string ids cannot be matched with row numbers \
                 (.jsonl holds the ids themselves)",
            )),
        }
    }

    /// The id of row `number`. The error says what was expected instead.
    pub(crate) fn id(&self, db: &Db, number: u32) -> Result<Id, String> {
        match self {
            Self::InOrder { ids, .. } => ids
                .get(number as usize)
                .cloned()
                .ok_or_else(|| format!("a row number below {}, the count of the database", ids.len())),
            Self::Ids if db.contains(u64::from(number)) => Ok(Id::U64(number.into())),
            Self::Ids => {
                Err("an id of the database, which has deleted or replaced rows (`omendb search --exact --out \
                              FILE` writes new ground truth)"
                    .into())
            }
        }
    }

    /// The number of the row with this id, if a file can hold it.
    pub(crate) fn number(&self, id: &Id) -> Option<i32> {
        match self {
            Self::InOrder { ids, numbers } => {
                numbers.get_or_init(|| ids.iter().cloned().zip(0..).collect()).get(id).copied()
            }
            Self::Ids => match id {
                Id::U64(number) => i32::try_from(*number).ok(),
                Id::Text(_) => None,
            },
        }
    }
}
