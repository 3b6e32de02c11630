//! Copies the intact rows of a damaged database into a new one.

use std::collections::HashMap;
use std::path::Path;

use omendb_storage::{IdRef, Schema};

use crate::input::values::{self, Shortness};
use crate::upkeep::problem::Problem;
use crate::{Backend, Config, Db, Id, OpenError, OpenOptions, Options, RepairError, RowsRef};

/// Bytes of rows that are added at a time.
const PIECE: usize = 64 << 20;

/// What a repair saved, and what it did not.
#[derive(Debug)]
#[non_exhaustive]
pub struct Repaired {
    /// The new database.
    pub db: Db,
    /// What is lost: parts of files, commits, rows.
    pub lost: Vec<Problem>,
}

impl Db {
    /// Takes every row of the database at `from` whose checksum holds into a new database at `to`,
    /// of the same backend, and builds its graph anew. Nothing at `from` is changed.
    ///
    /// If a delete or a replacement is among what was lost, a row that had gone comes back.
    ///
    /// # Errors
    /// [`RepairError`] when `from` has no whole manifest (of RocksDB: when RocksDB cannot open it at
    /// all), or `to` cannot be made.
    pub fn repair(from: impl AsRef<Path>, to: impl AsRef<Path>, options: OpenOptions) -> Result<Repaired, RepairError> {
        let from = from.as_ref();
        let backend = Backend::of(from);
        let new = |schema: &Schema| Saving::new(to.as_ref(), schema, backend, options.clone());
        let mut saving: Option<Saving> = None;
        let salvaged = backend.salvage(from, |schema: &Schema, id: IdRef<'_>, row: &[u8]| {
            let saving = match &mut saving {
                Some(saving) => saving,
                none => none.insert(new(schema)?),
            };
            saving.take(id, row)
        })?;
        let mut saving = match saving {
            Some(saving) => saving,
            None => new(&salvaged.schema)?,
        };
        saving.add()?;
        saving.db.flush()?;
        let lost = salvaged.lost.into_iter().map(Problem::of_file).chain(saving.refused).collect();
        Ok(Repaired { db: saving.db, lost })
    }
}

/// Rows on their way into the new database.
struct Saving {
    db: Db,
    ids: Vec<Id>,
    rows: Vec<u8>,
    /// Rows that an older version took and this one does not.
    refused: Vec<Problem>,
}

impl Saving {
    fn new(to: &Path, schema: &Schema, backend: Backend, options: OpenOptions) -> Result<Self, OpenError> {
        let db = Db::create(to, Options { config: Config::from_schema(schema, backend)?, use_: options })?;
        // Another epoch: rows that are not whole are missing, so the n-th here was not the n-th added.
        db.clear()?;
        Ok(Saving { db, ids: Vec::new(), rows: Vec::new(), refused: Vec::new() })
    }

    fn take(&mut self, id: IdRef<'_>, row: &[u8]) -> Result<(), RepairError> {
        self.ids.push(id.into());
        self.rows.extend_from_slice(row);
        if self.rows.len() >= PIECE { self.add() } else { Ok(()) }
    }

    fn add(&mut self) -> Result<(), RepairError> {
        // The newer of two rows with one id is the later.
        let last: HashMap<&Id, usize> = self.ids.iter().zip(0..).collect();
        let config = self.db.config();
        let bytes = config.row_bytes();
        let newest = |place: usize| last[&self.ids[place]] == place;
        let places: Vec<usize> = (0..self.ids.len()).filter(|&place| newest(place)).collect();
        // Copied to where numbers of any type may start.
        let mut rows = crate::input::query::Probe::new();
        let aligned = rows.begin(config.row_type, places.len() * config.dim);
        let (mut ids, mut values) = (Vec::with_capacity(places.len()), Vec::with_capacity(config.dim));
        for place in places {
            let (id, row) = (&self.ids[place], &mut aligned[ids.len() * bytes..][..bytes]);
            row.copy_from_slice(&self.rows[place * bytes..][..bytes]);
            values.clear();
            values::read(config.row_type, row, &mut values);
            let squared = values::squared_length(&values);
            if let Shortness::Lost = values::shortness(squared) {
                let what = format!("its squared norm {squared:e} is 0 in f32");
                self.refused.push(Problem::Refused { id: id.clone(), what });
                continue;
            }
            ids.push(id.clone());
        }
        let rows = &rows.bytes()[..ids.len() * bytes];
        self.db.upsert_batch(&ids, RowsRef::bytes(config.row_type, rows))?;
        self.ids.clear();
        self.rows.clear();
        Ok(())
    }
}
