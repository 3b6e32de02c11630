//! Checkpoint, clear, compact and seal: each writes and syncs new files, flips the manifest, then removes old files. Before
//! the flip an error changes nothing.

use std::sync::Arc;

use super::log::{HEADER, Log};
use super::manifest::{Entry, Manifest, VERSION, flip, open_slots};
use super::segment::{Segment, row_checksum};
use super::stream::Sink;
use super::{Files, Shared, Writer, blobfile, idsfile, owned, rows};
use crate::blob::check_names;
use crate::files::dir::{Dir, DirFile, numbered};
use crate::state::reordered::Reordered;
use crate::state::stale::{current, same_epoch};
use crate::state::table::{Table, check_order, ids_in_order};
use crate::{BlobSource, IdColumn, StorageError, View};

/// Blobs that are written and that no manifest names yet.
pub(super) struct Blobs(Vec<(Entry, Option<DirFile>)>);

impl Blobs {
    pub(super) fn write(shared: &Shared, sources: &[BlobSource<'_>]) -> Result<Self, StorageError> {
        check_names(sources.iter().map(|blob| blob.name))?;
        let mut blobs = Self(Vec::new());
        for source in sources {
            let mut entry = Entry { kind: source.name.into(), number: shared.next_number(), bytes: 0, crc: 0 };
            let made = blobfile::create(&shared.dir, &shared.files.load().manifest, &entry);
            let written = made.and_then(|file| {
                blobs.0.push((entry.clone(), Some(file.clone())));
                let mut sink = Sink::new(&file, blobfile::HEADER);
                if let Err(error) = (source.write)(&mut sink) {
                    let refused = |what| StorageError::Blob { name: source.name.into(), what };
                    return Err(sink.failure().unwrap_or_else(|| refused(error.to_string())));
                }
                let (end, crc) = sink.finish()?;
                (entry.bytes, entry.crc) = (end - blobfile::HEADER, crc);
                file.sync()
            });
            if let Err(error) = written {
                blobs.remove(shared);
                return Err(error);
            }
            blobs.0.last_mut().expect("pushed above").0 = entry;
        }
        Ok(blobs)
    }

    pub(super) fn remove(&self, shared: &Shared) {
        remove(shared, self.0.iter().map(|(entry, _)| entry.name()));
    }
}

/// Removes files of a failed attempt, if they belong to this database. The next open removes those that stay.
pub(super) fn remove(shared: &Shared, names: impl IntoIterator<Item = String>) {
    let database = shared.files.load().manifest.database;
    remove_named(shared, names.into_iter().filter(|name| owned::is_of(&shared.dir, name, database)));
}

/// Removes files that a manifest named.
fn remove_named(shared: &Shared, names: impl IntoIterator<Item = String>) {
    // If another process holds LOCK, files of these names may belong to it.
    if shared.lock.as_ref().is_some_and(|lock| lock.check_held().is_ok()) {
        remove_all(&shared.dir, names);
    }
}

/// Removes files. The caller holds the lock.
pub(super) fn remove_all(dir: &Dir, names: impl IntoIterator<Item = String>) {
    for name in names {
        if let Err(error) = dir.remove(&name) {
            tracing::warn!(%error, "cannot remove an unused file");
        }
    }
}

/// The next state of the database, before the flip.
struct Next {
    table: Table,
    segments: Vec<Segment>,
    manifest: Manifest,
    ids: Option<DirFile>,
    log: Log,
}

impl Writer {
    /// Writes a checkpoint: `blobs` cover `view`; ids and log begin at the newest state.
    pub(super) fn checkpoint(&mut self, shared: &Shared, view: &View, blobs: Blobs) -> Result<(), StorageError> {
        let done = same_epoch(view, self.table.now()).and_then(|()| self.rebase(shared, &blobs, view.commit()));
        self.unless_poisoned(done, || blobs.remove(shared))
    }

    /// Writes a checkpoint of the ids alone and begins a new log. The blobs stay.
    pub(super) fn roll(&mut self, shared: &Shared) -> Result<(), StorageError> {
        let files = shared.files.load_full();
        self.rebase(shared, &Blobs(files.blobs.clone()), files.manifest.covers)
    }

