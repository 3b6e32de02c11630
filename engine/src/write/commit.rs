//! Rows are added, replaced and deleted.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{MutexGuard, PoisonError};

use omendb_graph::MAX_ROWS;
use omendb_storage::{Commit, IdColumn, IdRef, RowSource, StorageError, View};

use crate::db::{Core, install};
use crate::input::batch::{Batch, Existing};
use crate::progress::Phase;
use crate::state::index::Index;
use crate::state::snapshot::Snapshot;
use crate::write::place::Place;
use crate::{BatchError, Db, IdsRef, RowsRef};

impl Db {
    /// Adds one row.
    ///
    /// # Errors
    /// As [`Db::add_batch`].
    pub fn add<'a>(&self, id: impl Into<IdRef<'a>>, row: impl Into<RowsRef<'a>>) -> Result<(), BatchError> {
        self.core.write(&IdsRef::one(id.into()), &row.into().into_single(), Existing::Refuse)
    }

    /// Adds rows, all or none. When it returns, they are durable (as [`Options::durability`]
    /// says) and searched; they are linked into the graph later, by a thread of the database's own. While more rows
    /// than [`Options::buffer_rows`] wait for that, calls are throttled: by some hundredths of a second, a tenth at most,
    /// and a batch of more rows than may wait so many times as long. At 0, until their rows are linked.
    ///
    /// A batch may have any size. Rows of another type than the database's are converted: to f16
    /// and bf16 by rounding, to u8 and i8 only whole numbers in range. The squared length of a row is 1.2e-38
    /// to 8.5e37, which keeps squares and products within f32, or 0 where the metric is not cosine.
    ///
    /// [`Options::durability`]: crate::Options::durability
    /// [`Options::buffer_rows`]: crate::Options::buffer_rows
    ///
    /// # Errors
    /// The first thing that is wrong, with its row; the database is then as it was.
    pub fn add_batch<'a>(&self, ids: impl Into<IdsRef<'a>>, rows: impl Into<RowsRef<'a>>) -> Result<(), BatchError> {
        self.core.write(&ids.into(), &rows.into(), Existing::Refuse)
    }

    /// Adds one row, or replaces the one with its id.
    ///
    /// # Errors
    /// As [`Db::upsert_batch`].
    pub fn upsert<'a>(&self, id: impl Into<IdRef<'a>>, row: impl Into<RowsRef<'a>>) -> Result<(), BatchError> {
        self.core.write(&IdsRef::one(id.into()), &row.into().into_single(), Existing::Replace)
    }

    /// [`Db::add_batch`], but rows whose ids exist replace them, all at the same moment.
    ///
    /// # Errors
    /// As [`Db::add_batch`], but for ids that exist.
    pub fn upsert_batch<'a>(&self, ids: impl Into<IdsRef<'a>>, rows: impl Into<RowsRef<'a>>) -> Result<(), BatchError> {
        self.core.write(&ids.into(), &rows.into(), Existing::Replace)
    }

    /// Deletes the row with this id; whether there was one.
    ///
    /// # Errors
    /// [`BatchError::IdKind`], or what the medium says; the row is then still there.
    pub fn delete<'i>(&self, id: impl Into<IdRef<'i>>) -> Result<bool, BatchError> {
        Ok(self.core.delete(&[id.into()])? > 0)
    }

    /// Deletes the rows with these ids, all at the same moment; how many there were.
    ///
    /// # Errors
    /// [`BatchError::IdKind`], or what the medium says; all rows are then still there.
    pub fn delete_batch<'i, I: Into<IdRef<'i>>>(&self, ids: impl IntoIterator<Item = I>) -> Result<usize, BatchError> {
        // Before any lock: the caller's own code runs here.
        let ids: Vec<IdRef<'i>> = ids.into_iter().map(Into::into).collect();
        self.core.delete(&ids)
    }

    /// Deletes everything, and gives memory and files back.
    ///
    /// # Errors
    /// What the medium says; everything is then still there.
    pub fn clear(&self) -> Result<(), StorageError> {
        self.core.clear()
    }
}

impl Core {
    fn write(&self, ids: &IdsRef<'_>, rows: &RowsRef<'_>, existing: Existing) -> Result<(), BatchError> {
        self.writable()?;
        let listener = &self.use_.listener;
        let check = || Batch::check(rows, ids, &self.config);
        let batch = if rows.is_small() { check()? } else { install(&self.pool, check)? };
        if batch.len() == 0 {
            return Ok(());
        }
        listener.tell(Phase::Check, batch.len(), batch.len());
        let end = match self.writer.try_lock() {
            Ok(writing) if self.queue.is_empty() => self.commit_alone(writing, &batch, existing)?,
            free => {
                drop(free);
                if self.may_share(&batch) {
                    self.commit_with_others(&batch, existing)?
                } else {
                    let writing = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
                    self.commit_alone(writing, &batch, existing)?
                }
            }
        };
        listener.tell(Phase::Write, batch.len(), batch.len());

        self.after_commit(end, batch.len());
        Ok(())
    }

