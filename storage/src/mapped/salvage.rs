//! Salvage: reads every intact row of a damaged database.
//!
//! Opening refuses a damaged database. Salvage checks each block of ids, each record of the log and each row on its own. It
//! only reads, and needs one whole manifest slot.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::idsfile::{self, Block};
use super::log::HEADER;
use super::manifest::{self, Manifest};
use super::record::{self, Record};
use super::scan::Reader;
use super::segment::{Segment, row_checksum};
use crate::files::dir::{Dir, DirFile, numbered};
use crate::files::id_codec::take_ids;
use crate::files::medium::{Disk, Open};
use crate::state::layout::Layout;
use crate::{IdColumn, IdRef, Problem, Salvaged, Schema, StorageError};

/// Passes every row of a damaged database whose id and bytes are intact to `take`, in insertion order. Deleted rows are
/// skipped. Nothing at `path` changes.
///
/// If a delete or a replacement is lost, a deleted row is passed again. An id may then occur twice, the newer row later.
///
/// # Errors
/// Those of opening if no manifest is whole, those of reading, and those of `take`.
pub fn salvage<E: From<StorageError>>(
    path: impl AsRef<Path>,
    mut take: impl FnMut(&Schema, IdRef<'_>, &[u8]) -> Result<(), E>,
) -> Result<Salvaged, E> {
    let dir = Dir::open_at(Arc::new(Disk), path.as_ref())?;
    let manifest = manifest::read(&dir)?.newest;
    let layout = Layout::new(&manifest.schema)?;
    let mut found = Found::default();
    found.base(&dir, &manifest);
    found.log(&dir, &manifest, layout);

    let mut rows = 0;
    let mut segment: Option<(usize, Option<Segment>)> = None;
    let mut row = vec![0; layout.row_bytes];
    // A slot without an id is skipped: the loss of its id is reported already.
    for (slot, id) in std::mem::take(&mut found.ids) {
        if found.dead.contains(&slot) {
            continue;
        }
        let (index, at) = layout.place(slot);
        let name = numbered("rows", manifest.first_segment + index as u64);
        if segment.as_ref().is_none_or(|(open, _)| *open != index) {
            let opened = Segment::open_damaged(&dir, &manifest, layout, manifest.first_segment + index as u64);
            let opened = opened.map_err(|error| found.lose(dir.path().join(&name), 0, error.to_string())).ok();
            segment = Some((index, opened));
        }
        let place = dir.path().join(&name);
        let within = at / layout.stride;
        let expected = found.checksums.get(&slot).copied();
        let lost = match (found.inline.get(&slot), &segment) {
            (Some(carried), _) => {
                row.copy_from_slice(carried);
                None
            }
            (None, Some((_, Some(segment)))) => damage(segment, within, expected, &mut row),
            (None, _) => Some("is lost with the file"),
        };
        match lost {
            None => {
                take(&manifest.schema, id.borrow(), &row)?;
                rows += 1;
            }
            Some(how) => {
                let offset = super::segment::ROWS_AT + at as u64;
                found.lose(place, offset, format!("the row of slot {slot} (id {}) {how}", id.borrow()));
            }
        }
    }
    Ok(Salvaged { schema: manifest.schema, rows, lost: found.lost })
}

/// Reads a row of a segment. Returns what is wrong with it, by the checksum stored with its id, or else by its segment's.
fn damage(segment: &Segment, within: usize, expected: Option<u32>, row: &mut [u8]) -> Option<&'static str> {
    if segment.file().and_then(|file| file.read_at(row, segment.row_at(within))).is_err() {
        return Some("cannot be read");
    }
    let found = row_checksum(row);
    match (expected, segment.checksums(within, 1)) {
        (Some(expected), _) if expected == found => None,
        (Some(_), Ok(own)) if own[0] == found => Some("belongs to another commit than its id"),
        (Some(_), _) => Some("does not match its checksum"),
        // The checksums follow all rows: a truncated file has none.
        (None, Err(_)) => Some("cannot be verified: its checksum is missing because the file is truncated"),
        (None, Ok(own)) => (own[0] != found).then_some("does not match its checksum"),
    }
}

#[derive(Clone)]
enum Id {
    U64(u64),
    Text(Box<str>),
}

