//! Between the row numbers that files of neighbours hold and the ids of a database.
//!
//! A row number is the place of a row in the file that the database was built from, and what was
//! added later counts on from there. While no row was ever deleted or replaced, the database knows
//! these places: its n-th row is number n. Afterwards it does not, and a number is taken for the id
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
    /// Of `db`, for `file`.
    pub(crate) fn of(db: &Db, file: &Path) -> Result<Self, Failure> {
        let stats = db.stats();
        if stats.count == stats.slots && stats.epoch == 0 {
            return Ok(Self::InOrder { ids: db.ids().collect(), numbers: OnceCell::new() });
        }
        match db.options().ids() {
            IdKind::U64 => Ok(Self::Ids),
            IdKind::Text => Err(Failure::about(
                file,
                "rows have been deleted or replaced since the database was built, so its texts cannot be matched \
                 with row numbers (.jsonl holds the ids themselves)",
            )),
        }
    }

    /// The id of row `number`; the error says what was expected instead.
    pub(crate) fn id(&self, db: &Db, number: u32) -> Result<Id, String> {
        match self {
            Self::InOrder { ids, .. } => ids
                .get(number as usize)
                .cloned()
                .ok_or_else(|| format!("row numbers below {}, the database's count", ids.len())),
            Self::Ids if db.contains(u64::from(number)) => Ok(Id::U64(number.into())),
            Self::Ids => Err("ids of rows that the database holds, some having been deleted or replaced since it was \
                              built (`omendb search --exact --out FILE` finds the nearest of those)"
                .into()),
        }
    }

    /// The number of the row with this id, if files can hold it.
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