    fn commit_alone(
        &self,
        _writing: MutexGuard<'_, ()>,
        batch: &Batch<'_>,
        existing: Existing,
    ) -> Result<Place, BatchError> {
        let ids = batch.ids();
        let dead = self.replaced((0..ids.len()).map(|row| ids.get(row)), existing)?;
        self.commit(Commit { rows: batch, ids, dead: &dead })
    }

    /// Commits rows and publishes the state with them, for a caller that holds the writer's lock; where they end.
    pub(crate) fn commit(&self, commit: Commit<'_>) -> Result<Place, BatchError> {
        self.check_capacity(commit.rows.len())?;
        let view = self.storage.commit(commit)?;
        let end = Place::end(&view);
        let columns = self.snapshot.load().columns.extended(&view);
        self.publish(|index, present| {
            index.reserve(&view, commit.rows.len());
            commit.dead.iter().for_each(|&slot| index.remove(&view, slot));
            (present.view.slots()..view.slots()).for_each(|slot| index.insert(&view, slot));
            Some(Snapshot { view, columns, graph: present.graph.clone(), codes: present.codes.clone() })
        });
        Ok(end)
    }

    /// The slots whose ids come again.
    pub(crate) fn replaced<'i>(
        &self,
        ids: impl Iterator<Item = IdRef<'i>>,
        existing: Existing,
    ) -> Result<Vec<u32>, BatchError> {
        self.indexed(|index, present| {
            let mut dead = Vec::new();
            for (row, id) in ids.enumerate() {
                match index.find(&present.view, id) {
                    Some(slot) if existing == Existing::Replace => dead.push(slot),
                    Some(_) => return Err(BatchError::IdExists { id: id.into(), row }),
                    None => {}
                }
            }
            Ok(dead)
        })
    }

    fn check_capacity(&self, more: usize) -> Result<(), BatchError> {
        let found = u64::from(self.snapshot.load().view.slots()) + more as u64;
        if found > u64::from(MAX_ROWS) {
            return Err(BatchError::Capacity { found, limit: MAX_ROWS });
        }
        Ok(())
    }

    fn delete(&self, ids: &[IdRef<'_>]) -> Result<usize, BatchError> {
        self.writable()?;
        self.check_kind(ids)?;
        let writing = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let dead = self.found(ids);
        if dead.is_empty() {
            return Ok(0);
        }
        let none = IdColumn::none(self.config.id_kind);
        let end = self.commit(Commit { rows: &Nothing, ids: none, dead: &dead })?;
        drop(writing);
        self.after_commit(end, 0);
        Ok(dead.len())
    }

    /// Refuses ids of another kind than the database's.
    pub(crate) fn check_kind(&self, ids: &[IdRef<'_>]) -> Result<(), BatchError> {
        let expected = self.config.id_kind;
        match ids.iter().find(|id| id.kind() != expected) {
            Some(id) => Err(BatchError::IdKind { expected, found: Some(id.kind()) }),
            None => Ok(()),
        }
    }

    /// The slots of the rows with these ids, each once.
    pub(crate) fn found(&self, ids: &[IdRef<'_>]) -> Vec<u32> {
        let find = |index: &Index, view: &View| ids.iter().filter_map(|&id| index.find(view, id)).collect();
        let mut slots: Vec<u32> = self.indexed(|index, present| find(index, &present.view));
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// Has the rows of a commit linked and deleted ones removed, and throttles who committed it.
    pub(crate) fn after_commit(&self, end: Place, rows: usize) {
        if rows > 0 {
            self.throttle(end, rows);
        } else if self.config.buffer_rows == 0 {
            // Where callers wait for their rows to be linked, they wait for those that are to go, too.
            self.link_present();
        } else {
            self.wake_linker();
        }
    }

    fn clear(&self) -> Result<(), StorageError> {
        self.writable()?;
        let _writing = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let view = self.storage.clear()?;
        self.publish(|index, _| {
            *index = Default::default();
            self.saved_rows.store(0, Relaxed);
            Some(self.empty_snapshot(view))
        });
        self.scratches.clear();
        Ok(())
    }
}

/// The rows of a commit that only deletes.
struct Nothing;

impl RowSource for Nothing {
    fn len(&self) -> usize {
        0
    }

    fn fill(&self, _: std::ops::Range<usize>, _: usize, _: &mut [u8]) {}
}
