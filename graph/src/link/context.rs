//! What every way of linking shares: the state of a call, and how edges back are written.

use rayon::prelude::*;

use super::worker::{BackEdge, Worker};
use super::{BuildOptions, Linked};
use crate::search::scratch::{Lent, Shelf};
use crate::{Graph, Space};

/// Batches larger than this make no better use of the threads, and keep a wish to stop waiting.
///
/// Rows of one batch do not see each other. Measured with those as candidates, too, that found one of
/// the same sixteen nearest rows: for 8 % more distances a row and a tenth more time it finds at equal
/// distances 0.03 to 0.17 points more on mnist784, which L = 150 does not, 0.1 to 0.3 below a recall of
/// 0.99 on wordnet384, and nothing on sift500k. Batches of a tenth or a quarter of the graph, with them,
/// find 0.1 to 0.8 points less there and are no faster; smaller batches, or ones that grow by a
/// thirty-second, find no more.
pub(super) const LARGEST_CAP: usize = 8192;

/// A level's number, and a row's there.
pub(crate) type LevelRow = (usize, u32);

/// The state of one call that links.
pub(super) struct Linking<'a, S: Space> {
    pub(super) graph: Graph,
    pub(super) space: &'a S,
    pub(super) options: &'a BuildOptions,
    shelf: Shelf<Worker<S::Probe>>,
    pub(super) distances: u64,
    /// How many rows of each level can be found by now: batches double with it.
    pub(super) linked: Vec<usize>,
    /// New rows in the base so far.
    pub(super) done: u32,
    /// Whether edges that are dropped are remembered, instead of looking at all rows.
    pub(super) remembers: bool,
}

impl<'a, S: Space> Linking<'a, S> {
    /// Nothing is linked yet, and all will be looked at.
    pub(super) fn new(graph: Graph, space: &'a S, options: &'a BuildOptions) -> Self {
        let shelf = Shelf::new();
        Linking { graph, space, options, shelf, distances: 0, linked: Vec::new(), done: 0, remembers: false }
    }

    /// What was linked, and the rows to which an edge was dropped, if those were remembered.
    pub(super) fn finish(self) -> (Linked, Vec<LevelRow>) {
        let dropped = self.shelf.into_inner().into_iter().flat_map(|worker| worker.dropped).collect();
        (Linked { graph: self.graph, distances: self.distances, repaired: 0 }, dropped)
    }

    /// Writes the edges back of rows that have their lists; returns the distances computed, with those that
    /// finding them took.
    pub(super) fn settle<L: Space<Probe = S::Probe>>(
        &self,
        level: usize,
        space: &L,
        found: impl ParallelIterator<Item = (Vec<BackEdge>, u64)>,
    ) -> u64 {
        let (mut back, searched) = found
            .fold(
                || (Vec::new(), 0),
                |(mut edges, total), (more, distances)| {
                    edges.extend(more);
                    (edges, total + distances)
                },
            )
            .reduce(
                || (Vec::new(), 0),
                |(mut left, a), (right, b)| {
                    left.extend(right);
                    (left, a + b)
                },
            );
        back.par_sort_unstable();
        let groups: Vec<&[BackEdge]> = back.chunk_by(|a, b| a.0 == b.0).collect();
        let take_back = |lent: &mut Lent<'_, Worker<S::Probe>>, group: &&[BackEdge]| {
            let worker = lent.get();
            let computed = worker.take_back(self, level, space, group);
            if self.remembers {
                worker.remember_dropped(level);
            }
            computed
        };
        let pruned: u64 = groups.par_iter().map_init(|| self.worker(), take_back).sum();
        searched + pruned
    }

    /// A thread's own, for as long as it has it.
    pub(super) fn worker(&self) -> Lent<'_, Worker<S::Probe>> {
        self.shelf.take(|| Worker::new(self.space.probe(), self.space.probe()))
    }
}
