//! The k nearest rows so far; ties are broken by id.

use std::cmp::Ordering;

use omendb_graph::Neighbour;
use omendb_storage::View;

/// Rows beyond k that may gather before the farthest are dropped.
const SLACK: usize = 64;

/// At least the k nearest rows of all that were offered; twice as many and a few, at most.
pub(crate) struct Top<'a> {
    view: &'a View,
    k: usize,
    /// Kept beyond the k nearest.
    spare: usize,
    found: Vec<Neighbour>,
    /// No row farther than this is among the k nearest.
    farthest: f32,
}

impl<'a> Top<'a> {
    pub(crate) fn new(view: &'a View, k: usize) -> Self {
        Top { view, k, spare: 0, found: Vec::new(), farthest: f32::INFINITY }
    }

    /// Keeps `spare` rows beyond the k nearest.
    pub(crate) fn with_spare(self, spare: usize) -> Self {
        Top { spare, ..self }
    }

    pub(crate) fn clear(&mut self) {
        self.found.clear();
        self.farthest = f32::INFINITY;
    }

    /// How many rows are wanted.
    pub(crate) fn k(&self) -> usize {
        self.k
    }

    /// Whether there are k rows.
    pub(crate) fn is_full(&self) -> bool {
        self.found.len() >= self.k
    }

    /// Whether a row at this distance might be among the k nearest.
    #[inline]
    pub(crate) fn wants(&self, distance: f32) -> bool {
        distance <= self.farthest
    }

    /// Takes the row if it might be among the k nearest.
    pub(crate) fn offer(&mut self, distance: f32, slot: u32) {
        if !self.wants(distance) {
            return;
        }
        self.found.push(Neighbour { distance, slot });
        if self.found.len() >= self.kept().saturating_mul(2).saturating_add(SLACK) {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        let (view, kept) = (self.view, self.kept());
        if self.found.len() > kept {
            let (_, last, _) = self.found.select_nth_unstable_by(kept - 1, |a, b| order(view, a, b));
            self.farthest = last.distance;
            self.found.truncate(kept);
        }
    }

    fn kept(&self) -> usize {
        self.k.saturating_add(self.spare)
    }

    /// The k nearest and the spare ones, nearest first.
    pub(crate) fn into_found(mut self) -> Vec<Neighbour> {
        self.shrink();
        let view = self.view;
        self.found.sort_unstable_by(|a, b| order(view, a, b));
        self.found
    }
}

fn order(view: &View, a: &Neighbour, b: &Neighbour) -> Ordering {
    let distance = a.distance.total_cmp(&b.distance);
    distance.then_with(|| view.id(a.slot).cmp(&view.id(b.slot)))
}
