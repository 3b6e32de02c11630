//! The work of one thread: finds and prunes the candidates of a row, and adds reverse edges.

use super::reservoir::Reservoir;
use super::task::Task;
use crate::csr::{Csr, Edge};
use crate::level::LevelRow;
use crate::prune::{Pruner, Rule};
use crate::{Neighbour, Scratch, Space};

/// A row to be linked, and where its search starts. Sorts by the path through the upper levels.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Located {
    path: Vec<u32>,
    row: u32,
    starts: Vec<u32>,
    distances: u64,
}

/// A reverse edge, from a chosen neighbour to the new row. Sorts by the neighbour, then nearest first.
pub(super) type ReverseEdge = (u32, u64);

/// The list of a new row, and its reverse edges.
pub(super) struct Found {
    pub(super) row: u32,
    pub(super) list: Vec<Edge>,
    pub(super) reverse: Vec<ReverseEdge>,
    pub(super) distances: u64,
}

/// The buffers of one thread that links rows.
pub(crate) struct Worker<P> {
    scratch: Scratch,
    pruner: Pruner,
    probe: P,
    other: P,
    candidates: Vec<Neighbour>,
    pub(super) dropped: Vec<LevelRow>,
}

impl<P: Send> Worker<P> {
    pub(crate) fn new(probe: P, other: P) -> Self {
        let (scratch, pruner) = (Scratch::new(), Pruner::default());
        Worker { scratch, pruner, probe, other, candidates: Vec::new(), dropped: Vec::new() }
    }

    /// Descends through the upper levels to where the search for `row` starts.
    pub(super) fn locate<S: Space<Probe = P>, L: Space<Probe = P>>(
        &mut self,
        task: &Task<'_, S>,
        level: usize,
        space: &L,
        row: u32,
    ) -> Located {
        space.load(row, &mut self.probe);
        let mut starts = Vec::new();
        let count = task.graph.descend(level, task.space, &self.probe, &mut starts, &mut self.scratch);
        Located { path: self.scratch.path.clone(), row, starts, distances: count.distances }
    }

    /// Finds the neighbours of a row.
    pub(super) fn find<S: Space<Probe = P>, L: Space<Probe = P>>(
        &mut self,
        task: &Task<'_, S>,
        level: usize,
        space: &L,
        located: &Located,
    ) -> Found {
        let (graph, options, row) = (&task.graph, task.options, located.row);
        space.load(row, &mut self.probe);
        let rule = graph.rule(level, options);
        let level = graph.level(level);
        let count = level.search(space, &self.probe, &located.starts, options.build_width, &mut self.scratch);
        self.candidates.clear();
        self.candidates.extend(self.scratch.expanded.iter().filter(|found| found.slot != row));
        let known = self.measure_known(space, &level.csr, row);
        let (reverse, pruned) = self.prune(space, row, rule);
        let distances = located.distances + count.distances + known + pruned;
        Found { row, list: self.list().collect(), reverse, distances }
    }

    /// Offers a row of the base what a prune chooses of a leaf. Returns the distances computed.
    pub(super) fn offer_chosen<S: Space<Probe = P>>(
        &mut self,
        task: &Task<'_, S>,
        leaf: &[u32],
        reservoir: &Reservoir,
        row: u32,
    ) -> u64 {
        let among = |slots: &mut Vec<u32>| slots.extend(leaf.iter().filter(|&&slot| slot != row));
        let rule = task.graph.rule(0, task.options);
        let computed = self.choose_among(task.space, row, among, rule);
        let keys: Vec<u64> = self.pruner.chosen.iter().map(|near| near.key()).collect();
        reservoir.offer(row, &keys, &mut Vec::new());
        computed
    }

    /// Prunes the offers to a row of the base and its present reverse edges. Writes the list and returns its reverse
    /// edges.
    pub(super) fn choose_from_offers<S: Space<Probe = P>>(
        &mut self,
        task: &Task<'_, S>,
        reservoir: &Reservoir,
        row: u32,
    ) -> (Vec<ReverseEdge>, u64) {
        let (graph, space) = (&task.graph, task.space);
        let csr = &graph.base.csr;
        self.candidates.clear();
        self.candidates.extend(reservoir.held(row));
        let computed = self.measure_known(space, csr, row);
        let (reverse, pruned) = self.prune(space, row, graph.rule(0, task.options));
        csr.set(row, self.list());
        (reverse, computed + pruned)
    }

