//! The same contract over RocksDB, the key-value engine people run in production (feature
//! `rocksdb`).
//!
//! | column family | key (big-endian) | value |
//! |---|---|---|
//! | `meta` | `schema`, `state` | what the database holds; epoch, commit, slots, blobs |
//! | `rows` | epoch, page number | as many whole rows as fit 8 KiB, at least one |
//! | `slots` | epoch, first slot | ids of one commit's rows, 4096 at most |
//! | `dead` | epoch, commit | slots that died with it |
//! | `blobs` | number of the blob, page number | 64 KiB of it |
//!
//! A commit is one `WriteBatch`; the key `state` in it says how many slots count. A batch longer
//! than a write buffer goes ahead in pieces behind the last slot, which nobody sees before the
//! batch with the state. RocksDB is the medium, not the cache: rows are read into memory when the
//! database is opened, as a view hands out references to rows and RocksDB only copies of them.

mod codec;
mod options;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use rocksdb::{ColumnFamilyDescriptor, DB, IteratorMode, Options, WriteBatch, WriteOptions};

use crate::blob::check_names;
use crate::mapped::dir::Dir;
use crate::mapped::lock::Lock;
use crate::mapped::medium::Disk;
use crate::memory::{Reordered, current, put_rows, row_written, same_epoch};
use crate::table::{Table, check_order, ids_in_order};
use crate::{
    Blob, BlobSource, Commit, Durability, IdColumn, Problem, RowSource, Schema, Storage, StorageError, Usage, View,
};
use codec::{BlobEntry, State, key, pair};

const META: &str = "meta";
const ROWS: &str = "rows";
const SLOTS: &str = "slots";
const DEAD: &str = "dead";
const BLOBS: &str = "blobs";
const FAMILIES: [&str; 5] = [META, ROWS, SLOTS, DEAD, BLOBS];
/// RocksDB's directory in the database's.
const INNER: &str = "rocks";
const BLOB_PAGE: usize = 64 << 10;
/// Rows of a batch that go ahead in one piece.
const AHEAD: usize = 32 << 20;
const IDS: usize = 4096;

/// A database in RocksDB.
pub struct Rocks {
    path: PathBuf,
    schema: Schema,
    durability: Durability,
    options: Options,
    db: DB,
    now: ArcSwap<View>,
    writer: Mutex<Writer>,
    lock: Option<Lock>,
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
    /// [`StorageError::Exists`], [`StorageError::Schema`], and others of the medium.
    pub fn create(path: impl AsRef<Path>, schema: &Schema, durability: Durability) -> Result<Self, StorageError> {
        let path = path.as_ref();
        let table = Table::new(schema, 0, 0)?;
        let dir = Dir::new(Arc::new(Disk), path);
        dir.make()?;
        let exists = || StorageError::Exists { path: path.into() };
        match dir.list() {
            Err(StorageError::NotADatabase { .. }) => return Err(exists()),
            names => {
                if names?.iter().any(|name| name != "LOCK") {
                    return Err(exists());
                }
            }
        }
        let lock = Lock::take(&dir)?;
        let options = options::database(true);
        let db = DB::open_cf_descriptors(&options, path.join(INNER), families())
            .map_err(|error| failed(path, "create", &error))?;
        let state = State::default();
        let mut batch = WriteBatch::default();
        let meta = family(&db, META);
        batch.put_cf(&meta, "schema", codec::encode_schema(schema));
        batch.put_cf(&meta, "state", state.encode());
        write(&db, path, batch, true)?;
        dir.sync()?;
        dir.sync_parent()?;
        Ok(Self::of(path, schema.clone(), durability, options, db, Writer { table, state }, Some(lock)))
    }

    /// Opens a database for reading and writing.
    ///
    /// # Errors
    /// As for [`Mapped::open`](crate::mapped::Mapped::open).
    pub fn open(path: impl AsRef<Path>, durability: Durability) -> Result<Self, StorageError> {
        let path = path.as_ref();
        let dir = Dir::new(Arc::new(Disk), path);
        found(&dir)?;
        let lock = Lock::take(&dir)?;
        let options = options::database(false);
        let db = DB::open_cf_descriptors(&options, path.join(INNER), families())
            .map_err(|error| failed(path, "open", &error))?;
        let (schema, writer) = load(path, &db)?;
        Ok(Self::of(path, schema, durability, options, db, writer, Some(lock)))
    }

