//! A graph over many rows at once: neighbours are picked in partitions, not searched for.
//!
//! PiPNN (Rubel et al., *Pick-in-Partitions*, arXiv 2602.21247): rows are divided into overlapping leaves, within a
//! leaf all distances are computed, and each row keeps the nearest of what its leaves offer it. Distances between
//! rows that a cache holds, made of products that serve two rows each, take so little that many more can be afforded
//! than a search computes. What follows is as in [`super::incremental`]: RobustPrune, and edges back.
//!
//! Few neighbours of many leaves are worth more than many of few. At equal numbers of distances on sift500k, beside a graph
//! that was searched for: 8 of each of 16 leaves of at most 512 find 0.1 to 1 points more; 12 of 8 leaves 0.3 to 1.3
//! less, of leaves of 1,000 too. 5 or 10 of 16 find 0.1 to 0.3 less than 8 on wordnet384 and mnist784; 3 find as much with
//! fewer edges, so that a width finds less. Rows are kept by nearness alone: the paper's buckets of directions were not
//! tried, for the prune looks at directions. A walk of width 50 for each row from what 4 leaves offered it finds as much
//! as the searched graph, in half as much time again. Without the edges back that a row has when it picks, 0.1 to 0.3
//! points are lost.
//!
//! Beside the graph it takes 12 R bytes a row for what is offered (384 at R = 32), 4 to 8 for each leaf that a row is
//! in, some 25 more, and for each thread the distances of a leaf (1 MiB), and its rows as singles if they are no bytes
//! (2 KiB times their dimension).

use std::ops::{ControlFlow, RangeInclusive};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use rayon::prelude::*;

use super::context::{LARGEST_CAP, Linking};
use super::partition::Partition;
use super::reservoir::Reservoir;
use super::{BuildOptions, Linked, Observe, link_levels};
use crate::level::Level;
use crate::search::medoid::medoid;
use crate::search::nearest::{COLUMNS, Nearest};
use crate::{Graph, GraphError, Space};

/// Fewer new rows are searched for.
const LEAST: u32 = 1 << 13;

/// Leaves computed before the observer is asked whether to stop.
const LEAVES_AT_ONCE: usize = 512;

/// Leaves that a row is in: a sixth of L, within these bounds.
const MEMBERSHIPS: RangeInclusive<usize> = 8..=64;

/// Neighbours that a leaf offers to each of its rows: a quarter of R, within these bounds.
const OFFERED: RangeInclusive<usize> = 4..=COLUMNS;

/// Rows of a group take so many different leaves, where they are offered more.
const TURNS: u32 = 8;

/// Where more than one row in so many was offered too few others, all are searched for.
const MANY: usize = 8;

/// What a row has been offered is fetched so many rows before its turn.
const AHEAD: usize = 8;

/// Whether all of `rows` are better linked anew, when `old` of them are linked.
pub(super) fn pays(old: u32, rows: u32) -> bool {
    rows - old >= old.max(LEAST)
}

/// The graph over slots 0 to `rows - 1`, whatever `old` has of them.
pub(super) fn build<S: Space>(
    old: &Graph,
    space: &S,
    rows: u32,
    options: &BuildOptions,
    observe: Observe<'_>,
) -> Result<Bulk, GraphError> {
    let degree = old.csr().degree();
    let base = Graph {
        base: Level::empty(degree)?.grown(rows)?,
        above: Vec::new(),
        absent: Arc::clone(&old.absent),
        near: None,
    };
    let mut linking = Linking::new(base, space, options);
    let new = rows - old.rows();
    // What is offered counts for one half of the new rows, what is linked for the other.
    let mut tell = |half: u64, part: usize, whole: usize| {
        let done = u64::from(new) * (half * whole as u64 + part as u64) / (2 * whole as u64);
        observe(done as u32)
    };
    match linking.link_all(degree, &mut tell) {
        ControlFlow::Break(()) => Err(GraphError::Cancelled { done: 0 }),
        ControlFlow::Continue(Offers::TooFew) => Ok(Bulk::TooFew { distances: linking.distances }),
        ControlFlow::Continue(Offers::Enough { order }) => {
            let levels = link_levels(&linking.graph, space, options, observe)?;
            Ok(Bulk::Linked { linked: Linked { distances: linking.distances + levels.distances, ..levels }, order })
        }
    }
}

/// What linking in bulk came to.
pub(super) enum Bulk {
    /// The graph, and its vertices leaf by leaf, so that rows near each other mostly follow each other.
    Linked { linked: Linked, order: Vec<u32> },
    /// Rows are better searched for; it took these distances to see that.
    TooFew { distances: u64 },
}

/// What leaves offered their rows.
enum Offers {
    Enough {
        /// The rows, leaf by leaf.
        order: Vec<u32>,
    },
    /// Many rows were offered too few others: the data is of small groups, or of few dimensions, and leaves that overlap
    /// offer the same rows again and again. Nothing leads out of a group then.
    TooFew,
}

/// Told which half is being done, and how much of it.
type Tell<'a> = &'a mut dyn FnMut(u64, usize, usize) -> ControlFlow<()>;

