//! Rows are added to a graph: in which way, and what is looked at after it.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::incremental::extend;
use super::{BuildOptions, bulk};
use crate::csr::Edge;
use crate::{Graph, GraphError, Space};

/// Graphs of up to this many rows are looked at whole after each link; larger ones each time they
/// have grown by about a sixty-fourth, which costs a few per cent of linking that many rows.
const LOOK_ALWAYS: u32 = 1 << 16;
const LOOKS_PER_E: f64 = 64.0;

/// Told how many new rows are linked; may ask to stop.
pub type Observe<'a> = &'a mut dyn FnMut(u32) -> ControlFlow<()>;

/// A graph with rows added, and what that took.
#[derive(Debug)]
pub struct Linked {
    /// The graph.
    pub graph: Graph,
    /// Distances computed, in searches and prunes, to leaders and within leaves.
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
