//! Linking in batches: every row of a batch searches the graph as it was before the batch.
//!
//! So all rows of a batch are searched in parallel, and the result does not depend on the number
//! of threads. Batches double with the graph up to a fiftieth of it (Dobson et al., *Scaling
//! Graph-Based ANNS Algorithms to Billion-Size Datasets*, 2023, section 3: ParlayANN). After the
//! searches, the edges back are sorted by the row they start from, and each row takes its own:
//! appended where there is room, otherwise pruned.

use std::ops::ControlFlow;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::BuildOptions;
use crate::prune::Pruner;
use crate::scratch::Shelf;
use crate::{Graph, GraphError, Neighbour, Scratch, Space, entry, reach};

/// Batches smaller than this are not worth the waiting at their ends.
const SMALLEST_CAP: usize = 32;

/// A graph with rows added, and what that took.
#[derive(Debug)]
pub struct Linked {
    /// The graph.
    pub graph: Graph,
    /// Distances computed, in searches and prunes.
    pub distances: u64,
    /// Rows that no path led to, given one at the end.
    pub repaired: u64,
}

/// An edge back, from `target` to the row that found it. Sorts by target, then nearest first.
type BackEdge = (u32, u64);

/// Everything one thread needs to link one row.
struct Worker<P> {
    scratch: Scratch,
    pruner: Pruner,
    probe: P,
    other: P,
    candidates: Vec<Neighbour>,
}

/// Adds the rows `graph.rows()` to `rows - 1` to the graph, in the current rayon pool.
///
/// `graph` itself goes on answering searches over its own rows, during and after; its lists are
/// shared, and gain edges that it does not follow. `observe` is told after each batch how many of
/// the new rows are linked, and may ask to stop.
///
/// # Errors
/// [`GraphError::Capacity`], or [`GraphError::Cancelled`] when `observe` asked to stop: then the
/// graph is as good as before, and the same call may be made again.
pub fn link<S: Space>(
    graph: &Graph,
    space: &S,
    rows: u32,
    options: &BuildOptions,
    observe: &mut dyn FnMut(u32) -> ControlFlow<()>,
) -> Result<Linked, GraphError> {
    let old = graph.rows();
    let mut linked = Linked {
        graph: Graph { csr: graph.csr.grown(rows)?, entries: graph.entries.clone() },
        distances: 0,
        repaired: 0,
    };
    if rows <= old {
        return Ok(linked);
    }

    let mut order: Vec<u32> = (old..rows).collect();
    order.shuffle(&mut StdRng::seed_from_u64(options.seed ^ u64::from(old)));
    let mut rest = &order[..];
    // A graph that more than doubles has a new middle, which is linked before all others.
    if rows / 2 >= old {
        let medoid = entry::medoid(space, rows).unwrap_or(old);
        if let Some(place) = order.iter().position(|&slot| slot == medoid) {
            order.swap(0, place);
            rest = &order[1..];
            linked.distances += batch(&linked.graph, space, &order[..1], options, &Shelf::new());
        }
        linked.graph.entries = vec![medoid];
    }

    let cap = (rows as usize / 50).max(SMALLEST_CAP);
    let shelf = Shelf::new();
    while !rest.is_empty() {
        let inside = rows as usize - rest.len();
        let (now, later) = rest.split_at(inside.min(cap).min(rest.len()));
        linked.distances += batch(&linked.graph, space, now, options, &shelf);
        rest = later;
        let done = (order.len() - rest.len()) as u32;
        if observe(done).is_break() {
            graph.withdraw();
            return Err(GraphError::Cancelled { done });
        }
    }
    // Looking at every row costs as much as linking a few per cent of them.
    if order.len() * 16 >= rows as usize {
        linked.repaired = linked.graph.repair(space);
    }
    Ok(linked)
}