impl Id {
    fn borrow(&self) -> IdRef<'_> {
        match self {
            Self::U64(id) => IdRef::U64(*id),
            Self::Text(id) => IdRef::Text(id),
        }
    }
}

#[derive(Default)]
struct Found {
    ids: BTreeMap<u32, Id>,
    dead: HashSet<u32>,
    /// The checksums of rows that are stored with their ids.
    checksums: HashMap<u32, u32>,
    /// Rows that the log carries.
    inline: BTreeMap<u32, Box<[u8]>>,
    lost: Vec<Problem>,
}

impl Found {
    fn lose(&mut self, file: std::path::PathBuf, offset: u64, what: String) {
        self.lost.push(Problem { file, offset, what });
    }

    fn ids(&mut self, first: u32, ids: IdColumn<'_>, checksums: &[u32]) {
        self.checksums.extend((first..).zip(checksums.iter().copied()));
        for i in 0..ids.len() {
            let id = match ids.get(i) {
                IdRef::U64(id) => Id::U64(id),
                IdRef::Text(id) => Id::Text(id.into()),
            };
            self.ids.insert(first + i as u32, id);
        }
    }

    /// Reads the intact blocks of the ids file.
    fn base(&mut self, dir: &Dir, manifest: &Manifest) {
        let Some(entry) = manifest.entry("ids") else { return };
        let path = dir.path().join(entry.name());
        let walked = dir.open(&entry.name(), Open::Read).and_then(|file| {
            idsfile::blocks(&file, manifest, |block| match block {
                Block::Ids { first, ids, checksums } => self.ids(first, ids, checksums),
                Block::Dead { slots, .. } => self.dead.extend(slots),
                Block::Damaged { at, what } => self.lose(path.clone(), at, what),
            })
        });
        if let Err(error) = walked {
            self.lose(path, 0, error.to_string());
        }
    }

    /// Reads the intact records of the log, including those after damaged ones.
    fn log(&mut self, dir: &Dir, manifest: &Manifest, layout: Layout) {
        let name = numbered("commits", manifest.log);
        let walked = dir.open(&name, Open::Read).and_then(|file| {
            let reader = Reader::new(&file, manifest, layout)?;
            let (mut at, mut commit) = (HEADER, manifest.base_commit);
            while let Some((found, record)) = reader.next_whole(at)? {
                if found > at {
                    let lost = match record.commit.saturating_sub(commit) {
                        0 | 1 => format!("{} bytes after commit {commit} are damaged", found - at),
                        2 => format!("commit {} is damaged ({} bytes)", commit + 1, found - at),
                        _ => {
                            format!(
                                "commits {} to {} are damaged ({} bytes)",
                                commit + 1,
                                record.commit - 1,
                                found - at
                            )
                        }
                    };
                    self.lose(file.path().into(), at, lost);
                }
                if let Err(error) = self.record(&file, found, &record, manifest, layout) {
                    self.lose(file.path().into(), found, format!("commit {} is lost: {error}", record.commit));
                }
                (at, commit) = (found + record.length, record.commit);
            }
            if at < manifest.sealed {
                self.lose(file.path().into(), at, format!("commits from {} on are damaged", commit + 1));
            } else if reader.is_data_behind(at)? {
                let what = format!("the bytes after commit {commit} are no whole commit: damaged, or torn by a crash");
                self.lose(file.path().into(), at, what);
            }
            Ok(())
        });
        if let Err(error) = walked {
            self.lose(dir.path().join(name), 0, error.to_string());
        }
    }

    fn record(
        &mut self,
        file: &DirFile,
        at: u64,
        record: &Record,
        manifest: &Manifest,
        layout: Layout,
    ) -> Result<(), StorageError> {
        let mut body = vec![0; (record.length - record::HEADER as u64) as usize];
        file.read_at(&mut body, at + record::HEADER as u64)?;
        let (mut ids, rows, checksums, dead) = record.split(&body, layout);
        let first = record.first_slot;
        let kind = manifest.schema.ids;
        if take_ids(&mut ids, kind, record.rows as usize, |ids| self.ids(first, ids, &checksums)).is_none() {
            return Err(file.corrupt(at, "cannot read the ids of a commit"));
        }
        for (i, row) in rows.chunks_exact(layout.row_bytes).enumerate() {
            self.inline.insert(first + i as u32, row.into());
        }
        self.dead.extend(dead);
        Ok(())
    }
}
