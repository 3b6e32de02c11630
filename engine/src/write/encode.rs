//! Encodes the rows that are linked, for searches over codes.

use std::sync::Arc;

use omendb_graph::{Graph, Scratch, Space};
use rayon::prelude::*;

use crate::db::{Core, install};
use crate::input::query::Probe;
use crate::search::near_rows::NearRows;
use crate::state::codes::Codes;
use crate::state::snapshot::Snapshot;

/// Rows that ask whether a new grid serves.
const ASKING: u32 = 128;

/// The neighbours that they ask for, and the widths of their searches.
const K: usize = 10;
const WIDTH: usize = 32;
const WIDTH_OF_TRUTH: usize = 100;

/// Searches over codes may miss one neighbour more in so many.
const ONE_IN: usize = 100;

/// One asking row in so many may have to be answered over rows.
const ONE_OVER_ROWS_IN: usize = 8;

impl Core {
    /// The codes of the rows of `graph`, with what `snapshot` has of them.
    pub(crate) fn encoded(&self, snapshot: &Snapshot, graph: &Graph) -> Option<Arc<Codes>> {
        // Under the inner product over rows of varying norm, a few long rows take all of a grid.
        if !self.use_.codes || graph.has_near() {
            return None;
        }
        let source = snapshot.code_source(&self.config, self.measure.isa());
        let serves = |codes: &Codes| self.serves(snapshot, graph, codes);
        install(&self.link_pool, || Codes::extended(snapshot.codes.as_ref(), source, graph.rows(), serves))
    }

    /// Whether searches over codes find about what searches over rows find. Some rows ask for their neighbours.
    fn serves(&self, snapshot: &Snapshot, graph: &Graph, codes: &Codes) -> bool {
        let n = ASKING.min(graph.rows());
        let found = |(scratch, probe, near_rows): &mut (Scratch, Probe, NearRows), i: u32| {
            let rows = snapshot.rows(&self.measure);
            rows.load((u64::from(i) * u64::from(graph.rows()) / u64::from(n)) as u32, probe);
            near_rows.over_rows(scratch, |scratch| graph.search(&rows, probe, WIDTH_OF_TRUTH, scratch));
            let farthest = near_rows.found.get(K - 1).map_or(f32::INFINITY, |near| near.distance);
            let hits =
                |near_rows: &NearRows| near_rows.found.iter().filter(|near| near.distance <= farthest).count().min(K);
            near_rows.over_rows(scratch, |scratch| graph.search(&rows, probe, WIDTH, scratch));
            let over_rows = hits(near_rows);
            let is_over_codes =
                near_rows.over_codes(codes, &rows, probe, (K, WIDTH), scratch, |space, query, width, scratch| {
                    graph.search(space, query, width, scratch)
                });
            // A search that cannot go over codes goes over rows.
            if is_over_codes.is_some() { (over_rows, hits(near_rows), 0) } else { (over_rows, over_rows, 1) }
        };
        let work = || (Scratch::new(), Probe::new(), NearRows::default());
        let found = (0..n).into_par_iter().map_init(work, found);
        let (over_rows, over_codes, twice) = found.reduce(|| (0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2));
        over_codes + n as usize * K / ONE_IN >= over_rows && twice <= n as usize / ONE_OVER_ROWS_IN
    }
}
