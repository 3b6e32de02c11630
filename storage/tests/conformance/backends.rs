//! The backends under test. A backend that has a medium can be reopened.

use omendb_storage::{Durability, Schema, Storage, StorageError, mapped::Mapped, memory::Memory};
use tempfile::TempDir;

/// A way to make a database, and to open it again where that means something.
pub(crate) trait Backend: Sync {
    fn create(schema: &Schema) -> Self;
    /// The error that making one with an impossible schema gives.
    fn refused(schema: &Schema) -> StorageError;
    fn storage(&self) -> &dyn Storage;
    /// Closes and opens it again; backends without a medium stay as they are.
    fn reopened(self) -> Self;
}

pub(crate) struct InMemory(Memory);

impl Backend for InMemory {
    fn create(schema: &Schema) -> Self {
        Self(Memory::new(schema.clone()).unwrap())
    }

    fn refused(schema: &Schema) -> StorageError {
        Memory::new(schema.clone()).err().expect("a refusal")
    }

    fn storage(&self) -> &dyn Storage {
        &self.0
    }

    fn reopened(self) -> Self {
        self
    }
}

/// Files, with one durability or the other.
pub(crate) struct InFiles<const SYNC: bool> {
    storage: Option<Mapped>,
    dir: TempDir,
}

impl<const SYNC: bool> InFiles<SYNC> {
    const DURABILITY: Durability = if SYNC { Durability::Sync } else { Durability::Os };
}

impl<const SYNC: bool> Backend for InFiles<SYNC> {
    fn create(schema: &Schema) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let storage = Mapped::create(dir.path().join("db"), schema, Self::DURABILITY).unwrap();
        Self { storage: Some(storage), dir }
    }

    fn refused(schema: &Schema) -> StorageError {
        let dir = tempfile::tempdir().unwrap();
        let refused = Mapped::create(dir.path().join("db"), schema, Self::DURABILITY).err().expect("a refusal");
        assert!(!dir.path().join("db").exists(), "a refusal leaves nothing behind");
        refused
    }

    fn storage(&self) -> &dyn Storage {
        self.storage.as_ref().unwrap()
    }

    fn reopened(mut self) -> Self {
        self.storage = None;
        self.storage = Some(Mapped::open(self.dir.path().join("db"), Self::DURABILITY).unwrap());
        self
    }
}

/// RocksDB, with one durability or the other.
#[cfg(feature = "rocksdb")]
pub(crate) struct InRocks<const SYNC: bool> {
    storage: Option<omendb_storage::rocks::Rocks>,
    dir: TempDir,
}

#[cfg(feature = "rocksdb")]
impl<const SYNC: bool> InRocks<SYNC> {
    const DURABILITY: Durability = if SYNC { Durability::Sync } else { Durability::Os };
}

#[cfg(feature = "rocksdb")]
impl<const SYNC: bool> Backend for InRocks<SYNC> {
    fn create(schema: &Schema) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let storage = omendb_storage::rocks::Rocks::create(dir.path().join("db"), schema, Self::DURABILITY).unwrap();
        Self { storage: Some(storage), dir }
    }

    fn refused(schema: &Schema) -> StorageError {
        let dir = tempfile::tempdir().unwrap();
        let made = omendb_storage::rocks::Rocks::create(dir.path().join("db"), schema, Self::DURABILITY);
        assert!(!dir.path().join("db").exists(), "a refusal leaves nothing behind");
        made.err().expect("a refusal")
    }

    fn storage(&self) -> &dyn Storage {
        self.storage.as_ref().unwrap()
    }

    fn reopened(mut self) -> Self {
        self.storage = None;
        self.storage = Some(omendb_storage::rocks::Rocks::open(self.dir.path().join("db"), Self::DURABILITY).unwrap());
        self
    }
}
