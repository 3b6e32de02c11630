//! Getting out of a damaged database every row whose checksum holds.
//!
//! Opening refuses what it cannot trust whole; this trusts piece by piece: a block of ids, a
//! record of the log, a row. It reads only, and needs one whole manifest slot.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::dir::{Dir, DirFile, numbered};
use super::idsfile::{self, Block};
use super::log::HEADER;
use super::manifest::{self, Manifest};
use super::medium::{Disk, Open};
use super::record::{self, Record, take_ids};
use super::scan::Reader;
use super::segment::{Segment, row_checksum};
use crate::fields::Fields;
use crate::layout::Layout;
use crate::{IdColumn, IdRef, Problem, Salvaged, Schema, StorageError};

/// Hands out every living row of a damaged database whose id and bytes are as they were written,
/// in the order they were inserted. Nothing at `path` is changed.
///
/// If a delete or a replacement is among what was lost, a row that had died comes out again; an id
/// may then come twice, the newer row later.
///
/// # Errors
/// Those of opening, if no manifest is whole; of reading; and what `take` returns.
pub fn salvage<E: From<StorageError>>(
    path: impl AsRef<Path>,
    mut take: impl FnMut(&Schema, IdRef<'_>, &[u8]) -> Result<(), E>,
) -> Result<Salvaged, E> {
    let dir = Dir::open_at(Arc::new(Disk), path.as_ref())?;
    let manifest = manifest::read(&dir)?.newest;
    let layout = Layout::new(&manifest.schema)?;
    let mut found = Found { ids: BTreeMap::new(), dead: HashSet::new(), inline: BTreeMap::new(), lost: Vec::new() };
    found.base(&dir, &manifest);
    found.log(&dir, &manifest, layout);

    let mut rows = 0;
    let mut segment: Option<(usize, Option<Segment>)> = None;
    let mut row = vec![0; layout.row_bytes];
    // A slot without an id is not looked for: what held its id was reported above.
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
        let lost = match (found.inline.get(&slot), &segment) {
            (Some(carried), _) => {
                row.copy_from_slice(carried);
                None
            }
            (None, Some((_, Some(segment)))) => damage(segment, within, &mut row),
            (None, _) => Some("was in that file"),
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

/// Reads a row of a segment; what is wrong with it.
fn damage(segment: &Segment, within: usize, row: &mut [u8]) -> Option<&'static str> {
    if segment.file().and_then(|file| file.read_at(row, segment.row_at(within))).is_err() {
        return Some("cannot be read");
    }
    match segment.checksums(within, 1) {
        // The checksums lie behind all rows: a file that was cut off has none.
        Err(_) => Some("cannot be told from damage: its checksum, at the file's end, cannot be read"),
        Ok(checksum) if checksum[0] != row_checksum(row) => Some("does not match its checksum"),
        Ok(_) => None,
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

struct Found {
    ids: BTreeMap<u32, Id>,
    dead: HashSet<u32>,
    /// Rows that travelled in the log.
    inline: BTreeMap<u32, Box<[u8]>>,
    lost: Vec<Problem>,
}

impl Found {
    fn lose(&mut self, file: std::path::PathBuf, offset: u64, what: String) {
        self.lost.push(Problem { file, offset, what });
    }

    fn ids(&mut self, first: u32, ids: IdColumn<'_>) {
        for i in 0..ids.len() {
            let id = match ids.get(i) {
                IdRef::U64(id) => Id::U64(id),
                IdRef::Text(id) => Id::Text(id.into()),
            };
            self.ids.insert(first + i as u32, id);
        }
    }

    /// The blocks of the ids file that are whole.
    fn base(&mut self, dir: &Dir, manifest: &Manifest) {
        let Some(entry) = manifest.entry("ids") else { return };
        let path = dir.path().join(entry.name());
        let walked = dir.open(&entry.name(), Open::Read).and_then(|file| {
            idsfile::blocks(&file, manifest, |block| match block {
                Block::Ids { first, ids } => self.ids(first, ids),
                Block::Dead { slots, .. } => self.dead.extend(slots),
                Block::Damaged { at, what } => self.lose(path.clone(), at, what),
            })
        });
        if let Err(error) = walked {
            self.lose(path, 0, error.to_string());
        }
    }

    /// The records of the log that are whole, also behind broken ones.
    fn log(&mut self, dir: &Dir, manifest: &Manifest, layout: Layout) {
        let name = numbered("commits", manifest.log);
        let walked = dir.open(&name, Open::Read).and_then(|file| {
            let reader = Reader::new(&file, manifest, layout)?;
            let (mut at, mut commit) = (HEADER, manifest.base_commit);
            while let Some((found, record)) = reader.next_whole(at)? {
                if found > at {
                    let lost = match record.commit.saturating_sub(commit) {
                        0 | 1 => format!("{} bytes behind commit {commit} are damaged", found - at),
                        2 => format!("commit {} is damaged, {} bytes", commit + 1, found - at),
                        _ => {
                            format!("commits {} to {} are damaged, {} bytes", commit + 1, record.commit - 1, found - at)
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
                let what = format!("what follows commit {commit} is no whole commit: damaged, or cut short by a crash");
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
        let (ids, rest) = body.split_at(record.ids_bytes as usize);
        let first = record.first_slot;
        let kind = manifest.schema.ids;
        if take_ids(&mut Fields(ids), kind, record.rows as usize, |ids| self.ids(first, ids)).is_none() {
            return Err(file.corrupt(at, "a commit's ids cannot be read"));
        }
        let carried = if record.inline { record.rows as usize * layout.row_bytes } else { 0 };
        let (rows, rest) = rest.split_at(carried);
        for (i, row) in rows.chunks_exact(layout.row_bytes).enumerate() {
            self.inline.insert(first + i as u32, row.into());
        }
        self.dead.extend(rest.as_chunks().0.iter().take(record.dead as usize).map(|slot| u32::from_le_bytes(*slot)));
        Ok(())
    }
}
