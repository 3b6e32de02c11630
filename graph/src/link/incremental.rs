//! Links rows in batches, with searches of the graph as it was before the batch.
//!
//! All rows of a batch are searched in parallel, and the result does not depend on the number of threads. Batches double
//! with the graph up to a fiftieth of it (Dobson et al., *Scaling Graph-Based ANNS Algorithms to Billion-Size Datasets*,
//! 2023, section 3: ParlayANN).
//!
//! Rows are linked grouped by entry point: their searches then meet rows that are still cached. After the searches, the
//! reverse edges are sorted by the row they start from. Each row appends its own, or prunes if its list is full.

use std::ops::ControlFlow;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::context::{LARGEST_CAP, Linking};
use super::worker::{Found, Located};
use super::{BuildOptions, Linked, Observe};
use crate::graph::Sampled;
use crate::level::LevelRow;
use crate::search::medoid::medoid;
use crate::{Graph, GraphError, Space};

/// Smaller batches are not worth the wait at their ends.
const SMALLEST_CAP: usize = 32;

/// Up to one new row for this many old ones, lists are shared with the old graph.
const FEW: u32 = 16;

/// Makes the upper levels of a base that has none.
pub(crate) fn link_levels<S: Space>(
    graph: &Graph,
    space: &S,
    options: &BuildOptions,
    observe: Observe<'_>,
) -> Result<Linked, GraphError> {
    Ok(extend(graph, space, graph.rows(), options, observe)?.0)
}

/// Links rows of the base that have too few neighbours, like new rows.
pub(crate) fn relink<S: Space>(graph: &Graph, space: &S, rows: &[u32], options: &BuildOptions) {
    let linking = Linking::new(graph.clone(), space, options);
    let at_once = (graph.rows() as usize / 50).clamp(SMALLEST_CAP, LARGEST_CAP);
    for rows in rows.chunks(at_once) {
        linking.batch(0, rows, space);
    }
}

/// Links the new rows of every level. If they are few, it also returns the rows that lost an edge to them.
pub(super) fn extend<S: Space>(
    graph: &Graph,
    space: &S,
    rows: u32,
    options: &BuildOptions,
    observe: Observe<'_>,
) -> Result<(Linked, Vec<LevelRow>), GraphError> {
    let new = rows - graph.rows();
    let few = new <= graph.rows() / FEW;
    let grown = if few { graph.grown(rows)? } else { graph.detached().grown(rows)? };
    let mut linking = Linking::new(grown, space, options);
    // Absent rows are not linked. If all are absent, the level still needs an entry point.
    let linked = |level| if level == 0 { graph.vertex_count() } else { graph.level_rows(level) };
    linking.linked = (0..=linking.task.graph.upper.len()).map(|level| linked(level) as usize).collect();
    linking.remembers = few && new > 0;
    for group in linking.groups(graph).iter().rev() {
        // From the base up, so that upper levels lead only to rows that are linked below.
        for (level, rows) in group.iter().enumerate() {
            if linking.link_rows(level, rows, observe).is_break() {
                return Err(GraphError::Cancelled { done: linking.done });
            }
        }
    }
    Ok(linking.finish())
}

impl<S: Space> Linking<'_, S> {
    /// The new rows, shuffled and grouped by their highest level. `groups[h][l]` has the rows of group h, numbered as in
    /// level l.
    fn groups(&self, old: &Graph) -> Vec<Vec<Vec<u32>>> {
        let (mut groups, upper) = (Vec::new(), &self.task.graph.upper);
        // The first new row of each level.
        let first = |level: usize| old.level_rows(level);
        for highest in 0..=upper.len() {
            let rows = if highest == 0 { self.task.graph.rows() } else { upper[highest - 1].level.csr.rows() };
            let higher: &[u32] = upper.get(highest).map_or(&[], |upper| &upper.below);
            let new: Box<dyn Iterator<Item = u32>> = match highest {
                0 => Box::new(self.task.graph.absent.vertices(first(highest)..rows)),
                _ => Box::new(first(highest)..rows),
            };
            let mut mine: Vec<u32> = new.filter(|row| higher.binary_search(row).is_err()).collect();
            let seed = self.task.options.seed ^ (u64::from(old.rows()) << 8) ^ highest as u64;
            mine.shuffle(&mut StdRng::seed_from_u64(seed));
            let mut numbers = vec![mine];
            for level in (0..highest).rev() {
                let below = &upper[level].below;
                numbers.push(numbers[numbers.len() - 1].iter().map(|&row| below[row as usize]).collect());
            }
            numbers.reverse();
            // A new level takes old rows of those below it.
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
            None => self.link_into(level, rows, self.task.space, observe),
            Some(upper) => {
                let slots = std::sync::Arc::clone(&self.task.graph.upper[upper].slots);
                self.link_into(level, rows, &Sampled::with_near(self.task.space, &slots), observe)
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
        let total = self.task.graph.level(level).csr.rows() as usize;
        if self.linked[level] == 0
            && let Some(medoid) = medoid(space, rows)
        {
            // The medoid of its first rows is the entry point of a level.
            order.extend(rows.iter().copied().filter(|&row| row != medoid));
            rest = &order[..];
            self.task.graph.level_mut(level).entries.push(medoid);
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

    /// Links rows that have no edges to them yet. Returns the distances computed.
    fn batch<L: Space<Probe = S::Probe>>(&self, level: usize, rows: &[u32], space: &L) -> u64 {
        let worker = || self.worker();
        let mut located: Vec<Located> = rows
            .par_iter()
            .map_init(worker, |pooled, &row| pooled.get().locate(&self.task, level, space, row))
            .collect();
        located.par_sort_unstable();
        let found: Vec<Found> = located
            .par_iter()
            .map_init(worker, |pooled, located| pooled.get().find(&self.task, level, space, located))
            .collect();
        // Lists are written after all searches: rows of a batch meet each other through lists of the second graph, or old
        // lists.
        let csr = &self.task.graph.level(level).csr;
        let written = found.into_par_iter().map(|found| {
            csr.set(found.row, found.list);
            (found.reverse, found.distances)
        });
        self.add_all_reverse_edges(level, space, written)
    }
}
