//! Making, opening and recovering a database.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::checkpoint::remove_all;
use super::dir::{Dir, DirFile, LOCK, MANIFESTS, NEW_MANIFEST, numbered, parse};
use super::lock::{self, Lock};
use super::log::{self, HEADER, Log};
use super::manifest::{self, Manifest};
use super::medium::{Medium, Open};
use super::record::{self, Record, take_ids};
use super::segment::{Segment, row_checksum};
use super::{Files, Mapped, Shared, Writer, idsfile, owned, rows, scan};
use crate::blob::good_name;
use crate::fields::Fields;
use crate::layout::{Layout, MOST_COUNTED};
use crate::table::Table;
use crate::{Durability, Schema, StorageError};

/// Makes a database. What an attempt left that never got a manifest is no database.
pub(super) fn create(
    medium: Arc<dyn Medium>,
    path: &Path,
    schema: &Schema,
    durability: Durability,
) -> Result<Mapped, StorageError> {
    let layout = Layout::new(schema)?;
    let left = [LOCK.into(), NEW_MANIFEST.into(), numbered("commits", 0)];
    let (dir, lock) = lock::take_free(medium, path, &left)?;
    let dir = &dir;
    let mut manifest = Manifest {
        version: manifest::VERSION,
        generation: 1,
        database: RandomState::new().build_hasher().finish(),
        epoch: 0,
        base_commit: 0,
        base_slots: 0,
        base_dead: 0,
        covers: 0,
        log: 0,
        sealed: HEADER,
        first_segment: 0,
        schema: schema.clone(),
        files: Vec::new(),
    };
    // 0 would make the marks of all databases alike.
    manifest.database = manifest.database.max(1);
    dir.remove(&numbered("commits", 0))?;
    let log = Log::create(dir, &manifest, 0)?;
    // The manifest names the log: it comes second on the medium too.
    dir.sync()?;
    manifest::create(dir, &manifest)?;
    dir.sync_parent()?;
    let files = Files { manifest, ids: None, log: log.file.clone(), blobs: Vec::new() };
    let state = State { table: Table::new(schema, 0, 0)?, segments: Vec::new(), dirty: BTreeSet::new(), log, files };
    Ok(state.into_mapped(dir, layout, durability, Some(lock), 0, 1))
}

/// Opens a database for writing: cuts a torn tail, puts rows back that are in the log only, and
/// removes files of this database that belong to no state. What others put into its folder stays.
pub(super) fn write(dir: &Dir, durability: Durability) -> Result<Mapped, StorageError> {
    // First, so that no lock file is made where there is no database.
    manifest::read(dir)?;
    let lock = Lock::take(dir)?;
    let slots = manifest::read(dir)?;
    let layout = Layout::new(&slots.newest.schema)?;
    let mut state = load(dir, &slots.newest, layout, Open::Write, true)?;
    let cut = state.log.ahead.saturating_sub(state.log.end);
    if cut > 0 {
        tracing::warn!(bytes = cut, "cut what a crash left behind the last whole commit");
        state.log.trim()?;
    }
    if state.log.end != slots.newest.sealed || cut > 0 {
        state.log.write_again(slots.newest.sealed)?;
        state.log.file.sync()?;
    }
    for &dirty in &state.dirty {
        state.segments[dirty].file()?.sync()?;
    }
    state.dirty.clear();
    if slots.newest.generation == 1 {
        // Perhaps what made it ended before its names were on the medium.
        dir.sync()?;
        dir.sync_parent()?;
    }
    manifest::settle(dir, &slots)?;
    if state.log.end != slots.newest.sealed || !slots.agree {
        let manifest = &mut state.files.manifest;
        manifest.version = manifest::VERSION;
        manifest.sealed = state.log.end;
        manifest.generation += 1;
        manifest::flip(dir, manifest, slots.first)?;
    }
    lock.check()?;
    let names = dir.list()?;
    let segments = state.segments.len() as u64;
    let manifest = &state.files.manifest;
    // A file is ours by its header: others may have names like those of our files.
    let left = |name: &&String| {
        (*name == NEW_MANIFEST || parse(name).is_some_and(|(kind, _)| good_name(kind)))
            && !manifest.owns(name, segments)
            && owned::is_of(dir, name, manifest.database)
    };
    remove_all(dir, names.iter().filter(left).cloned());
    // Of what is left, numbers that nobody reaches by counting do not count.
    let numbers = names.iter().filter_map(|name| parse(name)).map(|(_, number)| number);
    let number = 1 + numbers.filter(|number| *number < MOST_COUNTED / 2).max().unwrap_or(0);
    let number = number.max(manifest.log.saturating_add(1));
    Ok(state.into_mapped(dir, layout, durability, Some(lock), slots.first, number))
}

