//! RocksDB with our column families and error types.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rocksdb::{
    ColumnFamily, ColumnFamilyDescriptor, DB, DBPinnableSlice, Direction, IteratorMode, Options, WriteBatch,
    WriteOptions,
};

use super::families::FAMILIES;
use super::options;
use super::quiet::{Quiet, quietly};
use crate::StorageError;
use crate::files::dir::Dir;
use crate::files::medium::Disk;
use crate::state::region::check_room;

/// RocksDB's folder in the database's folder.
pub(super) const INNER: &str = crate::state::layout::ROCKS;
/// The most bytes of a batch that is written ahead of the one with the state.
const AHEAD: usize = 32 << 20;

/// The memory that RocksDB may need to open a database, and to write to it (buffers, batches and threads). RocksDB ends the
/// process if it gets none, so less is an error beforehand.
const ROOM_TO_OPEN: usize = 512 << 20;
const ROOM_TO_WRITE: usize = 256 << 20;

/// The name of RocksDB's folder while a database is made.
pub(super) const DRAFT: &str = "rocks.new";

/// An open RocksDB.
pub(super) struct Store {
    options: Options,
    /// `None` only while it is dropped.
    db: Option<DB>,
    /// RocksDB's files are reached through it, so it must outlive `db`.
    dir: Dir,
    /// The process that opened it.
    process: u32,
    /// The error after which no writes are allowed.
    poison: OnceLock<String>,
}

/// The process that first opened a RocksDB for writing, which started RocksDB's threads.
static STARTED: OnceLock<u32> = OnceLock::new();

/// A key and its value.
type Pair = (Box<[u8]>, Box<[u8]>);

/// How RocksDB is opened.
#[derive(Clone, Copy, PartialEq)]
enum How {
    Make,
    Write,
    Read,
    ReadDamaged,
}

