//! The backends under test. A backend that has a medium can be reopened.

use omendb_storage::{Schema, Storage, StorageError, memory::Memory};

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
