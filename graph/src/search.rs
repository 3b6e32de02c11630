//! Greedy beam search: from the entry points, always on to the nearest row not yet expanded.
//!
//! Algorithm 1 of the DiskANN paper, with the list of candidates kept sorted.

use crate::csr::Csr;
use crate::{GraphError, Neighbour, Scratch, Space};

/// An adjacency and the rows where searches enter it.
#[derive(Clone, Debug)]
pub struct Graph {
    pub(crate) csr: Csr,
    pub(crate) entries: Vec<u32>,
}

/// What a search cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchCount {
    /// Distances computed.
    pub distances: u64,
    /// Rows expanded.
    pub hops: u64,
}

impl Graph {
    /// A graph without rows, whose rows will have at most `degree` neighbours.
    pub fn empty(degree: usize) -> Result<Self, GraphError> {
        Ok(Graph { csr: Csr::new(degree)?, entries: Vec::new() })
    }

    /// The adjacency.
    pub fn csr(&self) -> &Csr {
        &self.csr
    }

    /// How many rows are in the graph: slots 0 to `rows() - 1`.
    pub fn rows(&self) -> u32 {
        self.csr.rows()
    }

    /// Where searches enter. Empty only when the graph is.
    pub fn entries(&self) -> &[u32] {
        &self.entries
    }

    /// Finds about the `width` nearest rows to `probe`; [`Scratch::nearest`] has them.
    ///
    /// Rows numbered `rows()` and above are never asked about, even when another clone of this
    /// graph already links to them.
    pub fn search<S: Space>(&self, space: &S, probe: &S::Probe, width: usize, scratch: &mut Scratch) -> SearchCount {
        let mut count = SearchCount::default();
        let Scratch { visited, pool, frontier, distances, expanded } = scratch;
        let rows = self.rows();
        visited.begin(rows as usize);
        pool.begin(width.clamp(1, rows.max(1) as usize));
        expanded.clear();

        frontier.clear();
        frontier.extend(self.entries.iter().copied().filter(|&slot| visited.insert(slot)));
        loop {
            distances.resize(frontier.len(), 0.0);
            space.distances(probe, frontier, distances);
            count.distances += frontier.len() as u64;
            for (&slot, &distance) in frontier.iter().zip(distances.iter()) {
                pool.insert(Neighbour { distance, slot });
            }

            let Some(next) = pool.expand() else { return count };
            count.hops += 1;
            expanded.push(next);
            frontier.clear();
            frontier.extend(self.csr.neighbours(next.slot).filter(|&slot| slot < rows && visited.insert(slot)));
            if let Some(upcoming) = pool.upcoming() {
                self.csr.prefetch(upcoming);
            }
        }
    }
}