    /// Opens the newest acknowledged state for reading, also while another process writes.
    ///
    /// # Errors
    /// As for [`Rocks::open`], but never `Locked`.
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        let path = path.as_ref();
        found(&Dir::new(Arc::new(Disk), path))?;
        let options = options::database(false);
        let db = DB::open_cf_descriptors_read_only(&options, path.join(INNER), families(), false)
            .map_err(|error| failed(path, "open", &error))?;
        let (schema, writer) = load(path, &db)?;
        Ok(Self::of(path, schema, Durability::Os, options, db, writer, None))
    }

    /// RocksDB's own statistics since the database was opened, as it prints them.
    #[must_use]
    pub fn statistics(&self) -> Option<String> {
        self.options.get_statistics()
    }

    fn of(
        path: &Path,
        schema: Schema,
        durability: Durability,
        options: Options,
        db: DB,
        writer: Writer,
        lock: Option<Lock>,
    ) -> Self {
        let now = ArcSwap::from_pointee(writer.table.now().clone());
        Self { path: path.into(), schema, durability, options, db, now, writer: Mutex::new(writer), lock }
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ready(&self) -> Result<MutexGuard<'_, Writer>, StorageError> {
        if self.lock.is_none() {
            return Err(StorageError::ReadOnly { path: self.path.clone() });
        }
        Ok(self.writer())
    }

    fn write(&self, batch: WriteBatch, sync: bool) -> Result<(), StorageError> {
        write(&self.db, &self.path, batch, sync)
    }

    /// Puts the rows of the slots from `first` to the table's written end into batches; all but
    /// the last are written.
    fn put_pages(&self, table: &Table, epoch: u64, first: u32, end: u32) -> Result<WriteBatch, StorageError> {
        let rows = family(&self.db, ROWS);
        let mut batch = WriteBatch::default();
        let page_rows = page_rows(table.layout().row_bytes);
        let mut value = Vec::new();
        for page in first / page_rows..end.div_ceil(page_rows) {
            value.clear();
            for slot in page * page_rows..end.min((page + 1).saturating_mul(page_rows)) {
                value.extend_from_slice(row_written(table, slot));
            }
            batch.put_cf(&rows, key(epoch, page), &value);
            if batch.size_in_bytes() > AHEAD {
                self.write(std::mem::take(&mut batch), false)?;
            }
        }
        Ok(batch)
    }

    fn put_ids(&self, batch: &mut WriteBatch, epoch: u64, first: u32, ids: IdColumn<'_>) {
        let slots = family(&self.db, SLOTS);
        for begin in (0..ids.len()).step_by(IDS) {
            let end = ids.len().min(begin + IDS);
            let piece = match ids {
                IdColumn::U64(ids) => IdColumn::U64(&ids[begin..end]),
                IdColumn::Text(ids) => IdColumn::Text(&ids[begin..end]),
            };
            batch.put_cf(&slots, key(epoch, first + begin as u32), codec::encode_ids(piece));
        }
    }

    /// Writes blobs under new numbers; no state names them yet.
    fn write_blobs(&self, sources: &[BlobSource<'_>], state: &mut State) -> Result<Vec<BlobEntry>, StorageError> {
        check_names(sources.iter().map(|blob| blob.name))?;
        let mut entries = Vec::new();
        for source in sources {
            let mut bytes = Vec::new();
            (source.write)(&mut bytes)
                .map_err(|error| StorageError::Blob { name: source.name.into(), what: error.to_string() })?;
            let number = state.next_blob;
            state.next_blob += 1;
            let blobs = family(&self.db, BLOBS);
            let mut batch = WriteBatch::default();
            for (page, piece) in bytes.chunks(BLOB_PAGE).enumerate() {
                batch.put_cf(&blobs, key(number, page as u32), piece);
                if batch.size_in_bytes() > AHEAD {
                    self.write(std::mem::take(&mut batch), false)?;
                }
            }
            self.write(batch, false)?;
            let (bytes, crc) = (bytes.len() as u64, crc32c::crc32c(&bytes));
            entries.push(BlobEntry { name: source.name.into(), number, bytes, crc });
        }
        Ok(entries)
    }

    /// Removes in `batch` what only the old state has.
    fn drop_old(&self, batch: &mut WriteBatch, old: &State, new: &State) {
        if new.epoch != old.epoch {
            for name in [ROWS, SLOTS, DEAD] {
                batch.delete_range_cf(&family(&self.db, name), key(0, 0).to_vec(), key(new.epoch, 0).to_vec());
            }
        }
        for entry in old.blobs.iter().filter(|entry| new.blobs.iter().all(|other| other.number != entry.number)) {
            let (from, to) = (key(entry.number, 0).to_vec(), key(entry.number + 1, 0).to_vec());
            batch.delete_range_cf(&family(&self.db, BLOBS), from, to);
        }
    }

    /// Shows a state whose slots begin anew, and gives the old one's space back.
    fn become_next(
        &self,
        writer: &mut Writer,
        table: Table,
        state: State,
        mut batch: WriteBatch,
    ) -> Result<Arc<View>, StorageError> {
        self.drop_old(&mut batch, &writer.state, &state);
        batch.put_cf(&family(&self.db, META), "state", state.encode());
        self.write(batch, true)?;
        let view = Arc::new(table.now().clone());
        *writer = Writer { table, state };
        self.now.store(Arc::clone(&view));
        self.reclaim();
        Ok(view)
    }

    fn reclaim(&self) {
        for name in FAMILIES {
            let family = family(&self.db, name);
            if let Err(error) = self.db.flush_cf(&family) {
                tracing::warn!(%error, "space is returned later");
            }
            self.db.compact_range_cf(&family, None::<&[u8]>, None::<&[u8]>);
        }
    }
}

