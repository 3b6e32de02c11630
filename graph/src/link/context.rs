//! The state of a call that links, and how reverse edges are written.

use rayon::prelude::*;

use super::task::Task;
use super::worker::{ReverseEdge, Worker};
use super::{BuildOptions, Linked};
use crate::level::LevelRow;
use crate::search::scratch::{ObjectPool, Pooled};
use crate::{Graph, Space};

/// The largest batch. A larger one makes no better use of the threads and delays a stop.
///
/// Rows of one batch are not candidates of each other. Figures: docs/experiments/012.
pub(super) const LARGEST_CAP: usize = 8192;

/// The state of one call that links.
pub(super) struct Linking<'a, S: Space> {
    pub(super) task: Task<'a, S>,
    pool: ObjectPool<Worker<S::Probe>>,
    pub(super) distances: u64,
    /// The linked rows of each level so far: batches double with it.
    pub(super) linked: Vec<usize>,
    /// New rows in the base so far.
    pub(super) done: u32,
    /// Whether to record dropped edges, so that not all rows need a check afterwards.
    pub(super) remembers: bool,
}

impl<'a, S: Space> Linking<'a, S> {
    /// A state in which no row is linked and dropped edges are not recorded.
    pub(super) fn new(graph: Graph, space: &'a S, options: &'a BuildOptions) -> Self {
        let task = Task { graph, space, options };
        Linking { task, pool: ObjectPool::new(), distances: 0, linked: Vec::new(), done: 0, remembers: false }
    }

    /// Returns the graph, and the rows that lost an edge to them, if those were recorded.
    pub(super) fn finish(self) -> (Linked, Vec<LevelRow>) {
        let dropped = self.pool.into_inner().into_iter().flat_map(|worker| worker.dropped).collect();
        (Linked { graph: self.task.graph, distances: self.distances, repaired: 0 }, dropped)
    }

    /// Writes the reverse edges of rows that have their lists. Returns the distances computed, including those of
    /// `found`.
    pub(super) fn add_all_reverse_edges<L: Space<Probe = S::Probe>>(
        &self,
        level: usize,
        space: &L,
        found: impl ParallelIterator<Item = (Vec<ReverseEdge>, u64)>,
    ) -> u64 {
        let (mut reverse, searched) = found
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
        reverse.par_sort_unstable();
        let groups: Vec<&[ReverseEdge]> = reverse.chunk_by(|a, b| a.0 == b.0).collect();
        let add_reverse_edges = |pooled: &mut Pooled<'_, Worker<S::Probe>>, group: &&[ReverseEdge]| {
            let worker = pooled.get();
            let computed = worker.add_reverse_edges(&self.task, level, space, group);
            if self.remembers {
                worker.remember_dropped(level);
            }
            computed
        };
        let pruned: u64 = groups.par_iter().map_init(|| self.worker(), add_reverse_edges).sum();
        searched + pruned
    }

    /// Takes a worker from the pool, for one thread.
    pub(super) fn worker(&self) -> Pooled<'_, Worker<S::Probe>> {
        self.pool.take(|| Worker::new(self.task.space.probe(), self.task.space.probe()))
    }
}
