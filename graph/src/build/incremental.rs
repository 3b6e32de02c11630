//! Linking in batches: every row of a batch searches the graph as it was before the batch.
//!
//! So all rows of a batch are searched in parallel, and the result does not depend on the number
//! of threads. Batches double with the graph up to a fiftieth of it (Dobson et al., *Scaling
//! Graph-Based ANNS Algorithms to Billion-Size Datasets*, 2023, section 3: ParlayANN). Nor does it
//! depend on the order of the searches, so those that start from the same place follow each other
//! and meet rows that are still in the caches. After the searches, the edges back are sorted by the
//! row they start from, and each row takes its own: appended where there is room, otherwise pruned.

use std::ops::ControlFlow;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::BuildOptions;
use crate::csr::Edge;
use crate::graph::Sampled;
use crate::prune::Pruner;
use crate::scratch::Shelf;
use crate::{Graph, GraphError, Neighbour, Scratch, Space, entry};

/// Batches larger than this make no better use of the threads, and keep a wish to stop waiting.
///
/// Rows of one batch do not see each other. Measured with those as candidates, too, that found one of
/// the same sixteen nearest rows: for 8 % more distances a row and a tenth more time it finds at equal
/// distances 0.03 to 0.17 points more on mnist784, which L = 150 does not, 0.1 to 0.3 below a recall of
/// 0.99 on wordnet384, and nothing on sift500k. Batches of a tenth or a quarter of the graph, with them,
/// find 0.1 to 0.8 points less there and are no faster; smaller batches, or ones that grow by a
/// thirty-second, find no more.
const LARGEST_CAP: usize = 8192;

/// Batches smaller than this are not worth the waiting at their ends.
const SMALLEST_CAP: usize = 32;

/// Graphs of up to this many rows are looked at whole after each link; larger ones each time they
/// have grown by about a sixty-fourth, which costs a few per cent of linking that many rows.
const LOOK_ALWAYS: u32 = 1 << 16;
const LOOKS_PER_E: f64 = 64.0;

/// Up to one new row for this many old ones, the old graph's lists are shared.
const FEW: u32 = 16;

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

/// Adds the rows `graph.rows()` to `rows - 1` to the graph, in the current rayon pool.
///
/// `graph` itself goes on answering searches over its own rows, during and after. If few rows are
/// added, the lists are shared: some of its edges give way to ones that it does not follow. Where
/// those would be more than a few, the lists are copied first. `observe` is told after each batch how many of
/// the new rows are linked, and may ask to stop.
///
/// # Errors
/// [`GraphError::Capacity`], or [`GraphError::Cancelled`] when `observe` asked to stop: then all
/// edges lead to rows of `graph` again, and the same call may be made again. Edges that gave way in
/// shared lists stay away; a row that only they led to is given a path by the next
/// [`Graph::repair`], or by the next `link` that looks at every row.
pub fn link<S: Space>(
    graph: &Graph,
    space: &S,
    rows: u32,
    options: &BuildOptions,
    observe: Observe<'_>,
) -> Result<Linked, GraphError> {
    let old = graph.rows();
    if rows <= old {
        return Ok(Linked { graph: graph.clone(), distances: 0, repaired: 0 });
    }
    let (mut linked, dropped) = extend(graph, space, rows, options, observe)?;
    let looks = |rows: u32| (f64::from(rows.max(1)).ln() * LOOKS_PER_E) as u64;
    linked.repaired = if rows <= LOOK_ALWAYS || looks(old) != looks(rows) {
        linked.graph.repair(space)
    } else {
        linked.graph.repair_around(space, graph, &dropped)
    };
    Ok(linked)
}

/// Makes the levels above a base that has none.
pub(crate) fn link_levels<S: Space>(
    graph: &Graph,
    space: &S,
    options: &BuildOptions,
    observe: Observe<'_>,
) -> Result<Linked, GraphError> {
    Ok(extend(graph, space, graph.rows(), options, observe)?.0)
}

/// A level's number, and a row's there.
pub(crate) type LevelRow = (usize, u32);

/// Links into every level the rows that it does not have. Returns, too, the rows to which an edge
/// was dropped, if the new rows are few.
fn extend<S: Space>(
    graph: &Graph,
    space: &S,
    rows: u32,
    options: &BuildOptions,
    observe: Observe<'_>,
) -> Result<(Linked, Vec<LevelRow>), GraphError> {
    let few = rows - graph.rows() <= graph.rows() / FEW;
    let grown = if few { graph.grown(rows)? } else { graph.detached().grown(rows)? };
    let linked = (0..=grown.above.len()).map(|level| graph.level_rows(level) as usize).collect();
    let shelf = Shelf::new();
    let mut linking = Linking { graph: grown, space, options, shelf, distances: 0, linked, done: 0, few };
    for group in linking.groups(graph).iter().rev() {
        // From the base up: so the levels above lead only to rows that are linked below.
        for (level, rows) in group.iter().enumerate() {
            if linking.link_rows(level, rows, observe).is_break() {
                graph.withdraw();
                return Err(GraphError::Cancelled { done: linking.done });
            }
        }
    }
    let dropped = linking.shelf.into_inner().into_iter().flat_map(|worker| worker.dropped).collect();
    Ok((Linked { graph: linking.graph, distances: linking.distances, repaired: 0 }, dropped))
}

