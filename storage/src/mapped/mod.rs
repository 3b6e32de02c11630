//! The default backend: row segments, a log of commits and checkpoints, in files of a directory.
//!
//! FORMAT.md describes the bytes. Rows are written to segments that are mapped read-only. A record in the log makes them a
//! commit. A checkpoint writes ids and blobs to new files, begins a new log, and flips the manifest, which names the
//! database's files. Files that a manifest names are never overwritten, except rows behind the last commit.

mod blobfile;
mod checkpoint;
mod commit;
mod flight;
mod idsfile;
mod log;
mod magic;
mod manifest;
mod open;
mod owned;
pub(crate) mod record;
mod replay;
mod rows;
mod salvage;
mod scan;
mod segment;
mod stream;
mod verify;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use crate::files::dir::{self, Dir, DirFile};
use crate::files::lock::{self, Lock};
use crate::files::medium::{self, Disk, Medium};
use crate::state::layout::Layout;
use crate::state::table::Table;
use crate::{Blob, BlobSource, Commit, Durability, Problem, Schema, Storage, StorageError, Usage, View};
use log::Log;
use manifest::{Entry, Manifest};
pub use salvage::salvage;
use segment::Segment;

/// A database in files.
pub struct Mapped {
    shared: Shared,
    writer: Mutex<Writer>,
}

/// The state that calls use without waiting for the writer.
struct Shared {
    dir: Dir,
    schema: Schema,
    layout: Layout,
    durability: Durability,
    now: ArcSwap<View>,
    files: ArcSwap<Files>,
    /// The next number for a file.
    number: AtomicU64,
    /// `None` if the database is open for reading only.
    lock: Option<Lock>,
}

/// The files of the newest manifest. They are held open, so that readers keep them after a checkpoint.
struct Files {
    manifest: Manifest,
    ids: Option<DirFile>,
    log: DirFile,
    /// A missing file is `None`: derived data can be derived again.
    blobs: Vec<(Entry, Option<DirFile>)>,
}

/// The writer's state.
struct Writer {
    table: Table,
    segments: Vec<Segment>,
    /// Segments with rows that may not be on the medium.
    dirty: BTreeSet<usize>,
    log: Log,
    /// The buffer of rows to write. The padding between rows is zero.
    scratch: Vec<u8>,
    /// The manifest slot to write first next time.
    slot: usize,
    /// The error after which no writes are allowed.
    poison: Option<String>,
}

impl Mapped {
    /// Makes a database in a new or empty directory.
    ///
    /// # Errors
    /// [`StorageError::Exists`] if the directory is not empty, [`StorageError::Schema`], and those of the medium.
    pub fn create(path: impl AsRef<Path>, schema: &Schema, durability: Durability) -> Result<Self, StorageError> {
        Self::create_on(Arc::new(Disk), path, schema, durability)
    }

    /// Opens a database for reading and writing, and recovers it after a crash.
    ///
    /// # Errors
    /// [`StorageError::Locked`] if another writer has it open, [`StorageError::NotFound`],
    /// [`StorageError::NotADatabase`], [`StorageError::Version`], [`StorageError::Corrupt`], and those of the medium.
    pub fn open(path: impl AsRef<Path>, durability: Durability) -> Result<Self, StorageError> {
        Self::open_on(Arc::new(Disk), path, durability)
    }

    /// Opens the newest acknowledged state for reading, also while another process writes. Later commits are not visible.
    ///
    /// # Errors
    /// Those of [`Mapped::open`] except `Locked`. [`StorageError::NeedsRecovery`] if rows are only in the log after a crash
    /// of the machine.
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        Self::open_read_only_on(Arc::new(Disk), path)
    }

    /// [`Mapped::create`] on another medium.
    ///
    /// # Errors
    /// The same.
    pub fn create_on(
        medium: Arc<dyn Medium>,
        path: impl AsRef<Path>,
        schema: &Schema,
        durability: Durability,
    ) -> Result<Self, StorageError> {
        open::create(medium, path.as_ref(), schema, durability)
    }

    /// [`Mapped::open`] on another medium.
    ///
    /// # Errors
    /// The same.
    pub fn open_on(
        medium: Arc<dyn Medium>,
        path: impl AsRef<Path>,
        durability: Durability,
    ) -> Result<Self, StorageError> {
        lock::at_place(|| Dir::open_at(Arc::clone(&medium), path.as_ref()), |dir| open::write(dir, durability))
    }

    /// [`Mapped::open_read_only`] on another medium.
    ///
    /// # Errors
    /// The same.
    pub fn open_read_only_on(medium: Arc<dyn Medium>, path: impl AsRef<Path>) -> Result<Self, StorageError> {
        lock::at_place(|| Dir::open_at(Arc::clone(&medium), path.as_ref()), open::read_only)
    }

    /// Whether this handle only reads.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.shared.lock.is_none()
    }

    /// Locks the writer. Its state changes only in steps that cannot panic half way, so a panic of a caller's row source
    /// leaves it consistent.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the writer for reading. Returns `None` if the process was forked while the lock was held, which nobody releases
    /// here.
    fn look(&self) -> Option<MutexGuard<'_, Writer>> {
        match &self.shared.lock {
            Some(lock) if lock.check_process().is_err() => self.writer.try_lock().ok(),
            _ => Some(self.writer()),
        }
    }

    /// Locks the writer, if it may write.
    fn ready(&self) -> Result<MutexGuard<'_, Writer>, StorageError> {
        let path = || self.shared.dir.path().into();
        let Some(lock) = &self.shared.lock else {
            return Err(StorageError::ReadOnly { path: path() });
        };
        // Before the mutex: in a forked process nobody releases it if a thread of the parent held it.
        lock.check_process()?;
        let writer = self.writer();
        lock.check()?;
        if let Some(cause) = &writer.poison {
            return Err(StorageError::Poisoned { path: path(), cause: cause.clone() });
        }
        Ok(writer)
    }
}

