//! Searches the graph, with a larger width until enough rows are accepted.

use crate::db::Core;
use crate::search::options::SearchStats;
use crate::search::plan::{first_width, scan_is_cheaper, width_to_keep};
use crate::search::scratch::SearchScratch;
use crate::search::top::Top;
use crate::state::snapshot::Snapshot;

impl Core {
    /// Asks the graph, wider and wider until enough rows are kept; false when so few are that
    /// looking at every row is cheaper.
    ///
    /// Deleted and filtered rows take places in the pool. The last of k kept rows then stands deep in
    /// it, where more is missed: k rows are enough only when half of `width` are kept, from where on
    /// as large a share was found as without any filter (a test tells).
    pub(super) fn search_graph(
        &self,
        snapshot: &Snapshot,
        width: usize,
        keep: &impl Fn(u32) -> bool,
        scratch: &mut SearchScratch,
        top: &mut Top<'_>,
        stats: &mut SearchStats,
    ) -> bool {
        let (rows, space) = (snapshot.graph.rows() as usize, snapshot.rows(&self.measure));
        let mut wide = first_width(snapshot, width);
        loop {
            let (near_rows, graph) = (&mut scratch.near_rows, &snapshot.graph);
            let over_codes = snapshot.codes().and_then(|codes| {
                let (probe, sizes) = (&scratch.probe, (top.k(), wide));
                near_rows.over_codes(codes, &space, probe, sizes, &mut scratch.graph, |space, query, width, scratch| {
                    graph.search(space, query, width, scratch)
                })
            });
            if let Some(count) = over_codes {
                stats.code_distances += count.distances;
                stats.distances += near_rows.found.len() as u64;
            }
            let count = over_codes.unwrap_or_else(|| {
                near_rows.over_rows(&mut scratch.graph, |inner| graph.search(&space, &scratch.probe, wide, inner))
            });
            stats.distances += count.distances;
            stats.hops += count.hops;
            top.clear();
            let (mut kept, mut found) = (0, 0);
            for near in &scratch.near_rows.found {
                let copies = std::iter::once(near.slot).chain(snapshot.graph.copies_of(near.slot));
                let mut living = copies.filter(|&slot| keep(slot)).take(top.k()).peekable();
                found += 1;
                kept += usize::from(living.peek().is_some());
                living.for_each(|slot| top.offer(near.distance, slot));
            }
            // Fewer than asked for are all that the graph leads to.
            if top.is_full() && (kept >= width / 2 || found < wide) {
                return true;
            }
            let next = width_to_keep(width, kept as f64 / wide as f64);
            wide = next.clamp(wide + wide.div_ceil(4), wide.saturating_mul(4));
            if scan_is_cheaper(rows, wide) {
                top.clear();
                return false;
            }
        }
    }
}
