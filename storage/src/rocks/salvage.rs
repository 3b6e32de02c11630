//! Salvage: reads every row of a damaged database that RocksDB still reads.
//!
//! RocksDB has a checksum for each block and each value in blob files. Salvage skips what RocksDB refuses and continues after
//! it. It needs RocksDB's list of files (CURRENT and MANIFEST).

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::codec::{self, State, key, pair};
use super::families::{DEAD, ROWS, SLOTS};
use super::store::{INNER, Store};
use super::{load, pages};
use crate::files::dir::Dir;
use crate::files::medium::Disk;
use crate::{IdColumn, IdRef, Problem, Salvaged, Schema, StorageError};

/// Passes every row of a damaged database whose id and bytes are intact to `take`, in insertion order. Deleted rows are
/// skipped. Nothing at `path` changes.
///
/// If a delete or a replacement is lost, a deleted row is passed again. An id may then occur twice, the newer row later.
///
/// # Errors
/// Those of opening if RocksDB's list of files or the database's state cannot be read, and those of `take`.
pub fn salvage<E: From<StorageError>>(
    path: impl AsRef<Path>,
    mut take: impl FnMut(&Schema, IdRef<'_>, &[u8]) -> Result<(), E>,
) -> Result<Salvaged, E> {
    let path = path.as_ref();
    let dir = Dir::open_at(Arc::new(Disk), path)?;
    let (store, refused) = Store::open_damaged(&dir)?;
    let (schema, state) = load::meta(&store)?;
    let mut lost = Vec::new();
    let mut lose = |what: String| lost.push(Problem { file: path.join(INNER), offset: 0, what });
    if let Some(refused) = refused {
        lose(format!("the newest commits may be missing: {refused}"));
    }
    // A damaged list of files may seem to end early.
    for table in store.unlisted()? {
        lose(format!("the newest commits may be missing: RocksDB's list of files does not name {table}"));
    }
    let dead = dead(&store, &state, &mut lose);

    let mut page = Page { number: None, bytes: Vec::new() };
    let page_rows = pages::page_rows(schema.row_bytes);
    let (mut rows, mut outcome) = (0, Ok(()));
    ids(&store, &schema, &state, &mut lose, &mut |first, ids, lose| {
        for i in 0..ids.len() {
            let slot = first + i as u32;
            if outcome.is_err() || dead.contains(&slot) {
                continue;
            }
            page.read(&store, state.epoch, slot / page_rows, lose);
            let at = (slot % page_rows) as usize * schema.row_bytes;
            match page.bytes.get(at..at + schema.row_bytes) {
                Some(row) => {
                    outcome = take(&schema, ids.get(i), row);
                    rows += 1;
                }
                None => lose(format!("cannot read the row of slot {slot} (id {})", ids.get(i))),
            }
        }
    });
    outcome?;
    Ok(Salvaged { schema, rows, lost })
}

/// The last page, without bytes if it cannot be read.
struct Page {
    number: Option<u32>,
    bytes: Vec<u8>,
}

impl Page {
    fn read(&mut self, store: &Store, epoch: u64, number: u32, lose: &mut dyn FnMut(String)) {
        if self.number == Some(number) {
            return;
        }
        self.number = Some(number);
        self.bytes.clear();
        match store.get(ROWS, &key(epoch, number)) {
            Ok(Some(bytes)) => self.bytes.extend_from_slice(&bytes),
            Ok(None) => lose(format!("page {number} of the rows is missing")),
            Err(error) => lose(format!("page {number} of the rows: {error}")),
        }
    }
}

type Lose<'a> = dyn FnMut(String) + 'a;

/// Reads the ids, by the slot of the first.
fn ids(
    store: &Store,
    schema: &Schema,
    state: &State,
    lose: &mut Lose<'_>,
    each: &mut dyn FnMut(u32, IdColumn<'_>, &mut Lose<'_>),
) {
    let gap = |from: u32, to: u32| format!("cannot read the ids of slots {from} to {}", to - 1);
    let mut next = 0;
    let key_of = |slot: u64| key(state.epoch, slot as u32).to_vec();
    walk(store, SLOTS, u64::from(state.slots), &key_of, &mut |found| match found {
        Ok((at, value)) => {
            let first = codec::slot_of(at, state.epoch).filter(|first| (next..state.slots).contains(first))?;
            let read = codec::decode_ids(value, schema.ids, (state.slots - first) as usize, |ids| {
                if first > next {
                    lose(gap(next, first));
                }
                each(first, ids, lose);
                next = first + ids.len() as u32;
            });
            Some(u64::from(if read.is_some() { next } else { first + 1 }))
        }
        Err(error) => {
            lose(format!("ids from slot {next} on: {error}"));
            None
        }
    });
    if next < state.slots {
        lose(gap(next, state.slots));
    }
}

/// Reads the deleted slots.
fn dead(store: &Store, state: &State, lose: &mut Lose<'_>) -> HashSet<u32> {
    let mut dead = HashSet::new();
    let key_of = |commit: u64| pair(state.epoch, commit).to_vec();
    walk(store, DEAD, state.commit + 1, &key_of, &mut |found| match found {
        Ok((at, value)) => {
            let commit = codec::commit_of(at, state.epoch)?;
            match codec::decode_slots(value) {
                Some(slots) => dead.extend(slots),
                None => lose(format!("cannot read the deletes of commit {commit}")),
            }
            commit.checked_add(1)
        }
        Err(error) => {
            lose(format!("deletes: {error}"));
            None
        }
    });
    dead
}

/// A key and its value, or an error.
type Found<'a> = Result<(&'a [u8], &'a [u8]), StorageError>;

/// Passes the pairs of a family from number 0 to `end` to `each`. A damaged part is passed as one error, and reading continues
/// after it. `each` returns the next number, or `None` to end.
fn walk(
    store: &Store,
    family: &str,
    end: u64,
    key_of: &dyn Fn(u64) -> Vec<u8>,
    each: &mut dyn FnMut(Found<'_>) -> Option<u64>,
) {
    // The step grows with each error, so that a large damaged part is crossed soon and little is lost after a small one.
    let (mut from, mut step) = (0, 0);
    'whole: while from < end {
        for found in store.from(family, &key_of(from)) {
            match found {
                Ok((at, value)) => match each(Ok((&at, &value))) {
                    Some(next) => (from, step) = (next, 0),
                    None => return,
                },
                Err(error) => {
                    if step == 0 {
                        each(Err(error));
                    }
                    step += 1;
                    from += step;
                    continue 'whole;
                }
            }
        }
        return;
    }
}