impl Store {
    /// Makes a new RocksDB under the draft name.
    pub(super) fn create(dir: &Dir) -> Result<Self, StorageError> {
        let draft = through(dir, DRAFT);
        match std::fs::remove_dir_all(&draft) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(StorageError::io(&dir.path().join(DRAFT), "remove", source))
            }
            _ => Self::open_as(dir, DRAFT, How::Make),
        }
    }

    /// Renames a draft to its final name. From then on there is a database.
    pub(super) fn publish(self) -> Result<Self, StorageError> {
        let dir = self.dir.clone();
        drop(self);
        dir.rename(DRAFT, INNER)?;
        dir.sync()?;
        Self::open(&dir)
    }

    /// Opens RocksDB for reading and writing.
    pub(super) fn open(dir: &Dir) -> Result<Self, StorageError> {
        Self::open_as(dir, INNER, How::Write)
    }

    /// Opens the present state of RocksDB for reading.
    pub(super) fn open_read_only(dir: &Dir) -> Result<Self, StorageError> {
        Self::open_as(dir, INNER, How::Read)
    }

    /// Opens a damaged RocksDB for reading. Returns the error of a normal open too, if there is one.
    pub(super) fn open_damaged(dir: &Dir) -> Result<(Self, Option<StorageError>), StorageError> {
        match Self::open_read_only(dir) {
            Ok(store) => Ok((store, None)),
            Err(refused) => Ok((Self::open_as(dir, INNER, How::ReadDamaged)?, Some(refused))),
        }
    }

    fn open_as(dir: &Dir, name: &str, how: How) -> Result<Self, StorageError> {
        let mut options = options::database(how == How::Make);
        if how == How::ReadDamaged {
            options.set_paranoid_checks(false);
        }
        if matches!(how, How::Make | How::Write) {
            check_threads(dir)?;
        }
        check_room(ROOM_TO_OPEN).map_err(|source| StorageError::io(dir.path(), "reserve memory for", source))?;
        let path = through(dir, name);
        let (opened, op) = quietly(|| match how {
            How::Make => (DB::open_cf_descriptors(&options, path, families()), "create"),
            How::Write => (DB::open_cf_descriptors(&options, path, families()), "open"),
            How::Read | How::ReadDamaged => {
                (DB::open_cf_descriptors_read_only(&options, path, families(), false), "open")
            }
        });
        let db = opened.map_err(|error| failed(dir, op, &error))?;
        Ok(Self { options, db: Some(db), dir: dir.clone(), process: std::process::id(), poison: OnceLock::new() })
    }

    fn db(&self) -> &DB {
        self.db.as_ref().expect("it is open until it is dropped")
    }

    /// Refuses to call RocksDB in a forked process: a thread that does not exist there may hold a lock, and RocksDB's
    /// background threads do not exist either.
    pub(super) fn check_process(&self) -> Result<(), StorageError> {
        let (opened, found) = (self.process, std::process::id());
        if opened == found {
            return Ok(());
        }
        Err(StorageError::Forked { path: self.path().into(), opened, found })
    }

    /// Refuses writes after a failed write or flush. RocksDB refuses them until it is opened again, and it is unknown how
    /// much of a failed write is in its log.
    pub(super) fn check_writes(&self) -> Result<(), StorageError> {
        match self.poison.get() {
            None => Ok(()),
            Some(cause) => Err(StorageError::Poisoned { path: self.path().into(), cause: cause.clone() }),
        }
    }

    /// Refuses writes if RocksDB might get no memory.
    pub(super) fn check_room(&self) -> Result<(), StorageError> {
        check_room(ROOM_TO_WRITE).map_err(|source| StorageError::io(self.path(), "reserve memory for", source))
    }

    fn poisoned(&self, op: &'static str, error: &rocksdb::Error) -> StorageError {
        let error = failed(&self.dir, op, error);
        self.poison.get_or_init(|| error.to_string());
        error
    }

    /// The table files that RocksDB's list of files does not name.
    pub(super) fn unlisted(&self) -> Result<Vec<String>, StorageError> {
        let listed =
            quietly(|| self.db().live_files()).map_err(|error| failed(&self.dir, "list the files of", &error))?;
        let listed: HashSet<String> =
            listed.into_iter().map(|file| file.name.trim_start_matches('/').to_owned()).collect();
        let names = Dir::open_at(Arc::new(Disk), &through(&self.dir, INNER))?.list()?;
        Ok(names.into_iter().filter(|name| name.ends_with(".sst") && !listed.contains(name)).collect())
    }

    /// The database's folder.
    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// RocksDB's folder, wherever the database's folder is now.
    pub(super) fn inner(&self) -> PathBuf {
        through(&self.dir, INNER)
    }

    /// RocksDB's statistics.
    pub(super) fn statistics(&self) -> Option<String> {
        self.options.get_statistics()
    }

    pub(super) fn family(&self, name: &str) -> &ColumnFamily {
        self.db().cf_handle(name).expect("opened with all its column families")
    }

    pub(super) fn get(&self, family: &str, key: &[u8]) -> Result<Option<DBPinnableSlice<'_>>, StorageError> {
        let got = quietly(|| self.db().get_pinned_cf(self.family(family), key));
        got.map_err(|error| failed(&self.dir, "read", &error))
    }

    /// The pairs of a family from `key` on, in order.
    pub(super) fn from<'a>(
        &'a self,
        family: &str,
        key: &[u8],
    ) -> impl Iterator<Item = Result<Pair, StorageError>> + use<'a> {
        // Until the iterator is dropped.
        let quiet = Quiet::new();
        let all = self.db().iterator_cf(self.family(family), IteratorMode::From(key, Direction::Forward));
        all.map(move |item| {
            let _ = &quiet;
            item.map_err(|error| failed(&self.dir, "read", &error))
        })
    }

    /// Writes a batch, whole or not at all. With `sync` it is durable on return.
    pub(super) fn write(&self, batch: WriteBatch, sync: bool) -> Result<(), StorageError> {
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        let written = quietly(|| self.db().write_opt(batch, &options));
        written.map_err(|error| self.poisoned("write to", &error))
    }

    /// Writes a batch if it is long. Its pairs are not visible before a later batch names them.
    pub(super) fn write_ahead(&self, batch: &mut WriteBatch) -> Result<(), StorageError> {
        if batch.size_in_bytes() > AHEAD {
            self.write(std::mem::take(batch), false)?;
        }
        Ok(())
    }

    /// Syncs all writes.
    pub(super) fn sync(&self) -> Result<(), StorageError> {
        quietly(|| self.db().flush_wal(true)).map_err(|error| self.poisoned("sync", &error))
    }

    /// Moves everything from the log to tables.
    pub(super) fn flush(&self) -> Result<(), StorageError> {
        for name in FAMILIES {
            let flushed = quietly(|| self.db().flush_cf(self.family(name)));
            flushed.map_err(|error| self.poisoned("flush", &error))?;
        }
        Ok(())
    }

    /// Frees the space of removed pairs.
    pub(super) fn reclaim(&self) {
        if let Err(error) = self.flush() {
            tracing::warn!(%error, "cannot free space yet");
        }
        for name in FAMILIES {
            quietly(|| self.db().compact_range_cf(self.family(name), None::<&[u8]>, None::<&[u8]>));
        }
    }

    /// The bytes of a family's tables and blob files.
    pub(super) fn bytes(&self, family: &str) -> u64 {
        let property =
            |name: &str| self.db().property_int_value_cf(self.family(family), name).ok().flatten().unwrap_or(0);
        property("rocksdb.total-sst-files-size") + property("rocksdb.total-blob-file-size")
    }

    pub(super) fn corrupt(&self, what: impl Into<String>) -> StorageError {
        corrupt(self.path(), what)
    }
}

