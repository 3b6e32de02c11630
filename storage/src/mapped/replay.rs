//! Reads a database's files: the state that a manifest names, and the log's commits after it.

use std::collections::BTreeSet;

use super::log::{self, HEADER, Log};
use super::manifest::Manifest;
use super::record::{self, Record};
use super::segment::{Segment, row_checksum};
use super::{Files, idsfile, rows, scan};
use crate::StorageError;
use crate::files::dir::{Dir, DirFile, MANIFESTS};
use crate::files::id_codec::take_ids;
use crate::files::medium::Open;
use crate::state::layout::Layout;
use crate::state::table::Table;

/// A state read from the files.
pub(super) struct State {
    pub(super) table: Table,
    pub(super) segments: Vec<Segment>,
    pub(super) dirty: BTreeSet<usize>,
    pub(super) log: Log,
    pub(super) files: Files,
}

/// Reads the state that a manifest names: its base, and the log's whole commits after it. With `without_blobs`, a missing
/// blob is an error only when it is read.
pub(super) fn load(
    dir: &Dir,
    manifest: &Manifest,
    layout: Layout,
    how: Open,
    without_blobs: bool,
) -> Result<State, StorageError> {
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

/// Turns "not found" into the error of a missing file that a manifest names.
fn named(manifest: &Manifest, file: Result<DirFile, StorageError>) -> Result<DirFile, StorageError> {
    file.map_err(|error| match error {
        StorageError::Io { path, source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            let manifests = MANIFESTS.join(" and ");
            let what = format!("file is missing; {manifests} of generation {} name it", manifest.generation);
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
                    let what = format!("file is missing; the first {slots} slots need it");
                    return Err(StorageError::Corrupt { file: path, offset: 0, what });
                }
                other => other?,
            };
            self.table.grow(segment.map());
            self.segments.push(segment);
        }
        Ok(())
    }

    /// Marks the segments of a record's rows as dirty: they must be synced before the log is sealed or removed.
    fn touches(&mut self, record: &Record) {
        let layout = self.layout;
        let runs = layout.runs(record.first_slot, record.rows as usize, usize::MAX);
        self.dirty.extend(runs.map(|(_, slot, _)| layout.place(slot).0));
    }

    /// Applies a record. Returns false if its rows are not on the medium: a crash lost it and all later ones.
    fn apply(&mut self, file: &DirFile, at: u64, record: &Record, synced: bool) -> Result<bool, StorageError> {
        let damaged = |what: &str| file.corrupt(at, what.to_string());
        let mut body = Vec::new();
        let length = (record.length - record::HEADER as u64) as usize;
        body.try_reserve_exact(length).map_err(|_| damaged("commit does not fit memory"))?;
        body.resize(length, 0);
        file.read_at(&mut body, at + record::HEADER as u64)?;
        if crc32c::crc32c(&body) != record.body_crc {
            return Err(damaged("commit changed while it was read"));
        }
        self.open_segments(u64::from(record.first_slot) + u64::from(record.rows))?;
        let settled = at + record.length <= self.manifest.sealed;
        if self.how == Open::Write && !settled {
            self.touches(record);
        }
        let (mut ids, rows, _, dead) = record.split(&body, self.layout);
        if record.inline {
            self.put_back(record, rows, settled)?;
        } else if !synced && !self.rows_are_there(record)? {
            return Ok(false);
        }
        let mut applied = Err(damaged("the ids of a commit do not have the stated length"));
        let table = &mut self.table;
        let taken = take_ids(&mut ids, self.manifest.schema.ids, record.rows as usize, |ids| {
            applied = match table.check_ids(ids, &dead) {
                Ok(()) => {
                    table.apply(ids, &dead);
                    Ok(true)
                }
                Err(error) => Err(damaged(&format!("commit is impossible: {error}"))),
            };
        });
        if taken.is_none() || !ids.0.is_empty() {
            return Err(damaged("cannot read the ids of a commit"));
        }
        applied
    }

    /// Compares rows that a record carries with their segment, and writes them if they differ. Rows that are not settled are
    /// always written: the segment may have been read from the page cache only, after a failed sync, and no later sync would
    /// write it.
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

    /// Whether the rows of an unsynced record match its checksum. If so, rows and checksums are written again: they may have
    /// been read from the page cache only, after a failed sync, and no later sync would write them.
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

    /// Reads `n` rows of one segment, with padding, and returns their checksums.
    fn read_rows(&self, slot: u32, n: usize, into: &mut Vec<u8>) -> Result<Vec<u32>, StorageError> {
        let layout = self.layout;
        let (index, at) = layout.place(slot);
        let segment = &self.segments[index];
        into.resize(n * layout.stride, 0);
        segment.file()?.read_at(into, segment.row_at(at / layout.stride))?;
        Ok(into.chunks_exact(layout.stride).map(|row| row_checksum(&row[..layout.row_bytes])).collect())
    }
}