impl Graph {
    /// Takes out the edges to rows that this graph does not have: what an unfinished [`link`],
    /// ended by a panic, leaves in the lists it shares.
    pub fn withdraw(&self) {
        for level in (0..=self.above.len()).map(|number| self.level(number)) {
            let rows = level.csr.rows();
            (0..rows).into_par_iter().for_each(|slot| {
                if level.csr.neighbours(slot).any(|target| target >= rows) {
                    let kept: Vec<Edge> = level.csr.edges(slot).filter(|edge| edge.target() < rows).collect();
                    level.csr.set(slot, kept);
                }
            });
        }
    }
}

/// Told how many new rows are linked; may ask to stop.
pub type Observe<'a> = &'a mut dyn FnMut(u32) -> ControlFlow<()>;

/// The state of one [`link`].
struct Linking<'a, S: Space> {
    graph: Graph,
    space: &'a S,
    options: &'a BuildOptions,
    shelf: Shelf<Worker<S::Probe>>,
    distances: u64,
    /// How many rows of each level can be found by now: batches double with it.
    linked: Vec<usize>,
    /// New rows in the base so far.
    done: u32,
    /// Whether it is worth while to remember edges that are dropped, instead of looking at all.
    few: bool,
}

impl<S: Space> Linking<'_, S> {
    /// The new rows, shuffled and grouped by the highest level they are in: `groups[h][l]` are the
    /// rows of group h by their numbers in level l.
    fn groups(&self, old: &Graph) -> Vec<Vec<Vec<u32>>> {
        let (mut groups, above) = (Vec::new(), &self.graph.above);
        // The new rows of each level, numbered as there.
        let first = |level: usize| old.level_rows(level);
        for highest in 0..=above.len() {
            let rows = if highest == 0 { self.graph.rows() } else { above[highest - 1].level.csr.rows() };
            let higher: &[u32] = above.get(highest).map_or(&[], |above| &above.below);
            let mut mine: Vec<u32> = (first(highest)..rows).filter(|row| higher.binary_search(row).is_err()).collect();
            let seed = self.options.seed ^ (u64::from(old.rows()) << 8) ^ highest as u64;
            mine.shuffle(&mut StdRng::seed_from_u64(seed));
            let mut numbers = vec![mine];
            for level in (0..highest).rev() {
                let below = &above[level].below;
                numbers.push(numbers[numbers.len() - 1].iter().map(|&row| below[row as usize]).collect());
            }
            numbers.reverse();
            // A level that is new takes rows that have long been in those below it.
            for (level, rows) in numbers.iter_mut().enumerate() {
                rows.retain(|&row| row >= first(level));
            }
            groups.push(numbers);
        }
        groups
    }

    /// Links `rows` into `level`, in their order.
    fn link_rows(&mut self, level: usize, rows: &[u32], observe: Observe<'_>) -> ControlFlow<()> {
        match level.checked_sub(1) {
            None => self.link_into(level, rows, self.space, observe),
            Some(above) => {
                let slots = std::sync::Arc::clone(&self.graph.above[above].slots);
                self.link_into(level, rows, &Sampled { space: self.space, slots: &slots }, observe)
            }
        }
    }

    fn link_into<L: Space<Probe = S::Probe>>(
        &mut self,
        level: usize,
        rows: &[u32],
        space: &L,
        observe: Observe<'_>,
    ) -> ControlFlow<()> {
        let (mut order, mut rest) = (Vec::new(), rows);
        let total = self.graph.level(level).csr.rows() as usize;
        if self.graph.level(level).entries.is_empty()
            && let Some(medoid) = entry::medoid(space, rows)
        {
            // The first row of a level is the one in the middle of those that come first.
            order.extend(rows.iter().copied().filter(|&row| row != medoid));
            rest = &order[..];
            self.graph.level_mut(level).entries.push(medoid);
            self.linked[level] += 1;
            self.done += u32::from(level == 0);
        }
        let cap = (total / 50).clamp(SMALLEST_CAP, LARGEST_CAP);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(self.linked[level].min(cap).min(rest.len()));
            self.distances += self.batch(level, now, space);
            self.linked[level] += now.len();
            rest = later;
            if level == 0 {
                self.done += now.len() as u32;
                observe(self.done)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Links rows that the level does not lead to yet; returns the distances computed.
    fn batch<L: Space<Probe = S::Probe>>(&self, level: usize, rows: &[u32], space: &L) -> u64 {
        let worker = || self.shelf.take(|| Worker::new(self.space.probe(), self.space.probe()));
        let mut placed: Vec<Placed> =
            rows.par_iter().map_init(worker, |lent, &row| lent.get().place(self, level, space, row)).collect();
        placed.par_sort_unstable();
        let (mut back, searched) = placed
            .par_iter()
            .map_init(worker, |lent, placed| lent.get().find(self, level, space, placed))
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
        let take_back = |lent: &mut crate::scratch::Lent<'_, Worker<S::Probe>>, group: &&[BackEdge]| {
            let worker = lent.get();
            let computed = worker.take_back(self, level, space, group);
            if self.few {
                worker.remember_dropped(level);
            }
            computed
        };
        let pruned: u64 = groups.par_iter().map_init(worker, take_back).sum();
        searched + pruned
    }
}