impl Shared {
    /// Refuses writes if this is not the one writer; see [`Lock::check`].
    fn check_lock(&self) -> Result<(), StorageError> {
        self.lock.as_ref().map_or(Ok(()), Lock::check)
    }

    fn next_number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }
}

impl Writer {
    /// Refuses further writes, because it is unknown what is on the medium.
    fn poisoned(&mut self, error: StorageError) -> StorageError {
        self.poison.get_or_insert_with(|| error.to_string());
        error
    }

    /// Syncs the dirty segments.
    fn sync_segments(&mut self) -> Result<(), StorageError> {
        while let Some(&i) = self.dirty.first() {
            // If it cannot be opened, nothing has changed.
            let file = self.segments[i].file()?;
            file.sync().map_err(|error| self.poisoned(error))?;
            self.dirty.remove(&i);
        }
        Ok(())
    }
}

impl Storage for Mapped {
    fn schema(&self) -> &Schema {
        &self.shared.schema
    }

    fn view(&self) -> Arc<View> {
        self.shared.now.load_full()
    }

    fn commit(&self, commit: Commit<'_>) -> Result<Arc<View>, StorageError> {
        self.ready()?.commit(&self.shared, &commit)
    }

    fn clear(&self) -> Result<Arc<View>, StorageError> {
        self.ready()?.clear(&self.shared)
    }

    fn compact(&self, view: &View, order: &[u32], blobs: &[BlobSource<'_>]) -> Result<Arc<View>, StorageError> {
        self.ready()?.compact(&self.shared, view, order, blobs)
    }

    fn checkpoint(&self, view: &View, blobs: &[BlobSource<'_>]) -> Result<(), StorageError> {
        drop(self.ready()?);
        let written = checkpoint::Blobs::write(&self.shared, blobs)?;
        match self.ready() {
            Ok(mut writer) => writer.checkpoint(&self.shared, view, written),
            Err(error) => {
                written.remove(&self.shared);
                Err(error)
            }
        }
    }

    fn blob(&self, name: &str) -> Result<Option<Blob>, StorageError> {
        let files = self.shared.files.load();
        let Some((entry, file)) = files.blobs.iter().find(|(entry, _)| entry.kind == name) else {
            return Ok(None);
        };
        let file = file.as_ref().ok_or_else(|| blobfile::missing(&self.shared.dir, &files.manifest, entry))?;
        blobfile::read(file, &files.manifest, entry).map(Some)
    }

    fn checkpoint_commit(&self) -> u64 {
        self.shared.files.load().manifest.covers
    }

    fn sync(&self) -> Result<(), StorageError> {
        let mut writer = self.ready()?;
        if self.shared.durability == Durability::Os {
            writer.sync_segments()?;
            let synced = writer.log.file.sync();
            synced.map_err(|error| writer.poisoned(error))?;
        }
        Ok(())
    }

    fn verify(&self) -> Vec<Problem> {
        let (mut problems, files, view, segments) = {
            let Some(writer) = self.look() else {
                let what = "the process was forked during a write; cannot verify".into();
                return vec![Problem { file: self.shared.dir.path().into(), offset: 0, what }];
            };
            let files = self.shared.files.load_full();
            (verify::manifests(&self.shared), files, self.view(), writer.segments.clone())
        };
        problems.extend(verify::files(&self.shared, &files, &view, &segments));
        problems
    }

    fn usage(&self) -> Usage {
        let Some(writer) = self.look() else { return Usage::default() };
        let files = self.shared.files.load();
        let view = self.view();
        let manifests = dir::MANIFESTS.iter().chain([&dir::LOCK]);
        let allocated =
            |name: &&'static str| self.shared.dir.open(name, medium::Open::Read).map_or(0, |file| file.allocated());
        let blobs =
            files.blobs.iter().map(|(entry, file)| (entry.kind.clone(), file.as_ref().map_or(0, DirFile::allocated)));
        Usage {
            disk_rows: writer.segments.iter().map(Segment::allocated).sum(),
            disk_ids: files.ids.as_ref().map_or(0, DirFile::allocated),
            disk_log: files.log.allocated(),
            disk_blobs: blobs.collect(),
            disk_other: manifests.map(allocated).sum(),
            memory_slots: view.table.memory(view.slots()),
            mapped: (writer.segments.len() * self.shared.layout.segment_bytes()) as u64,
            ..Usage::default()
        }
    }
}

impl Drop for Mapped {
    /// Seals the log, so that later damage is not mistaken for a torn tail.
    fn drop(&mut self) {
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Not in a forked process, nor if another process holds LOCK.
        if self.shared.lock.as_ref().is_some_and(|lock| lock.check_held().is_ok())
            && writer.poison.is_none()
            && let Err(error) = writer.seal(&self.shared)
        {
            tracing::warn!(%error, "cannot seal the database on close");
        }
    }
}