impl Graph {
    /// Gives every row that no path leads to an edge or, failing that, makes it an entry point;
    /// returns how many such rows there were. Takes a walk over the whole graph.
    pub fn repair<S: Space>(&mut self, space: &S) -> u64 {
        reach::repair(self, space, &mut Scratch::new())
    }

    /// Takes out the edges to rows that this graph does not have: what an unfinished [`link`],
    /// ended by a panic, leaves in the lists it shares.
    pub fn withdraw(&self) {
        let rows = self.rows();
        (0..rows).into_par_iter().for_each(|slot| {
            if self.csr.neighbours(slot).any(|target| target >= rows) {
                let kept: Vec<u32> = self.csr.neighbours(slot).filter(|&target| target < rows).collect();
                self.csr.set(slot, kept);
            }
        });
    }
}

/// Links the rows `slots`, none of which the graph leads to yet; returns the distances computed.
fn batch<S: Space>(
    graph: &Graph,
    space: &S,
    slots: &[u32],
    options: &BuildOptions,
    shelf: &Shelf<Worker<S::Probe>>,
) -> u64 {
    let worker = || {
        shelf.take(|| Worker {
            scratch: Scratch::new(),
            pruner: Pruner::default(),
            probe: space.probe(),
            other: space.probe(),
            candidates: Vec::new(),
        })
    };
    let found = slots.par_iter().map_init(worker, |lent, &slot| lent.get().find(graph, space, slot, options));
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
    let pruned: u64 =
        groups.par_iter().map_init(worker, |lent, group| lent.get().take_back(graph, space, group, options)).sum();
    searched + pruned
}

impl<P: Send> Worker<P> {
    /// Finds the neighbours of `slot`, writes its list, and returns the edges back.
    fn find<S: Space<Probe = P>>(
        &mut self,
        graph: &Graph,
        space: &S,
        slot: u32,
        options: &BuildOptions,
    ) -> (Vec<BackEdge>, u64) {
        space.load(slot, &mut self.probe);
        let count = graph.search(space, &self.probe, options.build_width, &mut self.scratch);
        self.candidates.clear();
        self.candidates.extend(self.scratch.expanded.iter().filter(|found| found.slot != slot));
        let degree = options.pruned_degree();
        let pruned = self.pruner.prune(space, &mut self.other, &mut self.candidates, options.alpha, degree);
        let chosen = &self.pruner.chosen;
        graph.csr.set(slot, chosen.iter().map(|near| near.slot));
        let back = chosen.iter().map(|near| (near.slot, Neighbour { slot, ..*near }.key())).collect();
        (back, count.distances + pruned)
    }

    /// Gives one row the edges back that a batch found for it.
    fn take_back<S: Space<Probe = P>>(
        &mut self,
        graph: &Graph,
        space: &S,
        edges: &[BackEdge],
        options: &BuildOptions,
    ) -> u64 {
        let target = edges[0].0;
        let frontier = &mut self.scratch.frontier;
        frontier.clear();
        frontier.extend(graph.csr.neighbours(target));
        let kept = frontier.len();
        let new = edges.iter().map(|&(_, key)| Neighbour::from_key(key));
        if kept + edges.len() <= options.degree {
            frontier.extend(new.map(|near| near.slot));
            graph.csr.set(target, frontier.iter().copied());
            return 0;
        }
        let distances = &mut self.scratch.distances;
        distances.resize(kept, 0.0);
        space.load(target, &mut self.probe);
        space.distances(&self.probe, frontier, distances);
        let old = frontier.iter().zip(distances.iter()).map(|(&slot, &distance)| Neighbour { distance, slot });
        self.candidates.clear();
        self.candidates.extend(old.chain(new));
        let degree = options.pruned_degree();
        let pruned = self.pruner.prune(space, &mut self.other, &mut self.candidates, options.alpha, degree);
        graph.csr.set(target, self.pruner.chosen.iter().map(|near| near.slot));
        kept as u64 + pruned
    }
}
