//! The backend in anonymous memory, with the same contract.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use crate::blob::check_names;
use crate::state::anonymous::put_rows;
use crate::state::reordered::Reordered;
use crate::state::stale::{current, same_epoch};
use crate::state::table::{Table, check_order, ids_in_order};
use crate::{Blob, BlobSource, Commit, IdColumn, Problem, Schema, Storage, StorageError, Usage, View};

/// A database in memory: for tests, and for data that need not outlive the process.
pub struct Memory {
    schema: Schema,
    now: ArcSwap<View>,
    writer: Mutex<Writer>,
}

struct Writer {
    table: Table,
    blobs: BTreeMap<String, Blob>,
    covers: u64,
}

impl Memory {
    /// Makes an empty database.
    ///
    /// # Errors
    /// [`StorageError::Schema`] if the schema is invalid.
    pub fn new(schema: Schema) -> Result<Self, StorageError> {
        let table = Table::new(&schema, 0, 0)?;
        let now = ArcSwap::from_pointee(table.now().clone());
        Ok(Self { schema, now, writer: Mutex::new(Writer { table, blobs: BTreeMap::new(), covers: 0 }) })
    }

    /// Locks the writer. Its state changes only in steps that cannot panic half way, so a panic of a caller's row source
    /// leaves it consistent.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for Memory {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn view(&self) -> Arc<View> {
        self.now.load_full()
    }

    fn commit(&self, commit: Commit<'_>) -> Result<Arc<View>, StorageError> {
        let mut writer = self.writer();
        writer.table.check(&commit)?;
        let first = writer.table.now().slots();
        put_rows(&mut writer.table, first, commit.rows)?;
        let view = writer.table.apply(commit.ids, commit.dead);
        self.now.store(Arc::clone(&view));
        Ok(view)
    }

    fn clear(&self) -> Result<Arc<View>, StorageError> {
        let mut writer = self.writer();
        let old = writer.table.now();
        writer.table = Table::new(&self.schema, old.epoch() + 1, old.commit() + 1)?;
        writer.blobs.clear();
        writer.covers = 0;
        self.now.store(Arc::new(writer.table.now().clone()));
        Ok(self.view())
    }

    fn compact(&self, view: &View, order: &[u32], blobs: &[BlobSource<'_>]) -> Result<Arc<View>, StorageError> {
        let mut writer = self.writer();
        current(view, writer.table.now())?;
        check_order(view, order)?;
        let blobs = write_blobs(blobs)?;
        // The `apply` below counts as the commit.
        let mut table = Table::new(&self.schema, view.epoch() + 1, view.commit())?;
        put_rows(&mut table, 0, &Reordered { view, order })?;
        ids_in_order(view, order, usize::MAX, |ids| {
            table.apply(ids, &[]);
            Ok::<_, StorageError>(())
        })?;
        if order.is_empty() {
            table.apply(IdColumn::none(self.schema.ids), &[]);
        }
        writer.covers = if blobs.is_empty() { 0 } else { table.now().commit() };
        writer.table = table;
        writer.blobs = blobs;
        self.now.store(Arc::new(writer.table.now().clone()));
        Ok(self.view())
    }

    fn checkpoint(&self, view: &View, blobs: &[BlobSource<'_>]) -> Result<(), StorageError> {
        let blobs = write_blobs(blobs)?;
        let mut writer = self.writer();
        same_epoch(view, writer.table.now())?;
        writer.blobs = blobs;
        writer.covers = view.commit();
        Ok(())
    }

    fn blob(&self, name: &str) -> Result<Option<Blob>, StorageError> {
        Ok(self.writer().blobs.get(name).cloned())
    }

    fn checkpoint_commit(&self) -> u64 {
        self.writer().covers
    }

    fn sync(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn verify(&self) -> Vec<Problem> {
        Vec::new()
    }

    fn usage(&self) -> Usage {
        let writer = self.writer();
        let view = writer.table.now();
        Usage {
            memory_rows: view.slots() as u64 * view.layout.stride as u64,
            memory_slots: view.table.memory(view.slots()),
            memory_blobs: writer.blobs.values().map(|blob| blob.len() as u64).sum(),
            ..Usage::default()
        }
    }
}

fn write_blobs(blobs: &[BlobSource<'_>]) -> Result<BTreeMap<String, Blob>, StorageError> {
    check_names(blobs.iter().map(|blob| blob.name))?;
    let mut all = BTreeMap::new();
    for blob in blobs {
        let mut bytes = Vec::new();
        let failed = |source: std::io::Error| StorageError::Blob { name: blob.name.into(), what: source.to_string() };
        (blob.write)(&mut bytes).map_err(failed)?;
        all.insert(blob.name.into(), Blob::copied(&bytes).map_err(failed)?);
    }
    Ok(all)
}