    /// Adds the present neighbours of a row to its candidates. Returns the distances computed.
    fn measure_known<L: Space<Probe = P>>(&mut self, space: &L, csr: &Csr, row: u32) -> u64 {
        self.scratch.frontier.clear();
        let known = csr.neighbours(row).filter(|&slot| self.candidates.iter().all(|near| near.slot != slot));
        self.scratch.frontier.extend(known);
        if self.scratch.frontier.is_empty() { 0 } else { self.measure(space, row) }
    }

    /// Prunes the rows that `name` lists. Returns the distances computed. [`Worker::list`] has the result.
    pub(crate) fn choose_among<L: Space<Probe = P>>(
        &mut self,
        space: &L,
        row: u32,
        name: impl FnOnce(&mut Vec<u32>),
        rule: Rule,
    ) -> u64 {
        self.candidates.clear();
        self.scratch.frontier.clear();
        name(&mut self.scratch.frontier);
        let computed = self.measure(space, row);
        self.candidates.retain(|near| !near.distance.is_nan());
        computed + self.pruner.prune(space, &mut self.other, &mut self.candidates, rule)
    }

    /// The list of the last prune.
    pub(crate) fn list(&self) -> impl Iterator<Item = Edge> + '_ {
        self.pruner.list()
    }

    /// Adds the rows on the frontier to the candidates of `row`. Returns the distances computed.
    fn measure<L: Space<Probe = P>>(&mut self, space: &L, row: u32) -> u64 {
        let Scratch { frontier, distances, .. } = &mut self.scratch;
        distances.resize(frontier.len(), 0.0);
        space.load(row, &mut self.probe);
        space.distances(&self.probe, frontier, distances);
        let measured = frontier.iter().zip(&*distances).map(|(&slot, &distance)| Neighbour { distance, slot });
        self.candidates.extend(measured);
        frontier.len() as u64
    }

    /// Prunes the candidates of a row and returns its reverse edges. [`Worker::list`] has its list.
    fn prune<L: Space<Probe = P>>(&mut self, space: &L, row: u32, rule: Rule) -> (Vec<ReverseEdge>, u64) {
        let pruned = self.pruner.prune(space, &mut self.other, &mut self.candidates, rule);
        let reverse = self.pruner.chosen.iter().map(|near| (near.slot, Neighbour { slot: row, ..*near }.key()));
        (reverse.collect(), pruned)
    }

    /// Adds the reverse edges of a batch to the list of one row.
    pub(super) fn add_reverse_edges<S: Space<Probe = P>, L: Space<Probe = P>>(
        &mut self,
        task: &Task<'_, S>,
        level: usize,
        space: &L,
        edges: &[ReverseEdge],
    ) -> u64 {
        let graph = &task.graph;
        let csr = &graph.level(level).csr;
        let target = edges[0].0;
        let frontier = &mut self.scratch.frontier;
        frontier.clear();
        frontier.extend(csr.neighbours(target));
        let kept = frontier.len();
        // If two rows found each other, the second edge is there already.
        let new = edges.iter().map(|&(_, key)| Neighbour::from_key(key)).filter(|near| !frontier.contains(&near.slot));
        self.candidates.clear();
        self.candidates.extend(new);
        let late = self.candidates.len();
        if kept + late <= graph.degree_of(level) {
            self.candidates.drain(..).for_each(|near| {
                csr.append(target, near.slot);
            });
            return 0;
        }
        let computed = self.measure(space, target);
        // Edges that the last prune chose come first.
        self.candidates.rotate_left(late);
        let settled = csr.edges(target).filter(|edge| !edge.is_late()).count();
        let rule = graph.rule(level, task.options);
        let pruned = self.pruner.prune_late(space, &mut self.other, &mut self.candidates, settled, rule);
        csr.set(target, self.pruner.list());
        computed + pruned
    }

    /// Records the candidates that the last prune did not choose.
    pub(super) fn remember_dropped(&mut self, level: usize) {
        let chosen = &self.pruner.chosen;
        let dropped = self.candidates.iter().filter(|near| chosen.iter().all(|kept| kept.slot != near.slot));
        self.dropped.extend(dropped.map(|near| (level, near.slot)));
    }
}
