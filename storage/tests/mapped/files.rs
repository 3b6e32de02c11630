//! The backends that keep databases in files, for suites that run over both.

use std::path::Path;

use omendb_storage::mapped::Mapped;
#[cfg(feature = "rocksdb")]
use omendb_storage::rocks::Rocks;
use omendb_storage::{Durability, Schema, Storage, StorageError};

/// A backend in files.
pub(crate) trait Files: Storage + Sized {
    /// Whether threads of its own write, whose failures show when the next call writes.
    const HAS_THREADS: bool;

    fn create(path: &Path, schema: &Schema, durability: Durability) -> Result<Self, StorageError>;
    fn open(path: &Path, durability: Durability) -> Result<Self, StorageError>;
    fn open_read_only(path: &Path) -> Result<Self, StorageError>;
}

macro_rules! files {
    ($backend:ty, $has_threads:expr) => {
        impl Files for $backend {
            const HAS_THREADS: bool = $has_threads;

            fn create(path: &Path, schema: &Schema, durability: Durability) -> Result<Self, StorageError> {
                <$backend>::create(path, schema, durability)
            }

            fn open(path: &Path, durability: Durability) -> Result<Self, StorageError> {
                <$backend>::open(path, durability)
            }

            fn open_read_only(path: &Path) -> Result<Self, StorageError> {
                <$backend>::open_read_only(path)
            }
        }
    };
}

files!(Mapped, false);
#[cfg(feature = "rocksdb")]
files!(Rocks, true);
