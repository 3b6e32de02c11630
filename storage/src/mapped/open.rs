//! Makes, opens and recovers a database.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::checkpoint::remove_all;
use super::log::{HEADER, Log};
use super::manifest::{self, Manifest};
use super::replay::{State, load};
use super::{Files, Mapped, Shared, Writer, owned};
use crate::blob::good_name;
use crate::files::dir::{Dir, LOCK, NEW_MANIFEST, numbered, parse};
use crate::files::lock::{self, Lock};
use crate::files::medium::{Medium, Open};
use crate::state::layout::{Layout, MOST_COUNTED};
use crate::state::table::Table;
use crate::{Durability, Schema, StorageError};

/// Makes a database. It replaces what an unfinished attempt left, which has no manifest.
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
    // 0 would give all databases the same mark.
    manifest.database = manifest.database.max(1);
    dir.remove(&numbered("commits", 0))?;
    let log = Log::create(dir, &manifest, 0)?;
    // The manifest names the log, so the log must be durable first.
    dir.sync()?;
    manifest::create(dir, &manifest)?;
    dir.sync_parent()?;
    let files = Files { manifest, ids: None, log: log.file.clone(), blobs: Vec::new() };
    let state = State { table: Table::new(schema, 0, 0)?, segments: Vec::new(), dirty: BTreeSet::new(), log, files };
    Ok(state.into_mapped(dir, layout, durability, Some(lock), 0, 1))
}

/// Opens a database for writing. It truncates a torn tail, restores rows that are only in the log, and removes unused files
/// of this database. Other files in the folder stay.
pub(super) fn write(dir: &Dir, durability: Durability) -> Result<Mapped, StorageError> {
    // First, so that no lock file is made if there is no database.
    manifest::read(dir)?;
    let lock = Lock::take(dir)?;
    let slots = manifest::read(dir)?;
    let layout = Layout::new(&slots.newest.schema)?;
    let mut state = load(dir, &slots.newest, layout, Open::Write, true)?;
    let cut = state.log.ahead.saturating_sub(state.log.end);
    if cut > 0 {
        tracing::warn!(bytes = cut, "truncated the log after the last whole commit");
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
        // `create` may have ended before the names were durable.
        dir.sync()?;
        dir.sync_parent()?;
    }
    manifest::settle(dir, &slots)?;
    if state.log.end != slots.newest.sealed || !slots.agree {
        let manifest = &mut state.files.manifest;
        manifest.sealed = state.log.end;
        manifest.generation += 1;
        manifest::flip(&manifest::open_slots(dir, slots.first)?, manifest)?;
    }
    lock.check()?;
    let names = dir.list()?;
    let segments = state.segments.len() as u64;
    let manifest = &state.files.manifest;
    // The header tells whether a file is ours: other files may have similar names.
    let left = |name: &&String| {
        (*name == NEW_MANIFEST || parse(name).is_some_and(|(kind, _)| good_name(kind)))
            && !manifest.owns(name, segments)
            && owned::is_of(dir, name, manifest.database)
    };
    remove_all(dir, names.iter().filter(left).cloned());
    // Numbers that no counter reaches are ignored.
    let numbers = names.iter().filter_map(|name| parse(name)).map(|(_, number)| number);
    let number = 1 + numbers.filter(|number| *number < MOST_COUNTED / 2).max().unwrap_or(0);
    let number = number.max(manifest.log.saturating_add(1));
    Ok(state.into_mapped(dir, layout, durability, Some(lock), slots.first, number))
}

/// Opens the newest state for reading. A writer may be active.
pub(super) fn read_only(dir: &Dir) -> Result<Mapped, StorageError> {
    // A checkpoint may remove a file, and a slot or the log's end may be read while it is written. Another attempt tells that
    // from damage: damage stays, and no newer manifest follows.
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
