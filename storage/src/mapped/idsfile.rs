//! The ids file of a checkpoint: each slot's id and its row's checksum, and the deleted slots, in blocks with checksums.
//!
//! The checksums bind ids and rows together. A row of another commit or database matches the checksum in its segment, but
//! not the one stored with its id.

use std::io::{BufReader, Read};
use std::ops::RangeInclusive;

use super::magic;
use super::manifest::{Entry, Manifest};
use super::owned;
use super::record::put_checksums;
use super::segment::Segment;
use super::stream::{Sink, Source};
use crate::fields::Fields;
use crate::files::dir::{Dir, DirFile};
use crate::files::id_codec::{Put, put_ids, take_ids};
use crate::state::layout::Layout;
use crate::state::table::{Table, ids_in_order};
use crate::{IdColumn, IdKind, MAX_TEXT_ID, StorageError, View};

pub(crate) const HEADER: usize = 64;
/// The slots, or deleted slots, of a block. The last one may have fewer.
pub(crate) const BLOCK: usize = 4096;
/// The header of a block: its length and its checksum.
const BLOCK_HEADER: usize = 8;

/// Writes the ids, checksums and deletes of a view as `ids.{number}`. The directory is not synced.
pub(crate) fn write(
    dir: &Dir,
    manifest: &Manifest,
    layout: Layout,
    view: &View,
    segments: &[Segment],
    number: u64,
) -> Result<Entry, StorageError> {
    let order: Vec<u32> = (0..view.slots()).collect();
    let dead: Vec<u32> = (0..view.slots()).filter(|&slot| view.is_dead(slot)).collect();
    let mut entry = Entry { kind: "ids".into(), number, bytes: 0, crc: 0 };
    let header = header(manifest, order.len() as u32, dead.len() as u32, number);
    let file = owned::create(dir, &entry.name(), manifest.database, &header)?;
    let mut sink = Sink::new(&file, 0);
    sink.put(&header)?;
    let mut first = 0;
    ids_in_order(view, &order, BLOCK, |ids| {
        let mut block = Vec::new();
        put_ids(&mut block, ids)?;
        for (_, slot, rows) in layout.runs(first, ids.len(), usize::MAX) {
            let (segment, at) = layout.place(slot);
            put_checksums(&mut block, &segments[segment].checksums(at / layout.stride, rows)?)?;
        }
        first += ids.len() as u32;
        put_block(&mut sink, &block)
    })?;
    for piece in dead.chunks(BLOCK) {
        let block: Vec<u8> = piece.iter().flat_map(|slot| slot.to_le_bytes()).collect();
        put_block(&mut sink, &block)?;
    }
    (entry.bytes, entry.crc) = sink.finish()?;
    file.sync()?;
    Ok(entry)
}

fn put_block(sink: &mut Sink<'_>, block: &[u8]) -> Result<(), StorageError> {
    sink.put(&(block.len() as u32).to_le_bytes())?;
    sink.put(&crc32c::crc32c(block).to_le_bytes())?;
    sink.put(block)
}

/// Opens the file and checks its header.
pub(crate) fn open(dir: &Dir, manifest: &Manifest, entry: &Entry) -> Result<DirFile, StorageError> {
    let file = dir.open(&entry.name(), crate::files::medium::Open::Read)?;
    let length = file.len()?;
    if length != entry.bytes {
        return Err(file.corrupt(length.min(entry.bytes), format!("file has {length} bytes; expected {}", entry.bytes)));
    }
    let least = match manifest.schema.ids {
        IdKind::U64 => 8,
        IdKind::Text => 2,
    };
    let least = least + checksum_bytes(manifest) as u64;
    if u64::from(manifest.base_slots) * least + 4 * u64::from(manifest.base_dead) > length {
        return Err(file.corrupt(length, format!("file is too short for {} slots", manifest.base_slots)));
    }
    let mut found = vec![0; HEADER];
    file.read_at(&mut found, 0)?;
    let expected = header(manifest, manifest.base_slots, manifest.base_dead, entry.number);
    if found != expected {
        let at = found.iter().zip(&expected).take_while(|(found, expected)| found == expected).count();
        return Err(file.corrupt(at as u64, "header is damaged"));
    }
    Ok(file)
}

/// Reads the file into a table that is restored to the manifest's base.
pub(crate) fn load(file: &DirFile, manifest: &Manifest, table: &mut Table) -> Result<(), StorageError> {
    let mut first_dead = None;
    let mut damage = None;
    blocks(file, manifest, |block| match block {
        Block::Ids { first, ids, .. } => table.restore_ids(first, ids),
        Block::Dead { at, slots } => {
            for &slot in slots {
                if !table.restore_death(slot) {
                    first_dead.get_or_insert((at, slot));
                }
            }
        }
        Block::Damaged { at, what } => {
            damage.get_or_insert((at, what));
        }
    })?;
    if let Some((at, what)) = damage {
        return Err(file.corrupt(at, what));
    }
    match first_dead {
        None => Ok(()),
        Some((at, slot)) => Err(file.corrupt(at, format!("slot {slot} of {} is deleted twice", manifest.base_slots))),
    }
}

