//! The RocksDB backend, with the same contract (feature `rocksdb`).
//!
//! FORMAT.md describes the column families, keys and values. A commit is one `WriteBatch`; its key `state` has the number of
//! slots. The pages of a long batch are written ahead, behind the last slot, and are not visible before the batch with the
//! state. Rows are read into memory when the database is opened, because a view returns references to rows and RocksDB
//! returns copies.

mod blobs;
mod codec;
mod families;
mod load;
mod options;
mod pages;
mod quiet;
mod salvage;
mod store;

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use rocksdb::WriteBatch;

use crate::files::dir::{Dir, LOCK};
use crate::files::lock::{self, Lock};
use crate::files::medium::Disk;
use crate::state::anonymous::put_rows;
use crate::state::reordered::Reordered;
use crate::state::stale::{current, same_epoch};
use crate::state::table::{Table, check_order, ids_in_order};
use crate::{Blob, BlobSource, Commit, Durability, IdColumn, Problem, Schema, Storage, StorageError, Usage, View};
pub use salvage::salvage;

use codec::{State, key, pair};
use families::{BLOBS, DEAD, FAMILIES, META, ROWS, SLOTS};
use store::{DRAFT, INNER, Store};

/// The attempts of a reader that finds apparent damage, without and with an active writer.
const FEW_LOOKS: u32 = 4;
const MANY_LOOKS: u32 = 1000;
/// The most ids under one key.
const IDS: usize = 4096;

/// A database in RocksDB.
pub struct Rocks {
    store: Store,
    schema: Schema,
    durability: Durability,
    now: ArcSwap<View>,
    writer: Mutex<Writer>,
    /// [`State::covers`] of the writer, readable without its lock after a fork.
    covers: AtomicU64,
    lock: Option<Lock>,
    /// The blobs, if the database is open for reading only.
    kept: Vec<(String, Blob)>,
}

struct Writer {
    table: Table,
    state: State,
}

/// Whether a directory holds a database of this backend.
#[must_use]
pub fn is_database(path: impl AsRef<Path>) -> bool {
    path.as_ref().join(INNER).join("CURRENT").is_file()
}

impl Rocks {
    /// Makes a database in a new or empty directory.
    ///
    /// # Errors
    /// [`StorageError::Exists`], [`StorageError::Schema`], and those of the medium.
    pub fn create(path: impl AsRef<Path>, schema: &Schema, durability: Durability) -> Result<Self, StorageError> {
        let path = path.as_ref();
        let table = Table::new(schema, 0, 0)?;
        // What an unfinished attempt left does not have RocksDB's name yet, and is removed.
        let (dir, lock) = lock::take_free(Arc::new(Disk), path, &[LOCK.into(), DRAFT.into()])?;
        let store = Store::create(&dir)?;
        let state = State::default();
        let mut batch = WriteBatch::default();
        batch.put_cf(store.family(META), "schema", codec::encode_schema(schema));
        batch.put_cf(store.family(META), "state", state.encode());
        store.write(batch, true)?;
        let store = store.publish()?;
        dir.sync_parent()?;
        Ok(Self::of(store, schema.clone(), durability, Writer { table, state }, Some(lock)))
    }

    /// Opens a database for reading and writing.
    ///
    /// # Errors
    /// Those of [`Mapped::open`](crate::mapped::Mapped::open). [`StorageError::Backend`] in a process that was forked after
    /// RocksDB was opened for writing.
    pub fn open(path: impl AsRef<Path>, durability: Durability) -> Result<Self, StorageError> {
        lock::at_place(opened(path.as_ref()), |dir| {
            found(dir)?;
            let lock = Lock::take(dir)?;
            // `create` may have ended before the names were durable.
            dir.sync()?;
            Self::load(Store::open(dir)?, durability, Some(lock))
        })
    }

