//! Near rows from a search of the graph: over codes, after which exact distances decide, or over rows.

use omendb_graph::{Neighbour, Scratch, SearchCount, Space, Width};
use omendb_kernels::NibbleQuery;

use crate::input::query::Probe;
use crate::input::values;
use crate::state::codes::{CodeSpace, Codes};
use crate::state::space::Rows;

/// The largest error of codes beside the range of distances. With a larger one, searches over codes miss rows. Figures:
/// docs/experiments/039.
const DOUBTFUL: f64 = 0.2;

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
    /// Finds rows near `probe`, about as many as a search over rows with this width does. `search` searches a graph over codes.
    /// None if codes cannot tell which are the `k` nearest: the query is unlike the rows, or many rows have the same codes.
    pub(crate) fn over_codes(
        &mut self,
        codes: &Codes,
        rows: &Rows<'_>,
        probe: &Probe,
        (k, width): (usize, usize),
        scratch: &mut Scratch,
        search: impl FnOnce(&CodeSpace<'_>, &NibbleQuery, Width, &mut Scratch) -> SearchCount,
    ) -> Option<SearchCount> {
        let space = codes.space();
        self.row.clear();
        values::read(probe.kind(), probe.bytes(), &mut self.row);
        if !space.grid.prepare(&self.row, &mut self.values, &mut self.query) {
            return None;
        }
        let width = width_over_codes(k, width);
        let count = search(&space, &self.query, width, scratch);
        self.found.clear();
        self.found.extend(scratch.nearest());
        if self.is_tied(k, width.kept) {
            return None;
        }
        self.slots.clear();
        self.slots.extend(self.found.iter().map(|near| near.slot));
        self.distances.resize(self.slots.len(), 0.0);
        rows.fetch(&self.slots);
        rows.distances(probe, &self.slots, &mut self.distances);
        if self.is_doubtful() {
            return None;
        }
        self.found.iter_mut().zip(&self.distances).for_each(|(near, &distance)| near.distance = distance);
        self.found.sort_unstable_by(|a, b| a.distance.total_cmp(&b.distance).then(a.slot.cmp(&b.slot)));
        Some(count)
    }

    /// Whether the `k` nearest of `kept` have the same codes, or the k-th has those of the last, beyond which there are more.
    fn is_tied(&self, k: usize, kept: usize) -> bool {
        let at = |place: usize| self.found.get(place).map(|near| near.distance);
        let (first, kth, last) = (at(0), at(k.saturating_sub(1)), at(self.found.len().saturating_sub(1)));
        kth.is_some() && (k > 1 && first == kth || k < kept && self.found.len() >= kept && kth == last)
    }

    /// Whether the errors of codes are large beside the differences between the rows that were found: what is left of exact
    /// distances after a linear fit to those over codes, beside the range of the fit.
    fn is_doubtful(&self) -> bool {
        let n = self.found.len().max(1) as f64;
        let pair = |(near, &exact): (&Neighbour, &f32)| (f64::from(near.distance), f64::from(exact));
        let pairs = || self.found.iter().zip(&self.distances).map(pair);
        let mean = pairs().fold((0.0, 0.0), |sum, (code, exact)| (sum.0 + code / n, sum.1 + exact / n));
        let (mut squares, mut both, mut exacts) = (0.0, 0.0, 0.0);
        for (code, exact) in pairs().map(|(code, exact)| (code - mean.0, exact - mean.1)) {
            squares += code * code / n;
            both += code * exact / n;
            exacts += exact * exact / n;
        }
        let slope = if squares > 0.0 { (both / squares).max(0.0) } else { 0.0 };
        let range = self.found.first().zip(self.found.last()).map_or(0.0, |(a, b)| f64::from(b.distance - a.distance));
        exacts - slope * both > (DOUBTFUL * slope * range).powi(2)
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

/// The width of a search over codes that finds at least what one over rows finds of `k` rows. Codes order rows roughly, so it
/// expands more, and exact distances choose `k` of more. Figures: docs/experiments/039.
fn width_over_codes(k: usize, width: usize) -> Width {
    let expanded = width + width / 8;
    Width { expanded, kept: expanded.max(k + k / 2) }
}
