//! Rows are added to a graph: in which way, and what is looked at after it.

use std::ops::ControlFlow;
use std::sync::Arc;

use rayon::prelude::*;

use super::bulk::{self, Bulk};
use super::incremental::extend;
use super::{BuildOptions, LevelRow};
use crate::absent::RowCopy;
use crate::csr::Edge;
use crate::{Graph, GraphError, MIN_DEGREE, Space};

/// Graphs of up to this many rows are looked at whole after each link; larger ones each time they
/// have grown by about a sixty-fourth, which costs a few per cent of linking that many rows.
const LOOK_ALWAYS: u32 = 1 << 13;
const LOOKS_PER_E: f64 = 64.0;

/// So many rows that have long been linked are looked for beside each new one, in the base and in the levels above, which
/// lead to every search: an edge to one may have given way. They take turns, so that no link takes long. (Of 12,000
/// normally distributed rows of 128 numbers that came in batches of 1,000, one in six did not find itself without.)
const OLD_PER_NEW: u32 = 8;
const OLD_PER_NEW_ABOVE: u32 = 16;

/// Told how many new rows are linked; may ask to stop.
pub type Observe<'a> = &'a mut dyn FnMut(u32) -> ControlFlow<()>;

/// What a graph is to have.
#[derive(Clone, Copy, Debug)]
pub struct NewRows<'a> {
    /// How many rows, those that it has included.
    pub total: u32,
    /// Those of the new ones that equal another row, new or old, which is a vertex.
    pub copies: &'a [RowCopy],
    /// Those of the new ones that are not to be linked, and are no copies: deleted before they could be.
    pub dead: &'a [u32],
}

/// Rows no two of which are equal, or none of whose copies are known.
impl From<u32> for NewRows<'_> {
    fn from(total: u32) -> Self {
        NewRows { total, copies: &[], dead: &[] }
    }
}

/// A graph with rows added, and what that took.
#[derive(Debug)]
pub struct Linked {
    /// The graph.
    pub graph: Graph,
    /// Distances computed, in searches and prunes, to leaders and within leaves; without those of looking for rows that
    /// are linked, 60 to 200 for each that is looked for.
    pub distances: u64,
    /// Rows that no path led to, given one at the end.
    pub repaired: u64,
}

/// Adds the rows from `graph.rows()` on to the graph, in the current rayon pool. If they are 8,192 and at least as
/// many as it has, all rows are linked anew, in bulk. Copies of a row share its vertex: they are neither compared nor
/// counted.
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
pub fn link<'a, S: Space>(
    graph: &Graph,
    space: &S,
    rows: impl Into<NewRows<'a>>,
    options: &BuildOptions,
    observe: Observe<'_>,
) -> Result<Linked, GraphError> {
    let new = rows.into();
    let NewRows { total: rows, copies, dead } = new;
    if rows <= graph.rows() {
        return Ok(Linked { graph: graph.clone(), distances: 0, repaired: 0 });
    }
    // By nearness first: those lists lead the searches for the others.
    let near = match space.near() {
        None => None,
        Some(by_nearness) => {
            let none = Graph::empty((graph.csr().degree() / 2).max(MIN_DEGREE))?;
            // Of rows linked anew, some are absent from the start: see `Graph::emptied`.
            let none = Graph { absent: Arc::clone(&graph.absent), ..none };
            Some(link(graph.near.as_deref().unwrap_or(&none), by_nearness, new, options, &mut |_| observe(0))?)
        }
    };
    let mut known = graph.clone();
    if !copies.is_empty() || !dead.is_empty() {
        known.absent = Arc::new(graph.absent.with(copies, dead));
    }
    let old = graph.vertex_count();
    // Lists by inner product are better searched for: of clustered rows 0.98 was found, 0.94 after a bulk.
    let bulk = bulk::pays(old, known.absent.vertex_count(rows)) && space.near().is_none();
    let picked = if bulk { Some(bulk::build(&known, space, rows, options, observe)?) } else { None };
    let (start, order) = match picked {
        None => (Linked { graph: known, distances: 0, repaired: 0 }, None),
        Some(Bulk::Linked { linked, order }) => (linked, Some(order)),
        Some(Bulk::TooFew { distances }) => (Linked { graph: known.emptied(), distances, repaired: 0 }, None),
    };
    let (mut linked, mut order, mut dropped) = (start.beside(near), order, Vec::new());
    let first_rows = linked.graph.rows();
    loop {
        let before = linked.graph.clone();
        let to = stage_end(before.rows(), rows);
        let first = before.rows().saturating_sub(graph.rows());
        // After a bulk nothing is left to be searched for.
        let (next, more) =
            extend(&before, space, to, options, &mut |done| observe(first + done)).inspect_err(|_| graph.withdraw())?;
        linked = next.plus(linked.distances, linked.repaired);
        linked.graph.follow_near();
        dropped.extend(more);
        // At the end of several stages, for all rows: an edge may have given way since.
        let known = if to == rows && before.rows() > first_rows { before.emptied() } else { before };
        dropped.extend(linked.reconnect(&known, space, order.take()));
        if to == rows {
            break;
        }
    }
    let rows = linked.graph.vertex_count();
    // What a search finds, from where the levels above lead it, need not be reached from the entry points.
    let looks = |rows: u32| (f64::from(rows.max(1)).ln() * LOOKS_PER_E) as u64;
    linked.repaired += if bulk || rows <= LOOK_ALWAYS || looks(old) != looks(rows) {
        linked.graph.repair(space)
    } else {
        linked.graph.repair_around(space, graph, &dropped)
    };
    Ok(linked)
}

