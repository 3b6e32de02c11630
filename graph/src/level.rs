//! One adjacency with its entry points, searched greedily.
//!
//! Algorithm 1 of the DiskANN paper, with the list of candidates kept sorted: from where the
//! search starts, always on to the nearest row not yet expanded.

use crate::csr::Csr;
use crate::graph::SearchCount;
use crate::{GraphError, Scratch, Space};

/// An adjacency, and the rows from which every other can be reached.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    pub(crate) csr: Csr,
    pub(crate) entries: Vec<u32>,
}

impl Level {
    pub(crate) fn empty(degree: usize) -> Result<Self, GraphError> {
        Ok(Level { csr: Csr::new(degree)?, entries: Vec::new() })
    }

    pub(crate) fn grown(&self, rows: u32) -> Result<Self, GraphError> {
        Ok(Level { csr: self.csr.grown(rows)?, entries: self.entries.clone() })
    }

    /// Finds about the `width` nearest rows to `probe`, from the entry points and `starts` on;
    /// the scratch has them, and the rows that were expanded.
    pub(crate) fn search<S: Space>(
        &self,
        space: &S,
        probe: &S::Probe,
        starts: &[u32],
        width: usize,
        scratch: &mut Scratch,
    ) -> SearchCount {
        let mut count = SearchCount::default();
        let Scratch { visited, pool, frontier, distances, expanded, .. } = scratch;
        let rows = self.csr.rows() as usize;
        let mut seen = visited.begin(rows);
        pool.begin(width.clamp(1, rows.max(1)));
        expanded.clear();

        frontier.clear();
        frontier.extend(self.entries.iter().chain(starts).copied().filter(|&slot| seen.insert(slot)));
        let mut fresh = frontier.len();
        let room = fresh.max(self.csr.capacity());
        frontier.resize(room, 0);
        distances.resize(room, 0.0);
        // The slices are locals: through the scratch, each step of the loop below would load them again.
        let (frontier, distances) = (&mut frontier[..], &mut distances[..]);
        loop {
            let (slots, measured) = (&frontier[..fresh], &mut distances[..fresh]);
            space.distances(probe, slots, measured);
            count.distances += fresh as u64;
            pool.take(slots, measured, |slot| self.csr.prefetch(slot));
            let Some(next) = pool.expand() else { return count };
            count.hops += 1;
            expanded.push(next);
            // Without a branch on what cannot be foretold: each is written, and kept by counting it.
            fresh = 0;
            self.csr.visit(next.slot, |slot| {
                frontier[fresh] = slot;
                fresh += usize::from(seen.insert(slot));
            });
            space.fetch(&frontier[..fresh]);
            if let Some(upcoming) = pool.upcoming() {
                self.csr.prefetch(upcoming);
            }
        }
    }
}
