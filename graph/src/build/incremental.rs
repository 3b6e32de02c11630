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

use super::worker::{BackEdge, Placed, Worker};
use super::{BuildOptions, bulk};
use crate::csr::Edge;
use crate::graph::Sampled;
use crate::scratch::{Lent, Shelf};
use crate::{Graph, GraphError, Space, entry};

/// Batches larger than this make no better use of the threads, and keep a wish to stop waiting.
///
/// Rows of one batch do not see each other. Measured with those as candidates, too, that found one of
/// the same sixteen nearest rows: for 8 % more distances a row and a tenth more time it finds at equal
/// distances 0.03 to 0.17 points more on mnist784, which L = 150 does not, 0.1 to 0.3 below a recall of
/// 0.99 on wordnet384, and nothing on sift500k. Batches of a tenth or a quarter of the graph, with them,
/// find 0.1 to 0.8 points less there and are no faster; smaller batches, or ones that grow by a
/// thirty-second, find no more.
pub(super) const LARGEST_CAP: usize = 8192;

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

/// Adds the rows `graph.rows()` to `rows - 1` to the graph, in the current rayon pool. If they are 8,192 and at least as
/// many as it has, all rows are linked anew, in bulk.
///
/// `graph` itself goes on answering searches over its own rows, during and after. If few rows are
/// added, the lists are shared: some of its edges give way to ones that it does not follow. Where
/// those would be more than a few, the lists are copied first. `observe` is told after each batch how many of
/// the new rows are linked, and may ask to stop; in bulk, one half is told while neighbours are looked for, the other while
/// lists are written.
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
    let (mut linked, dropped) = if bulk::pays(old, rows) {
        (bulk::build(graph, space, rows, options, observe)?, Vec::new())
    } else {
        extend(graph, space, rows, options, observe)?
    };
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
    let mut linking = Linking { linked, few, ..Linking::new(grown, space, options) };
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
pub(super) struct Linking<'a, S: Space> {
    pub(super) graph: Graph,
    pub(super) space: &'a S,
    pub(super) options: &'a BuildOptions,
    shelf: Shelf<Worker<S::Probe>>,
    pub(super) distances: u64,
    /// How many rows of each level can be found by now: batches double with it.
    linked: Vec<usize>,
    /// New rows in the base so far.
    done: u32,
    /// Whether it is worth while to remember edges that are dropped, instead of looking at all.
    few: bool,
}

impl<'a, S: Space> Linking<'a, S> {
    /// Nothing is linked yet, and all will be looked at.
    pub(super) fn new(graph: Graph, space: &'a S, options: &'a BuildOptions) -> Self {
        let shelf = Shelf::new();
        Linking { graph, space, options, shelf, distances: 0, linked: Vec::new(), done: 0, few: false }
    }

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
        let worker = || self.worker();
        let mut placed: Vec<Placed> =
            rows.par_iter().map_init(worker, |lent, &row| lent.get().place(self, level, space, row)).collect();
        placed.par_sort_unstable();
        let found = placed.par_iter().map_init(worker, |lent, placed| lent.get().find(self, level, space, placed));
        self.settle(level, space, found)
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
            if self.few {
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
