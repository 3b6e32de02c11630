//! Near rows from a search of the graph: over codes, after which exact distances decide, or over rows.

use omendb_graph::{Neighbour, Scratch, SearchCount, Space};
use omendb_kernels::NibbleQuery;

use crate::input::query::Probe;
use crate::input::values;
use crate::state::codes::{CodeSpace, Codes};
use crate::state::space::Rows;

/// What a search of the graph found, and its memory.
#[derive(Default)]
pub(crate) struct NearRows {
    query: NibbleQuery,
    row: Vec<f32>,
    values: Vec<i8>,
    slots: Vec<u32>,
    distances: Vec<f32>,
    /// The rows that were found, nearest first.
    pub(crate) found: Vec<Neighbour>,
}

impl NearRows {
    /// Finds rows near `probe`. `search` searches a graph over codes. None if codes cannot tell which are the `k` nearest of
    /// `width`: the query is unlike the rows, or many rows have the same codes.
    pub(crate) fn over_codes(
        &mut self,
        codes: &Codes,
        rows: &Rows<'_>,
        probe: &Probe,
        (k, width): (usize, usize),
        scratch: &mut Scratch,
        search: impl FnOnce(&CodeSpace<'_>, &NibbleQuery, &mut Scratch) -> SearchCount,
    ) -> Option<SearchCount> {
        let space = codes.space();
        self.row.clear();
        values::read(probe.kind(), probe.bytes(), &mut self.row);
        if !space.grid.prepare(&self.row, &mut self.values, &mut self.query) {
            return None;
        }
        let count = search(&space, &self.query, scratch);
        self.found.clear();
        self.found.extend(scratch.nearest());
        let (last, kth) = (self.found.last(), self.found.get(k.saturating_sub(1)));
        if k < width && self.found.len() >= width && last.map(|near| near.distance) == kth.map(|near| near.distance) {
            return None;
        }
        self.slots.clear();
        self.slots.extend(self.found.iter().map(|near| near.slot));
        self.distances.resize(self.slots.len(), 0.0);
        rows.fetch(&self.slots);
        rows.distances(probe, &self.slots, &mut self.distances);
        self.found.iter_mut().zip(&self.distances).for_each(|(near, &distance)| near.distance = distance);
        self.found.sort_unstable_by(|a, b| a.distance.total_cmp(&b.distance).then(a.slot.cmp(&b.slot)));
        Some(count)
    }

    /// Finds rows. `search` searches a graph over rows.
    pub(crate) fn over_rows(
        &mut self,
        scratch: &mut Scratch,
        search: impl FnOnce(&mut Scratch) -> SearchCount,
    ) -> SearchCount {
        let count = search(scratch);
        self.found.clear();
        self.found.extend(scratch.nearest());
        count
    }
}
