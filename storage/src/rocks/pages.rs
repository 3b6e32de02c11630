//! Rows in pages, under epoch and page number. A page has as many whole rows as fit 8 KiB, at least one.

use std::ops::Range;

use rocksdb::WriteBatch;

use super::codec::{State, key, slot_of};
use super::families::ROWS;
use super::store::Store;
use crate::state::anonymous::{put_rows, row_written};
use crate::state::table::Table;
use crate::{Packed, StorageError, View};

/// Rows in a page.
pub(super) fn page_rows(row_bytes: usize) -> u32 {
    const PAGE: usize = 8 << 10;
    (PAGE / row_bytes).max(1) as u32
}

/// The slots of a page, of those below `end`.
fn slots_of(page: u32, page_rows: u32, end: u32) -> Range<u32> {
    page * page_rows..end.min((page + 1).saturating_mul(page_rows))
}

/// Puts the pages of the slots `first..end` of a table into batches. All but the last are written.
pub(super) fn put(store: &Store, table: &Table, epoch: u64, first: u32, end: u32) -> Result<WriteBatch, StorageError> {
    // Again, because the table has grown meanwhile.
    store.check_room()?;
    let rows = store.family(ROWS);
    let mut batch = WriteBatch::default();
    let page_rows = page_rows(table.layout().row_bytes);
    let mut value = Vec::new();
    for page in first / page_rows..end.div_ceil(page_rows) {
        value.clear();
        for slot in slots_of(page, page_rows, end) {
            value.extend_from_slice(row_written(table, slot));
        }
        batch.put_cf(rows, key(epoch, page), &value);
        store.write_ahead(&mut batch)?;
    }
    Ok(batch)
}

/// Reports every page that does not match the rows of a view.
pub(super) fn verify(store: &Store, view: &View, tell: &mut dyn FnMut(String)) {
    let page_rows = page_rows(view.row_bytes());
    for page in 0..view.slots().div_ceil(page_rows) {
        let slots = slots_of(page, page_rows, view.slots());
        let expected: Vec<u8> = slots.clone().flat_map(|slot| view.row(slot).iter().copied()).collect();
        match store.get(ROWS, &key(view.epoch(), page)) {
            Ok(Some(found)) if found.starts_with(&expected) => {}
            Ok(_) => tell(format!("the rows of slots {slots:?} differ from those in memory")),
            Err(error) => tell(format!("the rows of slots {slots:?}: {error}")),
        }
    }
}

/// Reads the rows of a state into a table's memory, behind its last slot.
pub(super) fn read_into(store: &Store, table: &mut Table, state: &State) -> Result<(), StorageError> {
    // Bytes of rows per call.
    const PIECE: usize = 1 << 20;
    let row_bytes = table.layout().row_bytes;
    let page_rows = page_rows(row_bytes);
    let pages = state.slots.div_ceil(page_rows);
    let (mut piece, mut first, mut next) = (Vec::with_capacity(PIECE), 0, 0);
    for pair in store.from(ROWS, &key(state.epoch, 0)).take(pages as usize) {
        let (at, value) = pair?;
        let slots = slots_of(next, page_rows, state.slots);
        let wanted = slots.len() * row_bytes;
        if slot_of(&at, state.epoch) != Some(next) || value.len() < wanted {
            break;
        }
        piece.extend_from_slice(&value[..wanted]);
        next += 1;
        if piece.len() >= PIECE || next == pages {
            put_rows(table, first, &Packed::new(&piece, row_bytes))?;
            first = slots.end;
            piece.clear();
        }
    }
    if next == pages { Ok(()) } else { Err(store.corrupt(format!("page {next} of the rows is missing or short"))) }
}
