//! Space usage.

/// Bytes used, by kind. On disk, allocated blocks count; holes do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Rows and their checksums, on disk.
    pub disk_rows: u64,
    /// Ids and deletes of the checkpoint, on disk.
    pub disk_ids: u64,
    /// Commits since the checkpoint, on disk.
    pub disk_log: u64,
    /// Each blob by name, on disk.
    pub disk_blobs: Vec<(String, u64)>,
    /// Manifests, lock and other files, on disk.
    pub disk_other: u64,
    /// Rows in anonymous memory.
    pub memory_rows: u64,
    /// The slot table: ids and deletes, in memory.
    pub memory_slots: u64,
    /// Blobs in anonymous memory of the storage.
    pub memory_blobs: u64,
    /// Address space mapped from files. The system pages it in and out.
    pub mapped: u64,
}

impl Usage {
    /// All bytes on disk.
    #[must_use]
    pub fn disk(&self) -> u64 {
        let blobs: u64 = self.disk_blobs.iter().map(|(_, bytes)| bytes).sum();
        self.disk_rows + self.disk_ids + self.disk_log + blobs + self.disk_other
    }

    /// All bytes of anonymous memory.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.memory_rows + self.memory_slots + self.memory_blobs
    }
}