/// Up to where rows are linked before they are looked for: what comes after them has to find its way to them. (Of 20 groups
/// far apart of 450 rows of 1,536 numbers, 0.92 was found where all were linked first, and 0.97 in steps of 1,000.)
fn stage_end(linked: u32, rows: u32) -> u32 {
    const LEAST: u32 = 1024;
    const GROWTH: u32 = 4;
    linked.saturating_add((linked / GROWTH).max(LEAST)).min(rows)
}

impl Linked {
    /// The same with the graph by the second measure beside it, if there is one.
    fn beside(self, near: Option<Linked>) -> Self {
        let Some(near) = near else { return self };
        let graph = self.graph.with_near(near.graph);
        Linked { graph, distances: self.distances + near.distances, repaired: self.repaired + near.repaired }
    }

    fn plus(self, distances: u64, repaired: u64) -> Self {
        Linked { distances: self.distances + distances, repaired: self.repaired + repaired, ..self }
    }

    /// Looks for rows: after a bulk, which linked them `in_order`, in all parts of the graph; else for those that are new,
    /// and for some of the others. Returns those to which an edge gave way.
    fn reconnect<S: Space>(&mut self, old: &Graph, space: &S, in_order: Option<Vec<u32>>) -> Vec<LevelRow> {
        let (mut dropped, bulk) = (Vec::new(), in_order.is_some());
        let mut in_order = in_order.unwrap_or_default();
        for number in (0..=self.graph.above.len()).rev() {
            let (old, rows) = (old.level_rows(number), self.graph.level_rows(number));
            let (all, stretches) = match number {
                0 if bulk => (Vec::new(), std::mem::take(&mut in_order)),
                _ if bulk => ((0..rows).collect(), Vec::new()),
                // By inner product a row is not its own best, and less is sure of those that are not looked for.
                0 if self.graph.has_near() => ((old..rows).chain(self.graph.take_turn(0, old)).collect(), Vec::new()),
                _ => ((old..rows).collect(), self.graph.take_turn(number, old)),
            };
            let vertices = |rows: Vec<u32>| -> Vec<u32> {
                rows.into_iter().filter(|&row| number > 0 || self.graph.is_vertex(row)).collect()
            };
            let looked = self.graph.reconnect(number, space, &vertices(all), &vertices(stretches));
            self.repaired += looked.connected;
            dropped.extend(looked.dropped.into_iter().map(|row| (number, row)));
        }
        dropped
    }
}

impl Graph {
    /// Those of the first `old` rows of a level whose turn it is to be looked for.
    fn take_turn(&mut self, number: usize, old: u32) -> Vec<u32> {
        let per_new = if number == 0 { OLD_PER_NEW } else { OLD_PER_NEW_ABOVE };
        let some = (self.level_rows(number) - old).saturating_mul(per_new).min(old);
        let next = &mut self.level_mut(number).next_looked;
        let first = if *next < old { *next } else { 0 };
        // One is left out, so that others are the first of their stretches when it is their turn again.
        *next = first.saturating_add(some + 1);
        (first..old).chain(0..first).take(some as usize).collect()
    }

    /// Takes out the edges to rows that this graph does not have: what an unfinished [`link`],
    /// ended by a panic, leaves in the lists it shares.
    pub fn withdraw(&self) {
        if let Some(near) = &self.near {
            near.withdraw();
        }
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
