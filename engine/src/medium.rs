//! The backend: chosen when a database is made, detected from its files when it is opened.

use std::path::Path;

use omendb_storage::mapped::{self, Mapped};
#[cfg(feature = "rocksdb")]
use omendb_storage::rocks::{self, Rocks};
use omendb_storage::{Durability, IdRef, Salvaged, Schema, Storage, StorageError};

/// Where the rows of a database rest that has a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Backend {
    /// Files of the library's own, mapped into memory.
    #[default]
    Mapped,
    /// RocksDB, with the feature `rocksdb`. Rows are read into memory at opening.
    #[cfg(feature = "rocksdb")]
    RocksDb,
}

impl Backend {
    pub(crate) fn create(
        self,
        path: &Path,
        schema: &Schema,
        durability: Durability,
    ) -> Result<Box<dyn Storage>, StorageError> {
        match self {
            Backend::Mapped => Ok(Box::new(Mapped::create(path, schema, durability)?)),
            #[cfg(feature = "rocksdb")]
            Backend::RocksDb => Ok(Box::new(Rocks::create(path, schema, durability)?)),
        }
    }

    /// The backend whose files are at `path`; the default one if they are of none.
    pub(crate) fn of(path: &Path) -> Self {
        #[cfg(feature = "rocksdb")]
        if rocks::is_database(path) {
            return Backend::RocksDb;
        }
        let _ = path;
        Backend::Mapped
    }

    pub(crate) fn open(self, path: &Path, durability: Durability) -> Result<Box<dyn Storage>, StorageError> {
        match self {
            Backend::Mapped => Ok(Box::new(Mapped::open(path, durability)?)),
            #[cfg(feature = "rocksdb")]
            Backend::RocksDb => Ok(Box::new(Rocks::open(path, durability)?)),
        }
    }

    pub(crate) fn open_read_only(self, path: &Path) -> Result<Box<dyn Storage>, StorageError> {
        match self {
            Backend::Mapped => Ok(Box::new(Mapped::open_read_only(path)?)),
            #[cfg(feature = "rocksdb")]
            Backend::RocksDb => Ok(Box::new(Rocks::open_read_only(path)?)),
        }
    }

    /// Hands out the whole rows of a damaged database.
    pub(crate) fn salvage<E: From<StorageError>>(
        self,
        path: &Path,
        take: impl FnMut(&Schema, IdRef<'_>, &[u8]) -> Result<(), E>,
    ) -> Result<Salvaged, E> {
        match self {
            Backend::Mapped => mapped::salvage(path, take),
            #[cfg(feature = "rocksdb")]
            Backend::RocksDb => rocks::salvage(path, take),
        }
    }
}
