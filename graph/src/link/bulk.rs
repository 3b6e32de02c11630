//! The bulk build: builds the graph from overlapping partitions (leaves) instead of one search a row.
//!
//! PiPNN (Rubel et al., *Pick-in-Partitions*, arXiv 2602.21247). Rows are divided into overlapping leaves. All distances
//! within a leaf are computed, and each row keeps the nearest of what its leaves offer. RobustPrune and reverse edges
//! follow, as in [`super::incremental`]. Such distances are cheap: the rows of a leaf are cached.
//!
//! Few neighbours of many leaves are worth more than many of few. Figures: docs/experiments/007.
//!
//! Besides the graph it needs 12 R bytes a row for offers, 4 to 8 bytes for each leaf of a row, and about 25 bytes more.
//! Each thread needs the distances of a leaf (1 MiB). Unless rows are u8 or i8, it also needs the leaf's rows as f32
//! (2 KiB times their dimension).

use std::ops::{ControlFlow, RangeInclusive};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use rayon::prelude::*;

use super::context::{LARGEST_CAP, Linking};
use super::partition::Partition;
use super::reconnect::Searched;
use super::reservoir::Reservoir;
use super::{BuildOptions, Linked, Observe, link_levels};
use crate::level::Level;
use crate::search::medoid::medoid;
use crate::search::nearest::{COLUMNS, Nearest};
use crate::{Graph, GraphError, Space};

/// Fewer new rows are linked with searches.
const LEAST: u32 = 1 << 13;

/// Leaves computed between two calls of the observer.
const LEAVES_AT_ONCE: usize = 512;

/// The leaves of a row: a sixth of L, within these bounds.
const MEMBERSHIPS: RangeInclusive<usize> = 8..=64;

/// The neighbours that a leaf offers to each of its rows: a quarter of R, within these bounds.
const OFFERED: RangeInclusive<usize> = 4..=COLUMNS;

/// Rows of a tight group take this many different leaves for more offers.
const TURNS: u32 = 8;

/// If more than one row in this many has too few offers, all rows are searched for. Many small groups are: a sample misses
/// groups that no search finds.
const MANY: usize = 8;

/// The offers of a row are prefetched this many rows ahead.
const AHEAD: usize = 8;

/// Whether to link all of `rows` anew, if `old` of them are linked.
pub(super) fn pays(old: u32, rows: u32) -> bool {
    rows - old >= old.max(LEAST)
}

/// Builds the graph over slots 0 to `rows - 1`, whatever `old` has of them. Also returns which of its vertices to search for.
pub(super) fn build<S: Space>(
    old: &Graph,
    space: &S,
    rows: u32,
    options: &BuildOptions,
    observe: Observe<'_>,
) -> Result<(Linked, Searched), GraphError> {
    let degree = old.csr().degree();
    let base = Graph {
        base: Level::empty(degree)?.grown(rows)?,
        upper: Vec::new(),
        absent: Arc::clone(&old.absent),
        near: None,
    };
    let mut linking = Linking::new(base, space, options);
    let new = rows - old.rows();
    // Progress: offers count for one half of the new rows, links for the other.
    let mut tell = |half: u64, part: usize, whole: usize| {
        let done = u64::from(new) * (half * whole as u64 + part as u64) / (2 * whole as u64);
        observe(done as u32)
    };
    match linking.link_all(degree, &mut tell) {
        ControlFlow::Break(()) => Err(GraphError::Cancelled { done: 0 }),
        ControlFlow::Continue(searched) => {
            let levels = link_levels(&linking.task.graph, space, options, observe)?;
            Ok((Linked { distances: linking.distances + levels.distances, ..levels }, searched))
        }
    }
}

/// Called with the half that is in progress, and how much of it is done.
type Tell<'a> = &'a mut dyn FnMut(u64, usize, usize) -> ControlFlow<()>;