/// Opens the newest state for reading, while a writer may be at work.
pub(super) fn read_only(dir: &Dir) -> Result<Mapped, StorageError> {
    // A checkpoint may take a file away, and a slot or the log's end may be looked at while it is
    // written. Another look tells that from damage: damage stays, and no manifest comes after it.
    const LOOKS: u32 = 4;
    let (mut looks, mut seen) = (0, None);
    loop {
        let slots = manifest::read(dir);
        let generation = slots.as_ref().map(|slots| slots.newest.generation).ok();
        looks = if generation == seen { looks + 1 } else { 1 };
        seen = generation;
        let tried = slots.and_then(|slots| {
            let layout = Layout::new(&slots.newest.schema)?;
            let state = load(dir, &slots.newest, layout, Open::Read, looks >= LOOKS)?;
            Ok(state.into_mapped(dir, layout, Durability::Os, None, 0, 0))
        });
        match tried {
            Err(StorageError::Io { .. } | StorageError::Corrupt { .. } | StorageError::NeedsRecovery { .. })
                if looks < LOOKS =>
            {
                std::thread::sleep(Duration::from_millis(2));
            }
            done => return done,
        }
    }
}

/// A state read from the files.
struct State {
    table: Table,
    segments: Vec<Segment>,
    dirty: BTreeSet<usize>,
    log: Log,
    files: Files,
}

impl State {
    fn into_mapped(
        self,
        dir: &Dir,
        layout: Layout,
        durability: Durability,
        lock: Option<Lock>,
        slot: usize,
        number: u64,
    ) -> Mapped {
        let Self { table, segments, dirty, log, files } = self;
        let shared = Shared {
            dir: dir.clone(),
            schema: files.manifest.schema.clone(),
            layout,
            durability,
            now: ArcSwap::from_pointee(table.now().clone()),
            files: ArcSwap::from_pointee(files),
            number: AtomicU64::new(number),
            lock,
        };
        Mapped {
            shared,
            writer: Mutex::new(Writer { table, segments, dirty, log, scratch: Vec::new(), slot, poison: None }),
        }
    }
}

/// Reads the state that a manifest names: its base, and the log's whole commits after it.
/// Where blobs may be missing, that is theirs to tell who asks for them.
fn load(dir: &Dir, manifest: &Manifest, layout: Layout, how: Open, without_blobs: bool) -> Result<State, StorageError> {
    let log_file = named(manifest, log::open(dir, manifest, how))?;
    let mut blobs = Vec::new();
    for entry in manifest.files.iter().filter(|entry| entry.kind != "ids") {
        let file = match named(manifest, dir.open(&entry.name(), Open::Read)) {
            Err(StorageError::Corrupt { .. }) if without_blobs => None,
            file => Some(file?),
        };
        blobs.push((entry.clone(), file));
    }
    let mut replay = Replay {
        dir,
        manifest,
        layout,
        how,
        table: Table::new(&manifest.schema, manifest.epoch, manifest.base_commit)?,
        segments: Vec::new(),
        dirty: BTreeSet::new(),
        inline: 0,
    };
    replay.open_segments(u64::from(manifest.base_slots))?;
    let mut ids = None;
    if let Some(entry) = manifest.entry("ids") {
        let file = named(manifest, idsfile::open(dir, manifest, entry))?;
        replay.table.restore(manifest.base_commit, manifest.base_slots);
        idsfile::load(&file, manifest, &mut replay.table)?;
        ids = Some(file);
    }
    let found = scan::scan(&log_file, manifest, layout, how == Open::Read)?;
    let mut end = HEADER;
    for (i, (at, record)) in found.records.iter().enumerate() {
        if !replay.apply(&log_file, *at, record, i < found.synced)? {
            break;
        }
        end = at + record.length;
    }
    let Replay { table, segments, dirty, inline, .. } = replay;
    let mark = log::mark(manifest, manifest.log);
    let log = Log { file: log_file.clone(), mark, end, ahead: found.length, inline };
    Ok(State { table, segments, dirty, log, files: Files { manifest: manifest.clone(), ids, log: log_file, blobs } })
}