/// A block of the file.
pub(crate) enum Block<'a> {
    /// Ids of the slots from `first` on, and the checksums of their rows (none before version 3).
    Ids { first: u32, ids: IdColumn<'a>, checksums: &'a [u32] },
    /// Deleted slots.
    Dead { at: u64, slots: &'a [u32] },
    /// A damaged block. Later blocks of number ids and of deletes can still be found. Later blocks of string ids can be found
    /// unless a length is damaged.
    Damaged { at: u64, what: String },
}

/// Reads the blocks in order, including damaged ones.
pub(crate) fn blocks(file: &DirFile, manifest: &Manifest, mut take: impl FnMut(Block<'_>)) -> Result<(), StorageError> {
    let end = file.len()?;
    let begin = (HEADER as u64).min(end);
    let mut walk = Walk { source: Source::new(file, begin, end), at: begin, end, block: Vec::new() };
    let (kind, each) = (manifest.schema.ids, checksum_bytes(manifest));
    for first in (0..manifest.base_slots).step_by(BLOCK) {
        let n = BLOCK.min((manifest.base_slots - first) as usize);
        let possible = match kind {
            IdKind::U64 => 8..=8,
            IdKind::Text => 2..=2 + MAX_TEXT_ID,
        };
        let possible = (possible.start() + each) * n..=(possible.end() + each) * n;
        let Some((at, good)) = walk.next(possible) else {
            take(Block::Damaged { at: walk.at, what: format!("cannot find the ids from slot {first} on") });
            return Ok(());
        };
        let (ids, checksums) = walk.block.split_at(walk.block.len() - each * n);
        let checksums: Vec<u32> = checksums.as_chunks().0.iter().map(|sum| u32::from_le_bytes(*sum)).collect();
        let take_block = |ids: IdColumn<'_>| take(Block::Ids { first, ids, checksums: &checksums });
        if !good || take_ids(&mut Fields(ids), kind, n, take_block).is_none() {
            let last = first as usize + n - 1;
            let what = format!("the ids of slots {first} to {last} do not match their checksum");
            take(Block::Damaged { at, what });
        }
    }
    for first in (0..manifest.base_dead).step_by(BLOCK) {
        let n = BLOCK.min((manifest.base_dead - first) as usize);
        let Some((at, good)) = walk.next(4 * n..=4 * n) else {
            take(Block::Damaged { at: walk.at, what: "cannot find the deleted slots".into() });
            return Ok(());
        };
        if good {
            let slots: Vec<u32> = walk.block.as_chunks().0.iter().map(|slot| u32::from_le_bytes(*slot)).collect();
            take(Block::Dead { at, slots: &slots });
        } else {
            take(Block::Damaged { at, what: format!("{n} deleted slots do not match their checksum") });
        }
    }
    if walk.at != end {
        take(Block::Damaged { at: walk.at, what: format!("{} bytes follow the last block", end - walk.at) });
    }
    Ok(())
}

struct Walk<'a> {
    source: BufReader<Source<'a>>,
    at: u64,
    end: u64,
    block: Vec<u8>,
}

impl Walk<'_> {
    /// Reads the next block. Returns its position and whether its checksum matches. If only one length is possible, the block
    /// is found even if its header is damaged.
    fn next(&mut self, possible: RangeInclusive<usize>) -> Option<(u64, bool)> {
        let left = (self.end - self.at).checked_sub(BLOCK_HEADER as u64)?;
        let mut header = [0; BLOCK_HEADER];
        self.source.read_exact(&mut header).ok()?;
        let mut fields = Fields(&header);
        let (mut length, crc) = (fields.u32()? as usize, fields.u32()?);
        let named = possible.contains(&length);
        if possible.start() == possible.end() {
            length = *possible.start();
        } else if !named {
            return None;
        }
        if length as u64 > left {
            return None;
        }
        self.block.resize(length, 0);
        self.source.read_exact(&mut self.block).ok()?;
        let at = self.at;
        self.at += (BLOCK_HEADER + length) as u64;
        Some((at, named && crc == crc32c::crc32c(&self.block)))
    }
}

/// The bytes of a row's checksum in a block.
fn checksum_bytes(manifest: &Manifest) -> usize {
    if manifest.binds_rows() { size_of::<u32>() } else { 0 }
}

/// Magic, version, kind of ids, database, number, slots, dead slots, slots a block, checksum.
fn header(manifest: &Manifest, slots: u32, dead: u32, number: u64) -> Vec<u8> {
    let mut out = magic::IDS.to_vec();
    let version = if manifest.binds_rows() { 2u32 } else { 1 };
    out.extend_from_slice(&version.to_le_bytes());
    out.extend_from_slice(&u32::from(manifest.schema.ids == IdKind::Text).to_le_bytes());
    out.extend_from_slice(&manifest.database.to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    for field in [slots, dead, BLOCK as u32] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    out.resize(HEADER - 4, 0);
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}
