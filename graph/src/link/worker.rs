//! What one thread does: a row's neighbours are found, chosen and written, and edges back taken.

use super::context::{LevelRow, Linking};
use super::reservoir::Reservoir;
use crate::csr::{Csr, Edge};
use crate::prune::{Pruner, Rule};
use crate::{Neighbour, Scratch, Space};

/// A row to be linked, and where its search starts. Sorts by the way there.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Placed {
    way: Vec<u32>,
    row: u32,
    starts: Vec<u32>,
    distances: u64,
}

/// An edge back, from a row to the one that found it. Sorts by the row, then nearest first.
pub(super) type BackEdge = (u32, u64);

/// What was found for a row.
pub(super) struct Found {
    pub(super) row: u32,
    pub(super) list: Vec<Edge>,
    pub(super) back: Vec<BackEdge>,
    pub(super) distances: u64,
}

/// Everything one thread needs to link one row.
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

    /// Comes down through the levels above to where the search for `row` starts.
    pub(super) fn place<S: Space<Probe = P>, L: Space<Probe = P>>(
        &mut self,
        linking: &Linking<'_, S>,
        level: usize,
        space: &L,
        row: u32,
    ) -> Placed {
        let width = linking.options.build_width;
        space.load(row, &mut self.probe);
        let mut starts = Vec::new();
        let count = linking.graph.descend(level, width, linking.space, &self.probe, &mut starts, &mut self.scratch);
        Placed { way: self.scratch.way.clone(), row, starts, distances: count.distances }
    }

    /// Finds the neighbours of a row.
    pub(super) fn find<S: Space<Probe = P>, L: Space<Probe = P>>(
        &mut self,
        linking: &Linking<'_, S>,
        level: usize,
        space: &L,
        placed: &Placed,
    ) -> Found {
        let (graph, options, row) = (&linking.graph, linking.options, placed.row);
        space.load(row, &mut self.probe);
        let rule = graph.rule(level, options);
        let level = graph.level(level);
        let count = level.search(space, &self.probe, &placed.starts, options.build_width, &mut self.scratch);
        self.candidates.clear();
        self.candidates.extend(self.scratch.expanded.iter().filter(|found| found.slot != row));
        let known = self.measure_known(space, &level.csr, row);
        let (back, pruned) = self.choose(space, row, rule);
        Found { row, list: self.list().collect(), back, distances: placed.distances + count.distances + known + pruned }
    }

    /// Offers a row of the base those of a leaf that a prune chooses; returns the distances computed.
    pub(super) fn offer_chosen<S: Space<Probe = P>>(
        &mut self,
        linking: &Linking<'_, S>,
        leaf: &[u32],
        reservoir: &Reservoir,
        row: u32,
    ) -> u64 {
        let among = |slots: &mut Vec<u32>| slots.extend(leaf.iter().filter(|&&slot| slot != row));
        let rule = linking.graph.rule(0, linking.options);
        let computed = self.choose_among(linking.space, row, among, rule);
        let keys: Vec<u64> = self.pruner.chosen.iter().map(|near| near.key()).collect();
        reservoir.offer(row, &keys, &mut Vec::new());
        computed
    }

    /// Takes the neighbours of a row of the base from those it was offered, and from the edges back that it
    /// has by now; writes its list, and returns the edges back.
    pub(super) fn pick<S: Space<Probe = P>>(
        &mut self,
        linking: &Linking<'_, S>,
        reservoir: &Reservoir,
        row: u32,
    ) -> (Vec<BackEdge>, u64) {
        let (graph, space) = (&linking.graph, linking.space);
        let csr = &graph.base.csr;
        self.candidates.clear();
        self.candidates.extend(reservoir.held(row));
        let computed = self.measure_known(space, csr, row);
        let (back, pruned) = self.choose(space, row, graph.rule(0, linking.options));
        csr.set(row, self.list());
        (back, computed + pruned)
    }

    /// Adds the neighbours that a row has already to its candidates; returns the distances computed.
    fn measure_known<L: Space<Probe = P>>(&mut self, space: &L, csr: &Csr, row: u32) -> u64 {
        self.scratch.frontier.clear();
        let known = csr.neighbours(row).filter(|&slot| self.candidates.iter().all(|near| near.slot != slot));
        self.scratch.frontier.extend(known);
        if self.scratch.frontier.is_empty() { 0 } else { self.measure(space, row) }
    }

    /// Prunes the rows that `name` lists for one row; returns the distances computed. [`Worker::list`] has the result.
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

    /// The list that the last prune came to.
    pub(crate) fn list(&self) -> impl Iterator<Item = Edge> + '_ {
        self.pruner.list()
    }

    /// Adds the rows on the frontier to the candidates of `row`; returns the distances computed.
    fn measure<L: Space<Probe = P>>(&mut self, space: &L, row: u32) -> u64 {
        let Scratch { frontier, distances, .. } = &mut self.scratch;
        distances.resize(frontier.len(), 0.0);
        space.load(row, &mut self.probe);
        space.distances(&self.probe, frontier, distances);
        let measured = frontier.iter().zip(&*distances).map(|(&slot, &distance)| Neighbour { distance, slot });
        self.candidates.extend(measured);
        frontier.len() as u64
    }

    /// Prunes the candidates of a row, and returns the edges back. [`Worker::list`] has its list.
    fn choose<L: Space<Probe = P>>(&mut self, space: &L, row: u32, rule: Rule) -> (Vec<BackEdge>, u64) {
        let pruned = self.pruner.prune(space, &mut self.other, &mut self.candidates, rule);
        let back = self.pruner.chosen.iter().map(|near| (near.slot, Neighbour { slot: row, ..*near }.key())).collect();
        (back, pruned)
    }

    /// Gives one row the edges back that a batch found for it.
    pub(super) fn take_back<S: Space<Probe = P>, L: Space<Probe = P>>(
        &mut self,
        linking: &Linking<'_, S>,
        level: usize,
        space: &L,
        edges: &[BackEdge],
    ) -> u64 {
        let graph = &linking.graph;
        let csr = &graph.level(level).csr;
        let target = edges[0].0;
        let frontier = &mut self.scratch.frontier;
        frontier.clear();
        frontier.extend(csr.neighbours(target));
        let kept = frontier.len();
        // Of two rows that found each other, the second is there already.
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
        // Those that the last prune chose come first.
        self.candidates.rotate_left(late);
        let settled = csr.edges(target).filter(|edge| !edge.is_late()).count();
        let rule = graph.rule(level, linking.options);
        let pruned = self.pruner.prune_late(space, &mut self.other, &mut self.candidates, settled, rule);
        csr.set(target, self.pruner.list());
        computed + pruned
    }

    /// Remembers what the prune that was just made did not choose.
    pub(super) fn remember_dropped(&mut self, level: usize) {
        let chosen = &self.pruner.chosen;
        let dropped = self.candidates.iter().filter(|near| chosen.iter().all(|kept| kept.slot != near.slot));
        self.dropped.extend(dropped.map(|near| (level, near.slot)));
    }
}