    /// Opens the newest acknowledged state for reading, also while another process writes.
    ///
    /// # Errors
    /// Those of [`Rocks::open`] except `Locked`.
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        lock::at_place(opened(path.as_ref()), |dir| {
            found(dir)?;
            let mut looks = 0;
            loop {
                let tried = Store::open_read_only(dir).and_then(|store| Self::load(store, Durability::Os, None));
                looks += 1;
                match tried {
                    // A writer may remove files meanwhile, which looks like damage.
                    Err(StorageError::Backend { .. } | StorageError::Corrupt { .. } | StorageError::Io { .. })
                        if looks < FEW_LOOKS || (looks < MANY_LOOKS && Lock::is_held(dir)) =>
                    {
                        std::thread::sleep(Duration::from_millis(2));
                    }
                    done => return done,
                }
            }
        })
    }

    /// RocksDB's statistics since the database was opened, as it prints them. `None` in a forked process.
    #[must_use]
    pub fn statistics(&self) -> Option<String> {
        self.store.check_process().ok()?;
        self.store.statistics()
    }

    fn load(store: Store, durability: Durability, lock: Option<Lock>) -> Result<Self, StorageError> {
        let (schema, state) = load::meta(&store)?;
        let table = load::table(&store, &schema, &state)?;
        let mut kept = Vec::new();
        if lock.is_none() {
            // A writer may remove their pages later. A damaged blob is an error when it is read.
            for entry in &state.blobs {
                match blobs::read(&store, entry) {
                    Ok(blob) => kept.push((entry.name.clone(), blob)),
                    Err(error) if Lock::is_held(store.dir()) => return Err(error),
                    Err(_) => {}
                }
            }
        }
        let mut db = Self::of(store, schema, durability, Writer { table, state }, lock);
        db.kept = kept;
        Ok(db)
    }

    fn of(store: Store, schema: Schema, durability: Durability, writer: Writer, lock: Option<Lock>) -> Self {
        let now = ArcSwap::from_pointee(writer.table.now().clone());
        let covers = AtomicU64::new(writer.state.covers);
        Self { store, schema, durability, now, writer: Mutex::new(writer), covers, lock, kept: Vec::new() }
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ready(&self) -> Result<MutexGuard<'_, Writer>, StorageError> {
        let Some(lock) = &self.lock else {
            return Err(StorageError::ReadOnly { path: self.store.path().into() });
        };
        // Before the mutex: in a forked process nobody releases it if a thread of the parent held it.
        lock.check_process()?;
        let writer = self.writer();
        lock.check()?;
        self.store.check_writes()?;
        self.store.check_room()?;
        Ok(writer)
    }

    fn put_ids(&self, batch: &mut WriteBatch, epoch: u64, first: u32, ids: IdColumn<'_>) {
        for begin in (0..ids.len()).step_by(IDS) {
            let end = ids.len().min(begin + IDS);
            let piece = match ids {
                IdColumn::U64(ids) => IdColumn::U64(&ids[begin..end]),
                IdColumn::Text(ids) => IdColumn::Text(&ids[begin..end]),
            };
            batch.put_cf(self.store.family(SLOTS), key(epoch, first + begin as u32), codec::encode_ids(piece));
        }
    }

    /// Removes everything of `epochs` in `batch`.
    fn drop_epochs(&self, batch: &mut WriteBatch, epochs: Range<u64>) {
        for name in [ROWS, SLOTS, DEAD] {
            let (from, to) = (key(epochs.start, 0).to_vec(), key(epochs.end, 0).to_vec());
            batch.delete_range_cf(self.store.family(name), from, to);
        }
    }

    /// Writes blobs and returns the present state with them. Numbers are never reused, even after an error.
    fn with_blobs(&self, writer: &mut Writer, blobs: &[BlobSource<'_>]) -> Result<State, StorageError> {
        let mut state = writer.state.clone();
        let written = blobs::write(&self.store, blobs, &mut state);
        writer.state.next_blob = state.next_blob;
        state.blobs = written?;
        Ok(state)
    }

    /// Writes the batch that makes `state` the newest, and removes old blobs.
    fn write_state(&self, mut batch: WriteBatch, old: &State, state: &State, sync: bool) -> Result<(), StorageError> {
        if state.blobs != old.blobs || state.epoch != old.epoch {
            blobs::drop_before(&self.store, &mut batch, state);
        }
        batch.put_cf(self.store.family(META), "state", state.encode());
        self.store.write(batch, sync)
    }

    /// Publishes the state of a new epoch and frees the space of the old one.
    fn become_next(
        &self,
        writer: &mut Writer,
        table: Table,
        state: State,
        batch: WriteBatch,
    ) -> Result<Arc<View>, StorageError> {
        self.write_state(batch, &writer.state, &state, true)?;
        let view = Arc::new(table.now().clone());
        self.covers.store(state.covers, Ordering::Release);
        *writer = Writer { table, state };
        self.now.store(Arc::clone(&view));
        self.store.reclaim();
        Ok(view)
    }
}

