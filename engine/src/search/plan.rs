//! The plan of a search, decided before any distance is computed.

use crate::db::Core;
use crate::search::options::{Effort, SearchOptions};
use crate::state::snapshot::Snapshot;
use crate::{Db, SearchError};

/// How a search is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plan {
    /// There is no row to find, or none is asked for.
    Nothing,
    /// The distance of every row is computed.
    Scan,
    /// The graph is searched with this width, and the rows that are not in it yet are scanned. A filter that accepts few
    /// rows widens the search, up to a scan.
    Graph {
        /// How many candidates the search keeps.
        width: usize,
    },
}

impl Plan {
    /// The plan for options that were checked.
    pub(super) fn of(core: &Core, snapshot: &Snapshot, options: &SearchOptions) -> Plan {
        let k = options.k.min(snapshot.view.live() as usize);
        if k == 0 {
            return Plan::Nothing;
        }
        if options.exact {
            return Plan::Scan;
        }
        let width = match options.effort {
            Effort::Width(width) => width,
            Effort::Recall(recall) => core.width_for(snapshot, options.k, recall),
        };
        let width = width.max(k);
        if scan_is_cheaper(snapshot.graph.rows() as usize, first_width(snapshot, width)) {
            Plan::Scan
        } else {
            Plan::Graph { width }
        }
    }
}

impl Db {
    /// How a search with these options is answered now.
    ///
    /// # Errors
    /// [`SearchError::Option`] for an option out of range.
    pub fn explain(&self, options: &SearchOptions) -> Result<Plan, SearchError> {
        options.check()?;
        Ok(Plan::of(&self.core, &self.core.snapshot.load(), options))
    }
}

/// Whether looking at every row takes less time than a walk of this width: about ten distances a
/// place in the pool, and the moving of places, which grows with the square.
pub(crate) fn scan_is_cheaper(rows: usize, width: usize) -> bool {
    let walk = width.saturating_mul(10).saturating_add(width.saturating_mul(width) / 8);
    walk >= rows
}

/// The width that keeps enough rows where such a part of those met is kept: somewhat more than half of `width`, for chance
/// decides how many it is.
pub(super) fn width_to_keep(width: usize, part: f64) -> usize {
    (0.75 * width as f64 / part) as usize
}

/// The width that a search of the graph begins with: wider where many of the rows that it meets are deleted.
pub(super) fn first_width(snapshot: &Snapshot, width: usize) -> usize {
    // Rows taken out of the graph are not met, and copies are met with their vertex.
    let met = f64::from(snapshot.graph.vertex_count()) + snapshot.buffered() as f64;
    width_to_keep(width, (f64::from(snapshot.view.live()) / met).min(1.0)).max(width)
}
