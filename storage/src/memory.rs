//! The backend without a medium: the same contract over anonymous memory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use crate::blob::check_names;
use crate::region::Region;
use crate::table::{Table, check_order, ids_in_order};
use crate::{Blob, BlobSource, Commit, IdColumn, Problem, RowSource, Schema, Storage, StorageError, Usage, View};

/// Rows asked for at once.
const PIECE: usize = 8192;

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
    /// An empty database.
    ///
    /// # Errors
    /// [`StorageError::Schema`] if the schema cannot be kept.
    pub fn new(schema: Schema) -> Result<Self, StorageError> {
        let table = Table::new(&schema, 0, 0)?;
        let now = ArcSwap::from_pointee(table.now().clone());
        Ok(Self { schema, now, writer: Mutex::new(Writer { table, blobs: BTreeMap::new(), covers: 0 }) })
    }

    /// The writer's state changes only in steps that cannot panic half way, so that a panic of a
    /// caller's row source leaves it whole.
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
        // The one `apply` below counts as the commit.
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

/// Refuses a view of which another state has come since.
pub(crate) fn current(view: &View, now: &View) -> Result<(), StorageError> {
    if view.commit() != now.commit() {
        return Err(stale(view, now));
    }
    same_epoch(view, now)
}

/// Refuses a view whose slots mean other rows by now.
pub(crate) fn same_epoch(view: &View, now: &View) -> Result<(), StorageError> {
    if view.epoch() == now.epoch() { Ok(()) } else { Err(stale(view, now)) }
}

fn stale(view: &View, now: &View) -> StorageError {
    StorageError::Stale { found: view.commit(), found_epoch: view.epoch(), current: now.commit(), epoch: now.epoch() }
}

/// Rows of a view in another order: what compaction writes.
pub(crate) struct Reordered<'a> {
    pub(crate) view: &'a View,
    pub(crate) order: &'a [u32],
}

impl RowSource for Reordered<'_> {
    fn len(&self) -> usize {
        self.order.len()
    }

    fn fill(&self, rows: Range<usize>, stride: usize, out: &mut [u8]) {
        for (to, &slot) in out.chunks_exact_mut(stride).zip(&self.order[rows]) {
            to[..self.view.row_bytes()].copy_from_slice(self.view.row(slot));
        }
    }
}

/// Writes rows to the slots from `first` on, at or behind the last one, of a table whose segments
/// are anonymous, growing it.
pub(crate) fn put_rows(table: &mut Table, first: u32, rows: &dyn RowSource) -> Result<(), StorageError> {
    let layout = table.layout();
    assert!(first >= table.now().slots(), "rows that a view shows do not change");
    let wanted = layout.segments(u64::from(first) + rows.len() as u64);
    while table.segments().len() < wanted {
        let reserve = |source| StorageError::io(Path::new("memory"), "reserve", source);
        table.grow(Arc::new(Region::anonymous(layout.segment_bytes()).map_err(reserve)?));
    }
    for (done, slot, n) in layout.runs(first, rows.len(), PIECE) {
        let (segment, at) = layout.place(slot);
        // SAFETY: these slots are at or behind the last view's end, so that no reference to them
        // exists; the caller holds the only table.
        let out = unsafe { table.segments()[segment].bytes_mut(at, n * layout.stride) };
        rows.fill(done..done + n, layout.stride, out);
    }
    Ok(())
}

/// A row that `put_rows` wrote, committed or not.
#[cfg(feature = "rocksdb")]
pub(crate) fn row_written(table: &Table, slot: u32) -> &[u8] {
    let layout = table.layout();
    let (segment, at) = layout.place(slot);
    // SAFETY: rows that no view shows are written by `put_rows` alone, which needs the table
    // mutably: not while this slice borrows it. Others do not change.
    unsafe { table.segments()[segment].bytes(at, layout.row_bytes) }
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