impl Drop for Rocks {
    /// Flushes RocksDB's log. RocksDB takes damage in its log for the end of it and drops what follows silently. All files of a
    /// closed database are checked whole.
    fn drop(&mut self) {
        // Not in a forked process, nor if another process holds LOCK.
        if self.lock.as_ref().is_some_and(|lock| lock.check_held().is_ok())
            && let Err(error) = self.store.flush()
        {
            tracing::warn!(%error, "cannot flush the log on close");
        }
    }
}

impl Storage for Rocks {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn view(&self) -> Arc<View> {
        self.now.load_full()
    }

    fn commit(&self, commit: Commit<'_>) -> Result<Arc<View>, StorageError> {
        let mut writer = self.ready()?;
        writer.table.check(&commit)?;
        let first = writer.table.now().slots();
        let end = first + commit.rows.len() as u32;
        put_rows(&mut writer.table, first, commit.rows)?;
        let mut state = writer.state.clone();
        (state.commit, state.slots) = (state.commit + 1, end);
        let mut batch = pages::put(&self.store, &writer.table, state.epoch, first, end)?;
        self.put_ids(&mut batch, state.epoch, first, commit.ids);
        if !commit.dead.is_empty() {
            let slots = codec::encode_slots(commit.dead);
            batch.put_cf(self.store.family(DEAD), pair(state.epoch, state.commit), slots);
        }
        self.write_state(batch, &writer.state, &state, self.durability == Durability::Sync)?;
        writer.state = state;
        let view = writer.table.apply(commit.ids, commit.dead);
        self.now.store(Arc::clone(&view));
        Ok(view)
    }

    fn clear(&self) -> Result<Arc<View>, StorageError> {
        let mut writer = self.ready()?;
        let old = writer.table.now();
        let table = Table::new(&self.schema, old.epoch() + 1, old.commit() + 1)?;
        let state = State {
            epoch: table.now().epoch(),
            commit: table.now().commit(),
            next_blob: writer.state.next_blob,
            ..State::default()
        };
        // Including what an unfinished `compact` left of the new epoch.
        let mut batch = WriteBatch::default();
        self.drop_epochs(&mut batch, 0..state.epoch + 1);
        self.become_next(&mut writer, table, state, batch)
    }