    fn rebase(&mut self, shared: &Shared, blobs: &Blobs, covers: u64) -> Result<(), StorageError> {
        self.sync_segments()?;
        let old = shared.files.load_full();
        let view = self.table.now();
        let number = shared.next_number();
        let dead = view.slots() - view.live();
        let mut manifest = Manifest {
            base_commit: view.commit(),
            base_slots: view.slots(),
            base_dead: dead,
            covers,
            ..successor(&old.manifest, number, blobs)
        };
        let made = (|| {
            let mut ids = None;
            if view.slots() > 0 {
                let entry = idsfile::write(&shared.dir, &manifest, shared.layout, view, &self.segments, number)?;
                manifest.files.push(entry.clone());
                ids = Some(idsfile::open(&shared.dir, &manifest, &entry)?);
            }
            let log = Log::create(&shared.dir, &manifest, number)?;
            shared.dir.sync()?;
            shared.check_lock()?;
            Ok((ids, log))
        })();
        let (ids, log) = made.inspect_err(|_| {
            remove(shared, [numbered("ids", number), numbered("commits", number)]);
        })?;
        if let Err(error) = self.flip(shared, &manifest) {
            drop((ids, log));
            return self.unless_poisoned(Err(error), || {
                remove(shared, [numbered("ids", number), numbered("commits", number)]);
            });
        }
        self.log = log;
        let files = Files { log: self.log.file.clone(), manifest, ids, blobs: blobs.0.clone() };
        replace_files(shared, &old, files, &[]);
        Ok(())
    }

    /// Clears the database in a new epoch.
    pub(super) fn clear(&mut self, shared: &Shared) -> Result<Arc<View>, StorageError> {
        let old = shared.files.load_full();
        let view = self.table.now();
        let table = Table::new(&shared.schema, view.epoch() + 1, view.commit() + 1)?;
        let number = shared.next_number();
        let manifest = self.renumbered(&old.manifest, table.now(), number, &Blobs(Vec::new()));
        let made = Log::create(&shared.dir, &manifest, number)
            .and_then(|log| shared.dir.sync().and_then(|()| shared.check_lock()).map(|()| log));
        let log = made.inspect_err(|_| remove(shared, [numbered("commits", number)]))?;
        let next = Next { table, segments: Vec::new(), manifest, ids: None, log };
        self.become_next(shared, &old, next, &Blobs(Vec::new()), vec![numbered("commits", number)])
    }

