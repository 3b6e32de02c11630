//! An immutable state of the storage.

use std::fmt;
use std::sync::Arc;

use crate::IdRef;
use crate::state::layout::Layout;
use crate::state::region::Region;
use crate::state::slots::Slots;

/// The state after one commit. It stays readable and does not change while it is held: rows never move, and later deletes
/// are not visible.
///
/// Calls that take a slot panic if it is not below [`View::slots`].
#[derive(Clone)]
pub struct View {
    pub(crate) layout: Layout,
    pub(crate) epoch: u64,
    pub(crate) commit: u64,
    pub(crate) slots: u32,
    pub(crate) live: u32,
    pub(crate) segments: Arc<[Arc<Region>]>,
    /// The first byte of each segment's rows, in one array: one load to reach a row.
    pub(crate) bases: Arc<[Base]>,
    pub(crate) table: Slots,
}

/// The first byte of a segment's rows.
#[derive(Clone, Copy)]
pub(crate) struct Base(pub(crate) *const u8);

// SAFETY: points into a region of the same view, which is `Send` and `Sync`.
unsafe impl Send for Base {}
// SAFETY: as for `Send`.
unsafe impl Sync for Base {}

impl View {
    /// The number of its last commit; 0 for a new database.
    #[must_use]
    pub fn commit(&self) -> u64 {
        self.commit
    }

    /// The epoch: slots are comparable within one. `clear` and `compact` begin another.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The number of slots, deleted ones included: `0..slots()`.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// The number of slots that are not deleted.
    #[must_use]
    pub fn live(&self) -> u32 {
        self.live
    }

    /// The bytes of one row.
    #[must_use]
    pub fn row_bytes(&self) -> usize {
        self.layout.row_bytes
    }

    /// The row of a slot: `row_bytes` long, on a 64-byte boundary.
    #[inline]
    #[must_use]
    pub fn row(&self, slot: u32) -> &[u8] {
        self.check(slot);
        let (segment, at) = self.layout.place(slot);
        let base = self.bases[segment].0;
        // SAFETY: a slot below `slots` is in its segment, which `segments` keeps mapped. Its bytes were written before this
        // view was made and do not change: the writer only overwrites rows that no view shows, and a refused commit is in no
        // view (`mapped/flight.rs`).
        unsafe { std::slice::from_raw_parts(base.add(at), self.layout.row_bytes) }
    }

    /// The rows from `slot` to the end of its segment or of the view, one every `stride` bytes:
    /// `(bytes, stride, rows)`, with `bytes.len() == rows * stride`.
    #[inline]
    #[must_use]
    pub fn run(&self, slot: u32) -> (&[u8], usize, usize) {
        self.check(slot);
        let (segment, at) = self.layout.place(slot);
        let stride = self.layout.stride;
        let to_end = self.layout.segment_rows() - at / stride;
        let rows = to_end.min((self.slots - slot) as usize);
        // SAFETY: as in `row`, for every slot of the run; padding is written with its row.
        let bytes = unsafe { std::slice::from_raw_parts(self.bases[segment].0.add(at), rows * stride) };
        (bytes, stride, rows)
    }

    /// The id of a slot, deleted or not.
    #[inline]
    #[must_use]
    pub fn id(&self, slot: u32) -> IdRef<'_> {
        self.check(slot);
        self.table.id(slot)
    }

    /// Whether a slot is deleted as of this view's commit.
    #[inline]
    #[must_use]
    pub fn is_dead(&self, slot: u32) -> bool {
        self.check(slot);
        self.table.is_dead(slot, self.commit)
    }

    /// The slots that are not deleted, in order.
    pub fn living(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.slots).filter(|&slot| !self.is_dead(slot))
    }

    #[inline]
    fn check(&self, slot: u32) {
        assert!(slot < self.slots, "slot {slot} of a view with {} slots", self.slots);
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("commit", &self.commit)
            .field("epoch", &self.epoch)
            .field("slots", &self.slots)
            .field("live", &self.live)
            .finish_non_exhaustive()
    }
}
