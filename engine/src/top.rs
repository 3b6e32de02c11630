//! The k nearest rows met so far, ties by id.

use std::cmp::Ordering;

use omendb_graph::Neighbour;
use omendb_storage::View;

/// At most k rows, nearest first.
pub(crate) struct Top<'a> {
    view: &'a View,
    k: usize,
    found: Vec<Neighbour>,
}

impl<'a> Top<'a> {
    pub(crate) fn new(view: &'a View, k: usize) -> Self {
        Top { view, k, found: Vec::with_capacity(k.min(4096) + 1) }
    }

    pub(crate) fn clear(&mut self) {
        self.found.clear();
    }

    pub(crate) fn is_full(&self) -> bool {
        self.found.len() == self.k
    }

    /// Whether a row at this distance might be among the k nearest.
    #[inline]
    pub(crate) fn wants(&self, distance: f32) -> bool {
        self.found.len() < self.k || self.found.last().is_some_and(|worst| distance <= worst.distance)
    }

    /// Takes the row if it is among the k nearest.
    pub(crate) fn offer(&mut self, distance: f32, slot: u32) {
        if !self.wants(distance) {
            return;
        }
        let new = Neighbour { distance, slot };
        let place = self.found.partition_point(|other| self.order(other, &new) == Ordering::Less);
        if place < self.k {
            self.found.insert(place, new);
            self.found.truncate(self.k);
        }
    }

    fn order(&self, a: &Neighbour, b: &Neighbour) -> Ordering {
        let distance = a.distance.total_cmp(&b.distance);
        distance.then_with(|| self.view.id(a.slot).cmp(&self.view.id(b.slot)))
    }

    /// Nearest first.
    pub(crate) fn found(&self) -> impl Iterator<Item = Neighbour> + '_ {
        self.found.iter().copied()
    }
}