/// A row to be linked, and where its search starts. Sorts by the way there.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Placed {
    way: Vec<u32>,
    row: u32,
    starts: Vec<u32>,
    distances: u64,
}

/// An edge back, from a row to the one that found it. Sorts by the row, then nearest first.
type BackEdge = (u32, u64);

/// Everything one thread needs to link one row.
struct Worker<P> {
    scratch: Scratch,
    pruner: Pruner,
    probe: P,
    other: P,
    candidates: Vec<Neighbour>,
    dropped: Vec<LevelRow>,
}

impl<P: Send> Worker<P> {
    fn new(probe: P, other: P) -> Self {
        let (scratch, pruner) = (Scratch::new(), Pruner::default());
        Worker { scratch, pruner, probe, other, candidates: Vec::new(), dropped: Vec::new() }
    }

    /// Comes down through the levels above to where the search for `row` starts.
    fn place<S: Space<Probe = P>, L: Space<Probe = P>>(
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

    /// Finds the neighbours of a row, writes its list, and returns the edges back.
    fn find<S: Space<Probe = P>, L: Space<Probe = P>>(
        &mut self,
        linking: &Linking<'_, S>,
        level: usize,
        space: &L,
        placed: &Placed,
    ) -> (Vec<BackEdge>, u64) {
        let (graph, options, row) = (&linking.graph, linking.options, placed.row);
        space.load(row, &mut self.probe);
        let degree = graph.pruned_degree(level);
        let level = graph.level(level);
        let count = level.search(space, &self.probe, &placed.starts, options.build_width, &mut self.scratch);
        self.candidates.clear();
        self.candidates.extend(self.scratch.expanded.iter().filter(|found| found.slot != row));
        let pruned = self.pruner.prune(space, &mut self.other, &mut self.candidates, options.alpha, degree);
        let chosen = &self.pruner.chosen;
        level.csr.set(row, chosen.iter().map(|near| Edge::chosen(near.slot)));
        let back = chosen.iter().map(|near| (near.slot, Neighbour { slot: row, ..*near }.key())).collect();
        (back, placed.distances + count.distances + pruned)
    }

    /// Gives one row the edges back that a batch found for it.
    fn take_back<S: Space<Probe = P>, L: Space<Probe = P>>(
        &mut self,
        linking: &Linking<'_, S>,
        level: usize,
        space: &L,
        edges: &[BackEdge],
    ) -> u64 {
        let (graph, alpha) = (&linking.graph, linking.options.alpha);
        let csr = &graph.level(level).csr;
        let target = edges[0].0;
        let new = edges.iter().map(|&(_, key)| Neighbour::from_key(key));
        self.candidates.clear();
        let frontier = &mut self.scratch.frontier;
        frontier.clear();
        frontier.extend(csr.neighbours(target));
        let kept = frontier.len();
        if kept + edges.len() <= graph.degree_of(level) {
            new.for_each(|near| {
                csr.append(target, near.slot);
            });
            return 0;
        }
        // Those that the last prune chose come first.
        let settled = csr.edges(target).filter(|edge| !edge.is_late()).count();
        let distances = &mut self.scratch.distances;
        distances.resize(kept, 0.0);
        space.load(target, &mut self.probe);
        space.distances(&self.probe, frontier, distances);
        let old = frontier.iter().zip(distances.iter()).map(|(&slot, &distance)| Neighbour { distance, slot });
        self.candidates.extend(old.chain(new));
        let degree = graph.pruned_degree(level);
        let pruned = self.pruner.prune_late(space, &mut self.other, &mut self.candidates, settled, alpha, degree);
        csr.set(target, self.pruner.chosen.iter().map(|near| Edge::chosen(near.slot)));
        kept as u64 + pruned
    }

    /// Remembers what the prune that was just made did not choose.
    fn remember_dropped(&mut self, level: usize) {
        let chosen = &self.pruner.chosen;
        let dropped = self.candidates.iter().filter(|near| chosen.iter().all(|kept| kept.slot != near.slot));
        self.dropped.extend(dropped.map(|near| (level, near.slot)));
    }
}
