//! Rows to add or replace and ids to delete, in one commit.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::PoisonError;

use omendb_storage::{Commit, IdColumn, IdKind, IdRef, RowSource};

use crate::db::{Core, install};
use crate::input::batch::{Batch, Existing};
use crate::{BatchError, Db, IdsRef, RowsRef};

/// Rows to add or replace and ids to delete, which [`Db::write`] commits together.
///
/// ```
/// use omendb_engine::{Db, Metric, Options, WriteBatch};
///
/// let db = Db::in_memory(Options::new(2, Metric::L2))?;
/// db.add_batch(&[1, 2], &[[0.0f32, 1.0], [1.0, 0.0]])?;
///
/// let mut batch = WriteBatch::new();
/// batch.upsert(2, &[1.0f32, 1.0]).upsert(3, &[0.5f32, 0.5]).delete(1);
/// let written = db.write(&batch)?;
/// assert_eq!((written.upserted, written.replaced, written.deleted), (2, 1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct WriteBatch<'a> {
    upserts: Vec<(IdsRef<'a>, RowsRef<'a>)>,
    deletes: Vec<IdRef<'a>>,
}

/// What a [`WriteBatch`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Rows added or replaced.
    pub upserted: usize,
    /// Rows that existed and were replaced.
    pub replaced: usize,
    /// Rows that existed and were deleted.
    pub deleted: usize,
}

impl<'a> WriteBatch<'a> {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one row, or replaces the one with its id.
    pub fn upsert(&mut self, id: impl Into<IdRef<'a>>, row: impl Into<RowsRef<'a>>) -> &mut Self {
        self.upserts.push((IdsRef::one(id.into()), row.into().into_single()));
        self
    }

    /// Adds rows, or replaces those with their ids.
    pub fn upsert_batch(&mut self, ids: impl Into<IdsRef<'a>>, rows: impl Into<RowsRef<'a>>) -> &mut Self {
        self.upserts.push((ids.into(), rows.into()));
        self
    }

    /// Deletes the row with this id, if there is one.
    pub fn delete(&mut self, id: impl Into<IdRef<'a>>) -> &mut Self {
        self.deletes.push(id.into());
        self
    }

    /// Deletes the rows with these ids, as far as there are any.
    pub fn delete_batch<I: Into<IdRef<'a>>>(&mut self, ids: impl IntoIterator<Item = I>) -> &mut Self {
        self.deletes.extend(ids.into_iter().map(Into::into));
        self
    }
}

impl Db {
    /// Commits all that a batch holds, or nothing. A reader sees all of it or none.
    ///
    /// # Errors
    /// As [`Db::upsert_batch`], rows counted over the whole batch; [`BatchError::DuplicateId`] for an id that is upserted
    /// twice, and [`BatchError::UpsertedAndDeleted`].
    pub fn write(&self, batch: &WriteBatch<'_>) -> Result<Written, BatchError> {
        self.core.write_together(batch)
    }
}

impl Core {
    fn write_together(&self, batch: &WriteBatch<'_>) -> Result<Written, BatchError> {
        self.writable()?;
        let parts = Parts::check(self, batch)?;
        let ids = parts.ids();
        let writing = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut dead = self.replaced(ids.iter().copied(), Existing::Replace)?;
        let replaced = dead.len();
        dead.extend(self.found(&batch.deletes));
        let written = Written { upserted: ids.len(), replaced, deleted: dead.len() - replaced };
        if written == Written::default() {
            return Ok(written);
        }
        let (numbers, strings) = columns(&ids);
        let ids = match self.config.id_kind {
            IdKind::U64 => IdColumn::U64(&numbers),
            IdKind::Text => IdColumn::Text(&strings),
        };
        let end = self.commit(Commit { rows: &parts, ids, dead: &dead })?;
        drop(writing);
        self.after_commit(end, written.upserted);
        Ok(written)
    }
}

/// The numbers among ids, and the strings.
pub(super) fn columns<'i>(ids: &[IdRef<'i>]) -> (Vec<u64>, Vec<&'i str>) {
    let (mut numbers, mut strings) = (Vec::new(), Vec::new());
    ids.iter().for_each(|id| match id {
        IdRef::U64(number) => numbers.push(*number),
        IdRef::Text(text) => strings.push(*text),
    });
    (numbers, strings)
}

/// Checked batches whose rows follow one another.
struct Parts<'a>(Vec<Batch<'a>>);

impl<'a> Parts<'a> {
    fn check(core: &Core, batch: &'a WriteBatch<'a>) -> Result<Self, BatchError> {
        let (mut parts, mut len) = (Vec::with_capacity(batch.upserts.len()), 0);
        for (ids, rows) in &batch.upserts {
            let check = || Batch::check(rows, ids, &core.config);
            let part = if rows.is_small() { check() } else { install(&core.pool, check) };
            let part = part.map_err(|error| error.of_rows_from(len))?;
            len += part.len();
            parts.push(part);
        }
        let parts = Self(parts);
        parts.check_ids(&batch.deletes)?;
        core.check_kind(&batch.deletes)?;
        Ok(parts)
    }

    /// No id comes twice.
    fn check_ids(&self, deletes: &[IdRef<'_>]) -> Result<(), BatchError> {
        let mut seen = HashMap::new();
        for (row, id) in self.ids().into_iter().enumerate() {
            if let Some(first_row) = seen.insert(id, row) {
                return Err(BatchError::DuplicateId { id: id.into(), first_row, row });
            }
        }
        match deletes.iter().find(|id| seen.contains_key(id)) {
            Some(&id) => Err(BatchError::UpsertedAndDeleted { id: id.into() }),
            None => Ok(()),
        }
    }

    fn ids(&self) -> Vec<IdRef<'_>> {
        let of = |part| {
            let ids = Batch::ids(part);
            (0..ids.len()).map(move |row| ids.get(row))
        };
        self.0.iter().flat_map(of).collect()
    }
}

impl RowSource for Parts<'_> {
    fn len(&self) -> usize {
        self.0.iter().map(RowSource::len).sum()
    }

    fn fill(&self, rows: Range<usize>, stride: usize, mut out: &mut [u8]) {
        let mut first = 0;
        for part in &self.0 {
            let own =
                rows.start.clamp(first, first + part.len()) - first..rows.end.clamp(first, first + part.len()) - first;
            let (now, rest) = out.split_at_mut(own.len() * stride);
            if !own.is_empty() {
                part.fill(own, stride, now);
            }
            (out, first) = (rest, first + part.len());
        }
    }
}