impl Drop for Store {
    /// Leaks RocksDB in a forked process, because it belongs to the parent.
    fn drop(&mut self) {
        let db = self.db.take();
        match self.check_process() {
            Ok(()) => quietly(|| drop(db)),
            Err(_) => std::mem::forget(db),
        }
    }
}

/// The error of a damaged database at `path`.
pub(super) fn corrupt(path: &Path, what: impl Into<String>) -> StorageError {
    StorageError::Corrupt { file: path.join(INNER), offset: 0, what: what.into() }
}

fn failed(dir: &Dir, op: &'static str, error: &rocksdb::Error) -> StorageError {
    let path = dir.path();
    let what = error.to_string().replace(&through(dir, "").display().to_string(), &path.join("").display().to_string());
    match error.kind() {
        rocksdb::ErrorKind::Corruption => corrupt(path, what),
        _ if what.contains("No space left") => StorageError::Full { path: path.into(), op },
        _ => StorageError::Backend { path: path.into(), op, what },
    }
}

/// A path through the handle of the database's folder. RocksDB opens files by path, and the folder may be renamed or replaced.
fn through(dir: &Dir, name: &str) -> PathBuf {
    let handle = PathBuf::from(format!("/proc/self/fd/{}", dir.folder().as_fd().as_raw_fd()));
    // Without /proc the path itself is used.
    if handle.exists() { handle.join(name) } else { dir.path().join(name) }
}

/// Refuses to open for writing in a process without RocksDB's threads. RocksDB starts them once, and not again in a forked
/// process, where it would wait for them for ever.
fn check_threads(dir: &Dir) -> Result<(), StorageError> {
    let found = std::process::id();
    let started = *STARTED.get_or_init(|| found);
    if started == found {
        return Ok(());
    }
    let what = format!(
        "its threads are in process {started}, from which process {found} was forked; open it for reading only, or \
         write from a new program"
    );
    Err(StorageError::Backend { path: dir.path().into(), op: "open", what })
}

fn families() -> Vec<ColumnFamilyDescriptor> {
    FAMILIES.iter().map(|name| ColumnFamilyDescriptor::new(*name, options::family(name))).collect()
}