    fn compact(&self, view: &View, order: &[u32], blobs: &[BlobSource<'_>]) -> Result<Arc<View>, StorageError> {
        let mut writer = self.ready()?;
        current(view, writer.table.now())?;
        check_order(view, order)?;
        let mut state = self.with_blobs(&mut writer, blobs)?;
        let mut table = Table::new(&self.schema, view.epoch() + 1, view.commit())?;
        put_rows(&mut table, 0, &Reordered { view, order })?;
        let epoch = view.epoch() + 1;
        // Remove what an unfinished attempt left.
        let mut left = WriteBatch::default();
        self.drop_epochs(&mut left, epoch..epoch + 1);
        self.store.write(left, false)?;
        let mut batch = pages::put(&self.store, &table, epoch, 0, order.len() as u32)?;
        ids_in_order(view, order, usize::MAX, |ids| {
            self.put_ids(&mut batch, epoch, 0, ids);
            table.apply(ids, &[]);
            Ok::<_, StorageError>(())
        })?;
        if order.is_empty() {
            table.apply(IdColumn::none(self.schema.ids), &[]);
        }
        (state.epoch, state.commit, state.slots) = (epoch, table.now().commit(), order.len() as u32);
        state.covers = if state.blobs.is_empty() { 0 } else { state.commit };
        self.drop_epochs(&mut batch, 0..epoch);
        self.become_next(&mut writer, table, state, batch)
    }

    fn checkpoint(&self, view: &View, blobs: &[BlobSource<'_>]) -> Result<(), StorageError> {
        let mut writer = self.ready()?;
        same_epoch(view, writer.table.now())?;
        let mut state = self.with_blobs(&mut writer, blobs)?;
        state.covers = view.commit();
        self.write_state(WriteBatch::default(), &writer.state, &state, true)?;
        self.covers.store(state.covers, Ordering::Release);
        writer.state = state;
        Ok(())
    }

    fn blob(&self, name: &str) -> Result<Option<Blob>, StorageError> {
        if let Some((_, blob)) = self.kept.iter().find(|(kept, _)| kept == name) {
            return Ok(Some(blob.clone()));
        }
        self.store.check_process()?;
        let writer = self.writer();
        let entry = writer.state.blobs.iter().find(|entry| entry.name == name);
        entry.map(|entry| blobs::read(&self.store, entry)).transpose()
    }

    fn checkpoint_commit(&self) -> u64 {
        self.covers.load(Ordering::Acquire)
    }

    fn sync(&self) -> Result<(), StorageError> {
        drop(self.ready()?);
        self.store.sync()
    }

    /// Reads every key, so that RocksDB checks all its blocks. Compares the rows with those in memory and the blobs with their
    /// checksums.
    fn verify(&self) -> Vec<Problem> {
        let problem = |what| Problem { file: self.store.path().join(INNER), offset: 0, what };
        if let Err(error) = self.store.check_process() {
            return vec![problem(error.to_string())];
        }
        let (mut told, mut of_rows) = (Vec::new(), Vec::new());
        for name in FAMILIES {
            if let Some(error) = self.store.from(name, &[]).find_map(Result::err) {
                told.push(format!("column family {name}: {error}"));
            }
        }
        let view = self.view();
        pages::verify(&self.store, &view, &mut |what| of_rows.push(what));
        // The lock keeps a checkpoint from removing blobs meanwhile.
        let writer = self.writer();
        for entry in &writer.state.blobs {
            told.extend(blobs::read(&self.store, entry).err().map(|error| error.to_string()));
        }
        // If the epoch ended meanwhile, its rows were removed.
        if writer.table.now().epoch() == view.epoch() {
            told.append(&mut of_rows);
        }
        told.into_iter().map(problem).collect()
    }

    fn usage(&self) -> Usage {
        let view = self.view();
        let is_forked = self.store.check_process().is_err();
        let on_disk = |name| if is_forked { 0 } else { self.store.bytes(name) };
        let (rows, ids, blobs) = (on_disk(ROWS), on_disk(SLOTS) + on_disk(DEAD), on_disk(BLOBS));
        let (mut log, mut all) = (0, 0);
        for entry in std::fs::read_dir(self.store.inner()).into_iter().flatten().flatten() {
            let bytes = entry.metadata().map_or(0, |data| data.len());
            all += bytes;
            if entry.path().extension().is_some_and(|ending| ending == "log") {
                log += bytes;
            }
        }
        Usage {
            disk_rows: rows,
            disk_ids: ids,
            disk_log: log,
            disk_blobs: vec![("blobs".into(), blobs)],
            disk_other: all.saturating_sub(rows + ids + log + blobs),
            memory_rows: u64::from(view.slots()) * view.layout.stride as u64,
            memory_slots: view.table.memory(view.slots()),
            ..Usage::default()
        }
    }
}

/// Opens the database's directory.
fn opened(path: &Path) -> impl Fn() -> Result<Dir, StorageError> {
    move || Dir::open_at(Arc::new(Disk), path)
}

fn found(dir: &Dir) -> Result<(), StorageError> {
    if dir.folder().has(&format!("{INNER}/CURRENT")) {
        return Ok(());
    }
    dir.check_place()?;
    Err(StorageError::NotADatabase { path: dir.path().into(), what: "it has no RocksDB folder" })
}
