//! Rows in anonymous memory, for backends that store them there.

use std::path::Path;
use std::sync::Arc;

use crate::state::region::Region;
use crate::state::table::Table;
use crate::{RowSource, StorageError};

/// Rows read from the source at once.
const PIECE: usize = 8192;

/// Writes rows to the slots from `first` on, which are behind the last visible one, and grows the table. Its segments are
/// anonymous.
pub(crate) fn put_rows(table: &mut Table, first: u32, rows: &dyn RowSource) -> Result<(), StorageError> {
    let layout = table.layout();
    assert!(first >= table.now().slots(), "rows that a view shows do not change");
    let wanted = layout.segments(u64::from(first) + rows.len() as u64);
    while table.segments().len() < wanted {
        let reserve = |source| StorageError::io(Path::new("memory"), "reserve", source);
        table.grow(Arc::new(Region::anonymous(layout.segment_bytes()).map_err(reserve)?));
    }
    for (done, slot, n) in layout.runs(first, rows.len(), PIECE) {
        let (segment, at) = layout.place(slot);
        // SAFETY: these slots are at or behind the last view's end, so that no reference to them
        // exists; the caller holds the only table.
        let out = unsafe { table.segments()[segment].bytes_mut(at, n * layout.stride) };
        rows.fill(done..done + n, layout.stride, out);
    }
    Ok(())
}

/// A row that `put_rows` wrote, committed or not.
#[cfg(feature = "rocksdb")]
pub(crate) fn row_written(table: &Table, slot: u32) -> &[u8] {
    let layout = table.layout();
    let (segment, at) = layout.place(slot);
    // SAFETY: rows that no view shows are written by `put_rows` alone, which needs the table
    // mutably: not while this slice borrows it. Others do not change.
    unsafe { table.segments()[segment].bytes(at, layout.row_bytes) }
}
