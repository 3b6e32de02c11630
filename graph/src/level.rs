//! One adjacency with its entry points: a best-first search.
//!
//! Algorithm 1 of the DiskANN paper, with a sorted candidate list. Each step expands the nearest row that is not
//! expanded yet.

use std::collections::HashMap;
use std::sync::Arc;

use crate::csr::Csr;
use crate::search::candidates::Width;
use crate::{GraphError, Scratch, SearchCount, Space};

/// Some lists, by slot.
pub(crate) type Lists = HashMap<u32, Vec<u32>>;

/// The number of a level, and a row of it.
pub(crate) type LevelRow = (usize, u32);

/// An adjacency and its entry points.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    pub(crate) csr: Csr,
    pub(crate) entries: Vec<u32>,
    /// Lists of the second graph, which searches follow too.
    pub(crate) beside: Option<Csr>,
    /// Lists that searches follow instead: see [`HeldOut`](crate::HeldOut).
    pub(crate) instead: Option<Arc<Lists>>,
    /// The old row that is searched for next: see [`crate::link`].
    pub(crate) next_searched: u32,
}

impl Level {
    pub(crate) fn empty(degree: usize) -> Result<Self, GraphError> {
        Ok(Level { csr: Csr::new(degree)?, entries: Vec::new(), beside: None, instead: None, next_searched: 0 })
    }

    pub(crate) fn grown(&self, rows: u32) -> Result<Self, GraphError> {
        Ok(Level { csr: self.csr.grown(rows)?, ..self.clone() })
    }

    /// The neighbours of a row in both graphs.
    pub(crate) fn neighbours(&self, slot: u32) -> impl Iterator<Item = u32> + '_ {
        let beside = self.beside.iter().flat_map(move |beside| beside.neighbours(slot));
        self.csr.neighbours(slot).chain(beside)
    }

    #[inline(always)]
    fn prefetch(&self, slot: u32) {
        self.csr.prefetch(slot);
        if let Some(beside) = &self.beside {
            beside.prefetch(slot);
        }
    }

    /// Finds about the `width` nearest rows to `probe`, from the entry points and `starts`. The scratch has them and the
    /// expanded rows.
    #[inline]
    pub(crate) fn search<S: Space>(
        &self,
        space: &S,
        probe: &S::Probe,
        starts: &[u32],
        width: impl Into<Width>,
        scratch: &mut Scratch,
    ) -> SearchCount {
        self.search_until(space, probe, starts, width.into(), scratch, |_| false)
    }

    /// [`Level::search`] that ends as soon as `stop` returns true for the new rows of a step.
    #[inline(always)]
    pub(crate) fn search_until<S: Space>(
        &self,
        space: &S,
        probe: &S::Probe,
        starts: &[u32],
        width: Width,
        scratch: &mut Scratch,
        mut stop: impl FnMut(&[u32]) -> bool,
    ) -> SearchCount {
        let mut count = SearchCount::default();
        let Scratch { visited, candidates, frontier, distances, expanded, .. } = scratch;
        let rows = self.csr.rows() as usize;
        let mut seen = visited.begin(rows);
        let kept = width.kept.max(width.expanded);
        let [expanded_rows, kept] = [width.expanded, kept].map(|number| number.clamp(1, rows.max(1)));
        candidates.begin(Width { expanded: expanded_rows, kept });
        expanded.clear();

        frontier.clear();
        frontier.extend(self.entries.iter().chain(starts).copied().filter(|&slot| seen.insert(slot)));
        let mut fresh = frontier.len();
        let room = fresh.max(self.csr.capacity() + self.beside.as_ref().map_or(0, Csr::capacity));
        frontier.resize(room, 0);
        distances.resize(room, 0.0);
        // Local slices: through the scratch, each step of the loop would load them again.
        let (frontier, distances) = (&mut frontier[..], &mut distances[..]);
        loop {
            let (slots, measured) = (&frontier[..fresh], &mut distances[..fresh]);
            if stop(slots) {
                return count;
            }
            space.distances(probe, slots, measured);
            count.distances += fresh as u64;
            candidates.take(slots, measured, |slot| self.prefetch(slot));
            let Some(next) = candidates.expand() else { return count };
            count.hops += 1;
            expanded.push(next);
            // No unpredictable branch: every slot is written, and counting keeps it.
            fresh = 0;
            let mut meet = |slot| {
                frontier[fresh] = slot;
                fresh += usize::from(seen.insert(slot));
            };
            if let Some(list) = self.instead.as_ref().and_then(|lists| lists.get(&next.slot)) {
                list.iter().copied().for_each(meet);
            } else {
                self.csr.visit(next.slot, &mut meet);
                if let Some(beside) = &self.beside {
                    beside.visit(next.slot, &mut meet);
                }
            }
            space.fetch(&frontier[..fresh]);
            if let Some(upcoming) = candidates.upcoming() {
                self.prefetch(upcoming);
            }
        }
    }
}