impl<S: Space> Linking<'_, S> {
    /// Links all rows of the base, whose lists are empty. Returns which to search for.
    fn link_all(&mut self, degree: usize, tell: Tell<'_>) -> ControlFlow<(), Searched> {
        let rows = self.task.graph.rows();
        tell(0, 0, 1)?;
        let partition =
            Partition { space: self.task.space, seed: self.task.options.seed, distances: AtomicU64::new(0) };
        let memberships = (self.task.options.build_width / 6).clamp(*MEMBERSHIPS.start(), *MEMBERSHIPS.end());
        let offered = (degree / 4).clamp(*OFFERED.start(), *OFFERED.end());
        let vertices = self.task.graph.vertices().collect();
        let leaves = partition.divide(vertices, memberships, &mut || tell(0, 0, 1))?;
        self.distances += partition.distances.into_inner();
        let all_offered = memberships * offered;
        let width = (degree * 3 / 2).min(all_offered);
        let reservoir = Reservoir::new(rows, width);
        self.offer(&leaves, offered, &reservoir, tell)?;
        // About half of the offers to a row in a wide neighbourhood repeat others.
        let few = (width / 2).min(all_offered * 3 / 16);
        let rows = 0..self.task.graph.rows();
        let short: Vec<bool> = rows.into_par_iter().map(|row| reservoir.count(row) < few).collect();
        let short_count = self.task.graph.vertices().filter(|&row| short[row as usize]).count();
        if short_count > 0 {
            self.offer_more(&leaves, &reservoir, &short, tell)?;
        }

        // Rows of one leaf follow each other, so that their candidates are still cached.
        let mut listed = vec![false; short.len()];
        let is_new = |row: &u32| !std::mem::replace(&mut listed[*row as usize], true);
        let order: Vec<u32> = leaves.into_iter().flatten().filter(is_new).collect();
        self.task.graph.base.entries.extend(medoid(self.task.space, &order));
        for (batch, now) in order.chunks(LARGEST_CAP).enumerate() {
            tell(1, batch * LARGEST_CAP, order.len())?;
            let found = now.par_iter().map_init(
                || self.worker(),
                |pooled, &row| pooled.get().choose_from_offers(&self.task, &reservoir, row),
            );
            self.distances += self.add_all_reverse_edges(0, self.task.space, found);
        }
        tell(1, 1, 1)?;
        // Leaf by leaf, so that near rows mostly follow each other.
        let is_grouped = short_count > order.len() / MANY;
        ControlFlow::Continue(if is_grouped { Searched::all(order) } else { Searched::among(order) })
    }

    /// Offers each row its nearest rows of each of its leaves.
    fn offer(&mut self, leaves: &[Vec<u32>], offered: usize, reservoir: &Reservoir, tell: Tell<'_>) -> ControlFlow<()> {
        let work = || (self.task.space.probe(), Nearest::new(offered), Vec::new(), Vec::new());
        for (group, now) in leaves.chunks(LEAVES_AT_ONCE).enumerate() {
            tell(0, group * LEAVES_AT_ONCE, leaves.len())?;
            now.par_iter().for_each_init(work, |(probe, nearest, between, merged), leaf| {
                between.resize(leaf.len() * leaf.len(), 0.0);
                self.task.space.fetch(leaf);
                self.task.space.between(probe, leaf, leaf, between);
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

    /// Offers more to rows that are `short` of offers. The rows of a small tight group are in the same leaves, which offer
    /// them the same few rows of the group. So each row of a group gets what a prune chooses of a different leaf.
    /// Figures: docs/experiments/008.
    fn offer_more(
        &mut self,
        leaves: &[Vec<u32>],
        reservoir: &Reservoir,
        short: &[bool],
        tell: Tell<'_>,
    ) -> ControlFlow<()> {
        // The leaf that a row takes, and how many of its leaves were seen.
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
                |pooled, (place, leaf)| {
                    let number = group * LEAVES_AT_ONCE + place;
                    let mine = leaf.iter().filter(|row| short[**row as usize] && taken[**row as usize].0 == number);
                    mine.map(|&row| pooled.get().offer_chosen(&self.task, leaf, reservoir, row)).sum::<u64>()
                },
            );
            self.distances += offers.sum::<u64>();
        }
        ControlFlow::Continue(())
    }
}