/// Tells of a file that a manifest names and that is missing.
fn named(manifest: &Manifest, file: Result<DirFile, StorageError>) -> Result<DirFile, StorageError> {
    file.map_err(|error| match error {
        StorageError::Io { path, source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            let manifests = MANIFESTS.join(" and ");
            let what = format!("it is missing; {manifests} of generation {} name it", manifest.generation);
            StorageError::Corrupt { file: path, offset: 0, what }
        }
        error => error,
    })
}

struct Replay<'a> {
    dir: &'a Dir,
    manifest: &'a Manifest,
    layout: Layout,
    how: Open,
    table: Table,
    segments: Vec<Segment>,
    dirty: BTreeSet<usize>,
    inline: u64,
}

impl Replay<'_> {
    fn open_segments(&mut self, slots: u64) -> Result<(), StorageError> {
        while self.segments.len() < self.layout.segments(slots) {
            let number = self.manifest.first_segment + self.segments.len() as u64;
            let segment = match Segment::open(self.dir, self.manifest, self.layout, number, self.how) {
                Err(StorageError::Io { path, source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                    let what = format!("it is missing; commits up to slot {slots} need it");
                    return Err(StorageError::Corrupt { file: path, offset: 0, what });
                }
                other => other?,
            };
            self.table.grow(segment.map());
            self.segments.push(segment);
        }
        Ok(())
    }

    /// Notes the segments of a record's rows to be synced before the log is called whole, or taken
    /// away.
    fn touches(&mut self, record: &Record) {
        let layout = self.layout;
        let runs = layout.runs(record.first_slot, record.rows as usize, usize::MAX);
        self.dirty.extend(runs.map(|(_, slot, _)| layout.place(slot).0));
    }

    /// Applies a record; `false` if its rows did not reach the medium, so that it and all after
    /// it are lost to a crash.
    fn apply(&mut self, file: &DirFile, at: u64, record: &Record, synced: bool) -> Result<bool, StorageError> {
        let damaged = |what: &str| file.corrupt(at, what.to_string());
        let mut body = Vec::new();
        let length = (record.length - record::HEADER as u64) as usize;
        body.try_reserve_exact(length).map_err(|_| damaged("a commit does not fit memory"))?;
        body.resize(length, 0);
        file.read_at(&mut body, at + record::HEADER as u64)?;
        if crc32c::crc32c(&body) != record.body_crc {
            return Err(damaged("a commit changed while it was read"));
        }
        self.open_segments(u64::from(record.first_slot) + u64::from(record.rows))?;
        let settled = at + record.length <= self.manifest.sealed;
        if self.how == Open::Write && !settled {
            self.touches(record);
        }
        let (ids, rest) = body.split_at(record.ids_bytes as usize);
        let rows = if record.inline { record.rows as usize * self.layout.row_bytes } else { 0 };
        let (rows, rest) = rest.split_at(rows);
        if record.inline {
            self.put_back(record, rows, settled)?;
        } else if !synced && !self.rows_are_there(record)? {
            return Ok(false);
        }
        let dead: Vec<u32> =
            rest.as_chunks().0.iter().take(record.dead as usize).map(|slot| u32::from_le_bytes(*slot)).collect();
        let mut ids = Fields(ids);
        let mut applied = Err(damaged("a commit has ids of another length than it says"));
        let table = &mut self.table;
        let taken = take_ids(&mut ids, self.manifest.schema.ids, record.rows as usize, |ids| {
            applied = match table.check_ids(ids, &dead) {
                Ok(()) => {
                    table.apply(ids, &dead);
                    Ok(true)
                }
                Err(error) => Err(damaged(&format!("a commit cannot be: {error}"))),
            };
        });
        if taken.is_none() || !ids.0.is_empty() {
            return Err(damaged("a commit's ids cannot be read"));
        }
        applied
    }

    /// Compares rows that a record carries with their segment, and writes them where they differ;
    /// without a look if they are not settled. They may have been read back only because the system
    /// still holds pages that a sync failed to write, and that no later sync would.
    fn put_back(&mut self, record: &Record, packed: &[u8], settled: bool) -> Result<(), StorageError> {
        let layout = self.layout;
        self.inline += packed.len() as u64;
        let mut found = Vec::new();
        for (done, slot, n) in layout.runs(record.first_slot, record.rows as usize, usize::MAX) {
            let packed = &packed[done * layout.row_bytes..(done + n) * layout.row_bytes];
            let checksums: Vec<u32> = packed.chunks_exact(layout.row_bytes).map(row_checksum).collect();
            let mut strided = vec![0; n * layout.stride];
            for (to, row) in strided.chunks_exact_mut(layout.stride).zip(packed.chunks_exact(layout.row_bytes)) {
                to[..layout.row_bytes].copy_from_slice(row);
            }
            let (index, at) = layout.place(slot);
            let segment = &self.segments[index];
            let within = at / layout.stride;
            if settled || self.how == Open::Read {
                found.resize(strided.len(), 0);
                segment.file()?.read_at(&mut found, segment.row_at(within))?;
                if found == strided && segment.checksums(within, n)? == checksums {
                    continue;
                }
                if self.how == Open::Read {
                    return Err(StorageError::NeedsRecovery { path: self.dir.path().into() });
                }
            }
            segment.write_rows(at, &strided, &checksums)?;
            self.dirty.insert(index);
        }
        Ok(())
    }

    /// Whether the rows of a record that was not synced are what was committed. Then they are written
    /// again with their checksums, of which some may still have been on the way: what was read may be
    /// pages that a sync failed to write, and that no later sync would.
    fn rows_are_there(&mut self, record: &Record) -> Result<bool, StorageError> {
        let layout = self.layout;
        let mut crc = 0;
        let mut found = Vec::new();
        let pieces: Vec<_> = layout.runs(record.first_slot, record.rows as usize, (1 << 20) / layout.stride).collect();
        for &(_, slot, n) in &pieces {
            crc = rows::fold(crc, &self.read_rows(slot, n, &mut found)?);
        }
        if crc != record.rows_crc {
            return Ok(false);
        }
        if self.how == Open::Write {
            for &(_, slot, n) in &pieces {
                let checksums = self.read_rows(slot, n, &mut found)?;
                let (index, at) = layout.place(slot);
                self.segments[index].write_rows(at, &found, &checksums)?;
            }
        }
        Ok(true)
    }

    /// Reads `n` rows of one segment, with what lies between them, and returns their checksums.
    fn read_rows(&self, slot: u32, n: usize, into: &mut Vec<u8>) -> Result<Vec<u32>, StorageError> {
        let layout = self.layout;
        let (index, at) = layout.place(slot);
        let segment = &self.segments[index];
        into.resize(n * layout.stride, 0);
        segment.file()?.read_at(into, segment.row_at(at / layout.stride))?;
        Ok(into.chunks_exact(layout.stride).map(|row| row_checksum(&row[..layout.row_bytes])).collect())
    }
}