impl<S: Space> Linking<'_, S> {
    /// Links all rows of the base, which has no lists yet.
    fn link_all(&mut self, degree: usize, tell: Tell<'_>) -> ControlFlow<(), Offers> {
        let rows = self.graph.rows();
        tell(0, 0, 1)?;
        let partition = Partition { space: self.space, seed: self.options.seed, distances: AtomicU64::new(0) };
        let memberships = (self.options.build_width / 6).clamp(*MEMBERSHIPS.start(), *MEMBERSHIPS.end());
        let offered = (degree / 4).clamp(*OFFERED.start(), *OFFERED.end());
        let vertices = self.graph.vertices().collect();
        let leaves = partition.divide(vertices, memberships, &mut || tell(0, 0, 1))?;
        self.distances += partition.distances.into_inner();
        let all_offered = memberships * offered;
        let width = (degree * 3 / 2).min(all_offered);
        let reservoir = Reservoir::new(rows, width);
        self.offer(&leaves, offered, &reservoir, tell)?;
        // Of the offers to a row of a wide neighbourhood about half name rows that others named before.
        let few = (width / 2).min(all_offered * 3 / 16);
        let rows = 0..self.graph.rows();
        let short: Vec<bool> = rows.into_par_iter().map(|row| reservoir.count(row) < few).collect();
        let short_count = self.graph.vertices().filter(|&row| short[row as usize]).count();
        if short_count > self.graph.vertex_count() as usize / MANY {
            return ControlFlow::Continue(Offers::TooFew);
        }
        if short_count > 0 {
            self.offer_more(&leaves, &reservoir, &short, tell)?;
        }

        // Rows of one leaf follow each other, and meet rows that are still in the caches.
        let mut listed = vec![false; short.len()];
        let is_new = |row: &u32| !std::mem::replace(&mut listed[*row as usize], true);
        let order: Vec<u32> = leaves.into_iter().flatten().filter(is_new).collect();
        self.graph.base.entries.extend(medoid(self.space, &order));
        for (batch, now) in order.chunks(LARGEST_CAP).enumerate() {
            tell(1, batch * LARGEST_CAP, order.len())?;
            let found = now.par_iter().map_init(|| self.worker(), |lent, &row| lent.get().pick(self, &reservoir, row));
            self.distances += self.settle(0, self.space, found);
        }
        tell(1, 1, 1)?;
        ControlFlow::Continue(Offers::Enough { order })
    }

    /// Offers each row the nearest that it meets in its leaves.
    fn offer(&mut self, leaves: &[Vec<u32>], offered: usize, reservoir: &Reservoir, tell: Tell<'_>) -> ControlFlow<()> {
        let work = || (self.space.probe(), Nearest::new(offered), Vec::new(), Vec::new());
        for (group, now) in leaves.chunks(LEAVES_AT_ONCE).enumerate() {
            tell(0, group * LEAVES_AT_ONCE, leaves.len())?;
            now.par_iter().for_each_init(work, |(probe, nearest, between, merged), leaf| {
                between.resize(leaf.len() * leaf.len(), 0.0);
                self.space.fetch(leaf);
                self.space.between(probe, leaf, leaf, between);
                for (place, (&row, between)) in leaf.iter().zip(between.chunks_exact_mut(leaf.len())).enumerate() {
                    if let Some(&soon) = leaf.get(place + AHEAD) {
                        reservoir.fetch(soon);
                    }
                    // No row is its own neighbour.
                    between[place] = f32::NAN;
                    reservoir.offer(row, nearest.of(leaf, between), merged);
                }
            });
            self.distances += now.iter().map(|leaf| leaf.len() as u64 * (leaf.len() as u64 - 1) / 2).sum::<u64>();
        }
        ControlFlow::Continue(())
    }

    /// Offers more to rows that are `short` of offers: those of a small and tight group, such as copies of one row, are in the same
    /// leaves, each of which offers them the same few of their group, and nothing leads out of it. They are offered what
    /// a prune chooses of one of their leaves, some in each direction, and each row of a group takes another leaf.
    ///
    /// (Ten thousand rows in groups of ten that differ by little, where a searched graph finds 0.99: at as many distances
    /// 0.81 was found when they were offered the nearest of their first leaf, and 0.88 with what a prune chooses of it.)
    fn offer_more(
        &mut self,
        leaves: &[Vec<u32>],
        reservoir: &Reservoir,
        short: &[bool],
        tell: Tell<'_>,
    ) -> ControlFlow<()> {
        // Which of its leaves a row takes, and how many of them came by.
        let mut taken = vec![(0, 0); short.len()];
        for (number, leaf) in leaves.iter().enumerate() {
            for &row in leaf.iter().filter(|row| short[**row as usize]) {
                let (mine, met) = &mut taken[row as usize];
                if *met <= row % TURNS {
                    *mine = number;
                }
                *met += 1;
            }
        }
        for (group, now) in leaves.chunks(LEAVES_AT_ONCE).enumerate() {
            tell(0, 1, 1)?;
            let offers = now.par_iter().enumerate().map_init(
                || self.worker(),
                |lent, (place, leaf)| {
                    let number = group * LEAVES_AT_ONCE + place;
                    let mine = leaf.iter().filter(|row| short[**row as usize] && taken[**row as usize].0 == number);
                    mine.map(|&row| lent.get().offer_chosen(self, leaf, reservoir, row)).sum::<u64>()
                },
            );
            self.distances += offers.sum::<u64>();
        }
        ControlFlow::Continue(())
    }
}