impl Drop for Rocks {
    /// Leaves nothing in RocksDB's log: damage there is taken for the end of it, and what follows
    /// would be lost without a word. Files of a closed database are all checked whole.
    fn drop(&mut self) {
        if self.lock.is_some() {
            for name in FAMILIES {
                if let Err(error) = self.db.flush_cf(&family(&self.db, name)) {
                    tracing::warn!(%error, "the log could not be emptied on close");
                }
            }
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
        put_rows(&mut writer.table, commit.rows)?;
        let mut state = writer.state.clone();
        (state.commit, state.slots) = (state.commit + 1, end);
        let mut batch = self.put_pages(&writer.table, state.epoch, first, end)?;
        self.put_ids(&mut batch, state.epoch, first, commit.ids);
        if !commit.dead.is_empty() {
            batch.put_cf(&family(&self.db, DEAD), pair(state.epoch, state.commit), codec::encode_slots(commit.dead));
        }
        batch.put_cf(&family(&self.db, META), "state", state.encode());
        self.write(batch, self.durability == Durability::Sync)?;
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
        self.become_next(&mut writer, table, state, WriteBatch::default())
    }

    fn compact(&self, view: &View, order: &[u32], blobs: &[BlobSource<'_>]) -> Result<Arc<View>, StorageError> {
        let mut writer = self.ready()?;
        current(view, writer.table.now())?;
        check_order(view, order)?;
        let mut state = writer.state.clone();
        state.blobs = self.write_blobs(blobs, &mut state)?;
        let mut table = Table::new(&self.schema, view.epoch() + 1, view.commit())?;
        put_rows(&mut table, &Reordered { view, order })?;
        let epoch = view.epoch() + 1;
        let mut batch = self.put_pages(&table, epoch, 0, order.len() as u32)?;
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
        self.become_next(&mut writer, table, state, batch)
    }

    fn checkpoint(&self, view: &View, blobs: &[BlobSource<'_>]) -> Result<(), StorageError> {
        let mut writer = self.ready()?;
        same_epoch(view, writer.table.now())?;
        let mut state = writer.state.clone();
        let written = self.write_blobs(blobs, &mut state);
        // Numbers are not used twice, whatever became of them.
        writer.state.next_blob = state.next_blob;
        state.blobs = written?;
        state.covers = view.commit();
        let mut batch = WriteBatch::default();
        self.drop_old(&mut batch, &writer.state, &state);
        batch.put_cf(&family(&self.db, META), "state", state.encode());
        self.write(batch, true)?;
        writer.state = state;
        Ok(())
    }

    fn blob(&self, name: &str) -> Result<Option<Blob>, StorageError> {
        let writer = self.writer();
        let Some(entry) = writer.state.blobs.iter().find(|entry| entry.name == name) else { return Ok(None) };
        let blobs = family(&self.db, BLOBS);
        let mut bytes = Vec::new();
        for page in 0..entry.bytes.div_ceil(BLOB_PAGE as u64) {
            let read = self.db.get_pinned_cf(&blobs, key(entry.number, page as u32));
            match read.map_err(|error| failed(&self.path, "read a blob of", &error))? {
                Some(piece) => bytes.extend_from_slice(&piece),
                None => return Err(corrupt(&self.path, format!("page {page} of blob {name} is missing"))),
            }
        }
        if bytes.len() as u64 != entry.bytes || crc32c::crc32c(&bytes) != entry.crc {
            return Err(corrupt(&self.path, format!("blob {name} does not match its checksum")));
        }
        Blob::copied(&bytes).map(Some).map_err(|source| StorageError::io(&self.path, "reserve memory for", source))
    }

    fn checkpoint_commit(&self) -> u64 {
        self.writer().state.covers
    }

    fn sync(&self) -> Result<(), StorageError> {
        drop(self.ready()?);
        self.db.flush_wal(true).map_err(|error| failed(&self.path, "sync", &error))
    }

    /// Reads every key, so that RocksDB compares all its blocks with their checksums, and compares
    /// the rows with those in memory and the blobs with their own.
    fn verify(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut tell = |what: String| problems.push(Problem { file: self.path.join(INNER), offset: 0, what });
        let (view, names): (_, Vec<String>) = {
            let writer = self.writer();
            (self.view(), writer.state.blobs.iter().map(|entry| entry.name.clone()).collect())
        };
        for name in FAMILIES {
            for item in self.db.iterator_cf(&family(&self.db, name), IteratorMode::Start) {
                if let Err(error) = item {
                    tell(format!("column family {name}: {error}"));
                }
            }
        }
        let page_rows = page_rows(view.row_bytes());
        let rows = family(&self.db, ROWS);
        for page in 0..view.slots().div_ceil(page_rows) {
            let slots = page * page_rows..view.slots().min((page + 1).saturating_mul(page_rows));
            let expected: Vec<u8> = slots.clone().flat_map(|slot| view.row(slot).iter().copied()).collect();
            match self.db.get_pinned_cf(&rows, key(view.epoch(), page)) {
                Ok(Some(found)) if found.starts_with(&expected) => {}
                Ok(_) => tell(format!("the rows of slots {slots:?} are not what was committed")),
                Err(error) => tell(format!("the rows of slots {slots:?}: {error}")),
            }
        }
        for name in names {
            if let Err(error) = self.blob(&name) {
                tell(error.to_string());
            }
        }
        problems
    }

    fn usage(&self) -> Usage {
        let view = self.view();
        let on_disk = |name: &str| {
            let family = family(&self.db, name);
            let property = |name: &str| self.db.property_int_value_cf(&family, name).ok().flatten().unwrap_or(0);
            property("rocksdb.total-sst-files-size") + property("rocksdb.total-blob-file-size")
        };
        let (rows, ids, blobs) = (on_disk(ROWS), on_disk(SLOTS) + on_disk(DEAD), on_disk(BLOBS));
        let (mut log, mut all) = (0, 0);
        for entry in std::fs::read_dir(self.path.join(INNER)).into_iter().flatten().flatten() {
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

/// Rows in a page.
fn page_rows(row_bytes: usize) -> u32 {
    const PAGE: usize = 8 << 10;
    (PAGE / row_bytes).max(1) as u32
}

fn families() -> Vec<ColumnFamilyDescriptor> {
    FAMILIES.iter().map(|name| ColumnFamilyDescriptor::new(*name, options::family(name))).collect()
}

fn family<'a>(db: &'a DB, name: &str) -> &'a rocksdb::ColumnFamily {
    db.cf_handle(name).expect("opened with all its column families")
}

fn write(db: &DB, path: &Path, batch: WriteBatch, sync: bool) -> Result<(), StorageError> {
    let mut options = WriteOptions::default();
    options.set_sync(sync);
    db.write_opt(batch, &options).map_err(|error| failed(path, "write to", &error))
}

fn failed(path: &Path, op: &'static str, error: &rocksdb::Error) -> StorageError {
    let what = error.to_string();
    match error.kind() {
        rocksdb::ErrorKind::Corruption => corrupt(path, what),
        _ if what.contains("No space left") => StorageError::Full { path: path.into(), op },
        _ => StorageError::Backend { path: path.into(), op, what },
    }
}

fn corrupt(path: &Path, what: String) -> StorageError {
    StorageError::Corrupt { file: path.join(INNER), offset: 0, what }
}

fn found(dir: &Dir) -> Result<(), StorageError> {
    dir.list()?;
    if is_database(dir.path()) {
        return Ok(());
    }
    Err(StorageError::NotADatabase { path: dir.path().into(), what: "it has no directory of RocksDB" })
}

/// Reads the whole state into memory.
fn load(path: &Path, db: &DB) -> Result<(Schema, Writer), StorageError> {
    let meta = family(db, META);
    let value = |name: &'static str| match db.get_cf(&meta, name) {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(StorageError::NotADatabase { path: path.into(), what: "it has no schema or state" }),
        Err(error) => Err(failed(path, "read", &error)),
    };
    let broken = |what: &str| corrupt(path, what.to_string());
    let schema = codec::decode_schema(&value("schema")?, path)?;
    let state = State::decode(&value("state")?).ok_or_else(|| broken("its state cannot be read"))?;
    let mut table = Table::new(&schema, state.epoch, state.commit)?;
    put_rows(&mut table, &Stored::open(path, db, schema.row_bytes, &state)?)?;
    table.restore(state.commit, state.slots);

    let from = key(state.epoch, 0);
    let mut next = 0;
    for item in db.iterator_cf(&family(db, SLOTS), IteratorMode::From(&from, rocksdb::Direction::Forward)) {
        let (at, value) = item.map_err(|error| failed(path, "read", &error))?;
        let Some(first) = codec::slot_of(&at, state.epoch).filter(|_| next < state.slots) else { break };
        // Others are of a batch that was never committed.
        if first == next {
            let most = (state.slots - next) as usize;
            let taken = codec::decode_ids(&value, schema.ids, most, |ids| {
                table.restore_ids(first, ids);
                next += ids.len() as u32;
            });
            taken.ok_or_else(|| broken("ids cannot be read"))?;
        }
    }
    if next != state.slots {
        return Err(broken("ids are missing"));
    }
    let from = pair(state.epoch, 0);
    for item in db.iterator_cf(&family(db, DEAD), IteratorMode::From(&from, rocksdb::Direction::Forward)) {
        let (at, value) = item.map_err(|error| failed(path, "read", &error))?;
        if at[..8] != from[..8] {
            break;
        }
        for slot in codec::decode_slots(&value).ok_or_else(|| broken("dead slots cannot be read"))? {
            if !table.restore_death(slot) {
                return Err(broken("a slot dies twice"));
            }
        }
    }
    Ok((schema, Writer { table, state }))
}

/// The rows on the medium, as a source for the table in memory.
struct Stored {
    pages: Vec<Box<[u8]>>,
    slots: usize,
    row_bytes: usize,
}

impl Stored {
    fn open(path: &Path, db: &DB, row_bytes: usize, state: &State) -> Result<Self, StorageError> {
        let page_rows = page_rows(row_bytes) as usize;
        let slots = state.slots as usize;
        let from = key(state.epoch, 0);
        let mut pages = Vec::new();
        for item in db.iterator_cf(&family(db, ROWS), IteratorMode::From(&from, rocksdb::Direction::Forward)) {
            let (at, value) = item.map_err(|error| failed(path, "read", &error))?;
            let wanted = (slots - (pages.len() * page_rows).min(slots)).min(page_rows);
            if wanted == 0 {
                break;
            }
            if codec::slot_of(&at, state.epoch) != Some(pages.len() as u32) || value.len() < wanted * row_bytes {
                break;
            }
            pages.push(value);
        }
        if pages.len() != slots.div_ceil(page_rows) {
            return Err(corrupt(path, format!("page {} of the rows is missing or short", pages.len())));
        }
        Ok(Self { pages, slots, row_bytes })
    }
}

impl RowSource for Stored {
    fn len(&self) -> usize {
        self.slots
    }

    fn fill(&self, rows: std::ops::Range<usize>, stride: usize, out: &mut [u8]) {
        let page_rows = page_rows(self.row_bytes) as usize;
        for (to, row) in out.chunks_exact_mut(stride).zip(rows) {
            let at = row % page_rows * self.row_bytes;
            to[..self.row_bytes].copy_from_slice(&self.pages[row / page_rows][at..at + self.row_bytes]);
        }
    }
}
