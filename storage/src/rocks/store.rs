//! RocksDB itself: opened with our column families, its failures in our words.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rocksdb::{
    ColumnFamily, ColumnFamilyDescriptor, DB, DBPinnableSlice, Direction, IteratorMode, Options, WriteBatch,
    WriteOptions,
};

use super::options;
use crate::StorageError;
use crate::mapped::dir::Dir;
use crate::mapped::medium::Disk;

pub(super) const META: &str = "meta";
pub(super) const ROWS: &str = "rows";
pub(super) const SLOTS: &str = "slots";
pub(super) const DEAD: &str = "dead";
pub(super) const BLOBS: &str = "blobs";
pub(super) const FAMILIES: [&str; 5] = [META, ROWS, SLOTS, DEAD, BLOBS];
/// RocksDB's directory in the database's.
pub(super) const INNER: &str = crate::layout::ROCKS;
/// Batches that go ahead of the one with the state are cut at this length.
const AHEAD: usize = 32 << 20;

/// An open RocksDB.
pub(super) struct Store {
    path: PathBuf,
    options: Options,
    db: DB,
}

/// A key and its value.
type Pair = (Box<[u8]>, Box<[u8]>);

impl Store {
    /// A new one in the database's directory.
    pub(super) fn create(path: &Path) -> Result<Self, StorageError> {
        let options = options::database(true);
        let made = DB::open_cf_descriptors(&options, path.join(INNER), families());
        let db = made.map_err(|error| failed(path, "create", &error))?;
        Ok(Self { path: path.into(), options, db })
    }

    /// The one in the database's directory, for reading and writing.
    pub(super) fn open(path: &Path) -> Result<Self, StorageError> {
        let options = options::database(false);
        let opened = DB::open_cf_descriptors(&options, path.join(INNER), families());
        let db = opened.map_err(|error| failed(path, "open", &error))?;
        Ok(Self { path: path.into(), options, db })
    }

    /// The one in the database's directory as it is now, for reading.
    pub(super) fn open_read_only(path: &Path) -> Result<Self, StorageError> {
        let options = options::database(false);
        let opened = DB::open_cf_descriptors_read_only(&options, path.join(INNER), families(), false);
        let db = opened.map_err(|error| failed(path, "open", &error))?;
        Ok(Self { path: path.into(), options, db })
    }

    /// The one in the database's directory, for reading what can be read of it, and why RocksDB refuses
    /// to open it as a whole one.
    pub(super) fn open_damaged(path: &Path) -> Result<(Self, Option<StorageError>), StorageError> {
        let refused = match Self::open_read_only(path) {
            Ok(store) => return Ok((store, None)),
            Err(refused) => refused,
        };
        let mut options = options::database(false);
        options.set_paranoid_checks(false);
        let opened = DB::open_cf_descriptors_read_only(&options, path.join(INNER), families(), false);
        let db = opened.map_err(|error| failed(path, "open", &error))?;
        Ok((Self { path: path.into(), options, db }, Some(refused)))
    }

    /// The tables on the medium that RocksDB's list of files does not name.
    pub(super) fn unlisted(&self) -> Result<Vec<String>, StorageError> {
        let listed = self.db.live_files().map_err(|error| failed(&self.path, "list the files of", &error))?;
        let listed: HashSet<String> =
            listed.into_iter().map(|file| file.name.trim_start_matches('/').to_owned()).collect();
        let names = Dir::new(Arc::new(Disk), &self.path.join(INNER)).list()?;
        Ok(names.into_iter().filter(|name| name.ends_with(".sst") && !listed.contains(name)).collect())
    }

    /// The database's directory, RocksDB's being in it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// RocksDB's own statistics.
    pub(super) fn statistics(&self) -> Option<String> {
        self.options.get_statistics()
    }

    pub(super) fn family(&self, name: &str) -> &ColumnFamily {
        self.db.cf_handle(name).expect("opened with all its column families")
    }

    pub(super) fn get(&self, family: &str, key: &[u8]) -> Result<Option<DBPinnableSlice<'_>>, StorageError> {
        self.db.get_pinned_cf(self.family(family), key).map_err(|error| failed(&self.path, "read", &error))
    }

    /// The pairs of a family from `key` on, in order.
    pub(super) fn from<'a>(
        &'a self,
        family: &str,
        key: &[u8],
    ) -> impl Iterator<Item = Result<Pair, StorageError>> + use<'a> {
        let all = self.db.iterator_cf(self.family(family), IteratorMode::From(key, Direction::Forward));
        all.map(|item| item.map_err(|error| failed(&self.path, "read", &error)))
    }

    /// Writes a batch, whole or not at all; with `sync` it is on the medium when this returns.
    pub(super) fn write(&self, batch: WriteBatch, sync: bool) -> Result<(), StorageError> {
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        self.db.write_opt(batch, &options).map_err(|error| failed(&self.path, "write to", &error))
    }

    /// Writes a batch of pairs that nobody sees before another one names them, once it is long.
    pub(super) fn write_ahead(&self, batch: &mut WriteBatch) -> Result<(), StorageError> {
        if batch.size_in_bytes() > AHEAD {
            self.write(std::mem::take(batch), false)?;
        }
        Ok(())
    }

    /// Puts everything written on the medium.
    pub(super) fn sync(&self) -> Result<(), StorageError> {
        self.db.flush_wal(true).map_err(|error| failed(&self.path, "sync", &error))
    }

    /// Moves everything from the log to tables.
    pub(super) fn flush(&self) -> Result<(), StorageError> {
        for name in FAMILIES {
            self.db.flush_cf(self.family(name)).map_err(|error| failed(&self.path, "flush", &error))?;
        }
        Ok(())
    }

    /// Gives the space of what was removed back to the system.
    pub(super) fn reclaim(&self) {
        if let Err(error) = self.flush() {
            tracing::warn!(%error, "space is returned later");
        }
        for name in FAMILIES {
            self.db.compact_range_cf(self.family(name), None::<&[u8]>, None::<&[u8]>);
        }
    }

    /// Bytes of a family's tables and blob files.
    pub(super) fn bytes(&self, family: &str) -> u64 {
        let property =
            |name: &str| self.db.property_int_value_cf(self.family(family), name).ok().flatten().unwrap_or(0);
        property("rocksdb.total-sst-files-size") + property("rocksdb.total-blob-file-size")
    }

    pub(super) fn corrupt(&self, what: impl Into<String>) -> StorageError {
        corrupt(&self.path, what)
    }
}

/// The database at `path` is not what was written.
pub(super) fn corrupt(path: &Path, what: impl Into<String>) -> StorageError {
    StorageError::Corrupt { file: path.join(INNER), offset: 0, what: what.into() }
}

fn failed(path: &Path, op: &'static str, error: &rocksdb::Error) -> StorageError {
    let what = error.to_string();
    match error.kind() {
        rocksdb::ErrorKind::Corruption => corrupt(path, what),
        _ if what.contains("No space left") => StorageError::Full { path: path.into(), op },
        _ => StorageError::Backend { path: path.into(), op, what },
    }
}

fn families() -> Vec<ColumnFamilyDescriptor> {
    FAMILIES.iter().map(|name| ColumnFamilyDescriptor::new(*name, options::family(name))).collect()
}