    /// Rewrites the rows of `order` in a new epoch.
    pub(super) fn compact(
        &mut self,
        shared: &Shared,
        view: &View,
        order: &[u32],
        sources: &[BlobSource<'_>],
    ) -> Result<Arc<View>, StorageError> {
        current(view, self.table.now())?;
        check_order(view, order)?;
        self.check_rows(shared, order)?;
        let old = shared.files.load_full();
        let blobs = Blobs::write(shared, sources)?;
        let number = shared.next_number();
        let mut written = Vec::new();
        match self.rewrite(shared, &old.manifest, view, order, &blobs, number, &mut written) {
            Ok(next) => self.become_next(shared, &old, next, &blobs, written),
            Err(error) => {
                blobs.remove(shared);
                remove(shared, written);
                Err(error)
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one state; `written` must survive an error")]
    fn rewrite(
        &self,
        shared: &Shared,
        old: &Manifest,
        view: &View,
        order: &[u32],
        blobs: &Blobs,
        number: u64,
        written: &mut Vec<String>,
    ) -> Result<Next, StorageError> {
        let (dir, layout) = (&shared.dir, shared.layout);
        // `apply` below counts as one commit.
        let mut table = Table::new(&shared.schema, view.epoch() + 1, view.commit())?;
        let mut segments = Vec::new();
        let first = old.first_segment + self.segments.len() as u64;
        for index in 0..layout.segments(order.len() as u64) as u64 {
            written.push(numbered("rows", first + index));
            let mut segment = Segment::create(dir, old, layout, first + index)?;
            segment.release();
            table.grow(segment.map());
            segments.push(segment);
        }
        rows::write(&segments, layout, 0, &Reordered { view, order }, &mut Vec::new())?;
        for segment in &segments {
            segment.file()?.sync()?;
        }
        if order.is_empty() {
            table.apply(IdColumn::none(shared.schema.ids), &[]);
        }
        ids_in_order(view, order, usize::MAX, |ids| {
            table.apply(ids, &[]);
            Ok::<_, StorageError>(())
        })?;
        let mut manifest = self.renumbered(old, table.now(), number, blobs);
        let mut ids = None;
        if !order.is_empty() {
            written.push(numbered("ids", number));
            let entry = idsfile::write(dir, &manifest, layout, table.now(), &segments, number)?;
            manifest.files.push(entry.clone());
            ids = Some(idsfile::open(dir, &manifest, &entry)?);
        }
        written.push(numbered("commits", number));
        let log = Log::create(dir, &manifest, number)?;
        dir.sync()?;
        shared.check_lock()?;
        Ok(Next { table, segments, manifest, ids, log })
    }

    /// The manifest of a new epoch.
    fn renumbered(&self, old: &Manifest, view: &View, number: u64, blobs: &Blobs) -> Manifest {
        Manifest {
            epoch: view.epoch(),
            base_commit: view.commit(),
            base_slots: view.slots(),
            base_dead: 0,
            covers: if blobs.0.is_empty() { 0 } else { view.commit() },
            first_segment: old.first_segment + self.segments.len() as u64,
            ..successor(old, number, blobs)
        }
    }

    /// Flips to a state with other segments, whose files are `made`, and publishes it.
    fn become_next(
        &mut self,
        shared: &Shared,
        old: &Files,
        next: Next,
        blobs: &Blobs,
        made: Vec<String>,
    ) -> Result<Arc<View>, StorageError> {
        if let Err(error) = self.flip(shared, &next.manifest) {
            drop(next);
            return self.unless_poisoned(Err(error), || {
                blobs.remove(shared);
                remove(shared, made);
            });
        }
        let first = old.manifest.first_segment;
        let gone: Vec<String> = (0..self.segments.len() as u64).map(|i| numbered("rows", first + i)).collect();
        self.table = next.table;
        self.segments = next.segments;
        self.dirty.clear();
        self.log = next.log;
        let view = Arc::new(self.table.now().clone());
        shared.now.store(Arc::clone(&view));
        let files =
            Files { log: self.log.file.clone(), manifest: next.manifest, ids: next.ids, blobs: blobs.0.clone() };
        replace_files(shared, old, files, &gone);
        Ok(view)
    }

    /// Writes the length of the log to the manifest: the log is whole up to there.
    pub(super) fn seal(&mut self, shared: &Shared) -> Result<(), StorageError> {
        let old = shared.files.load_full();
        if self.log.end == old.manifest.sealed {
            return Ok(());
        }
        self.sync_segments()?;
        self.log.trim()?;
        self.log.file.sync().map_err(|error| self.poisoned(error))?;
        let generation = old.manifest.generation + 1;
        let manifest = Manifest { generation, sealed: self.log.end, ..old.manifest.clone() };
        self.flip(shared, &manifest)?;
        let files = Files { manifest, ids: old.ids.clone(), log: old.log.clone(), blobs: old.blobs.clone() };
        shared.files.store(Arc::new(files));
        Ok(())
    }

    /// Writes the manifest. If that fails, it is unknown which state the next open finds, so further writes are refused. If
    /// its files cannot be opened, nothing has changed.
    fn flip(&mut self, shared: &Shared, manifest: &Manifest) -> Result<(), StorageError> {
        let slots = open_slots(&shared.dir, self.slot)?;
        flip(&slots, manifest).map_err(|error| self.poisoned(error))
    }

    /// Calls `undo` after an error that changed nothing.
    fn unless_poisoned<T>(&self, done: Result<T, StorageError>, undo: impl FnOnce()) -> Result<T, StorageError> {
        if done.is_err() && self.poison.is_none() {
            undo();
        }
        done
    }

    /// Refuses to copy damaged rows, because a copy gets a new checksum.
    fn check_rows(&self, shared: &Shared, order: &[u32]) -> Result<(), StorageError> {
        let (layout, view) = (shared.layout, self.table.now());
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        for piece in sorted.chunk_by(|a, b| layout.place(*a).0 == layout.place(*b).0) {
            let segment = &self.segments[layout.place(piece[0]).0];
            let checksums = segment.checksums(0, layout.segment_rows())?;
            for &slot in piece {
                let within = layout.place(slot).1 / layout.stride;
                if row_checksum(view.row(slot)) != checksums[within] {
                    let what = format!("the row of slot {slot} does not match its checksum");
                    return Err(segment.corrupt(segment.row_at(within), what));
                }
            }
        }
        Ok(())
    }
}

/// The next manifest, with these blobs and a new log.
fn successor(old: &Manifest, number: u64, blobs: &Blobs) -> Manifest {
    Manifest {
        version: VERSION,
        generation: old.generation + 1,
        log: number,
        sealed: HEADER,
        files: blobs.0.iter().map(|(entry, _)| entry.clone()).collect(),
        ..old.clone()
    }
}

/// Replaces the database's files and removes those that only the old state had.
fn replace_files(shared: &Shared, old: &Files, new: Files, segments: &[String]) {
    let mut gone: Vec<String> = old.manifest.files.iter().map(Entry::name).collect();
    gone.push(numbered("commits", old.manifest.log));
    gone.retain(|name| new.manifest.files.iter().all(|entry| entry.name() != *name));
    shared.files.store(Arc::new(new));
    remove_named(shared, gone.into_iter().chain(segments.iter().cloned()));
}
