//! Rows of a view in another order.

use std::ops::Range;

use crate::{RowSource, View};

/// The rows of the slots in `order`, for compaction.
pub(crate) struct Reordered<'a> {
    pub(crate) view: &'a View,
    pub(crate) order: &'a [u32],
}

impl RowSource for Reordered<'_> {
    fn len(&self) -> usize {
        self.order.len()
    }

    fn fill(&self, rows: Range<usize>, stride: usize, out: &mut [u8]) {
        for (to, &slot) in out.chunks_exact_mut(stride).zip(&self.order[rows]) {
            to[..self.view.row_bytes()].copy_from_slice(self.view.row(slot));
        }
    }
}
