//! Adds rows to a graph: decides how, and reconnects afterwards.

use std::sync::Arc;

use rayon::prelude::*;

use super::bulk;
use super::incremental::extend;
use super::reconnect::{FEW_ROWS, Searched};
use super::{BuildOptions, Linked, Observe};
use crate::absent::RowCopy;
use crate::csr::Edge;
use crate::level::LevelRow;
use crate::{Graph, GraphError, MIN_DEGREE, Space};

/// Graphs of up to [`FEW_ROWS`] are checked whole after each link. Larger ones are checked each time they have grown by
/// about an eighth.
const CHECKS_PER_E: f64 = 8.0;

/// This many old rows take their turn with each new one, in the base and in upper levels: edges to them may have been dropped,
/// or new rows may lead their searches astray. In the base one in [`ONE_IN`] of them is searched for. If many of these are
/// lost, the first quarter of the turn is, which begins with the last batch. If whole groups are lost, every fourth row of
/// the turn is. Figures: docs/experiments/013.
const OLD_PER_NEW: u32 = 64;
const ONE_IN: usize = 64;
const PART_IF_LOST: usize = 4;

/// In the base of graphs of up to [`FEW_ROWS`] rows these take their turn, and all are searched for: a sample misses the
/// few rows that lost their way. So it is with a second graph: by inner product a row is not its own nearest.
const OLD_PER_NEW_SMALL: u32 = 16;
const OLD_PER_NEW_BY_PRODUCT: u32 = 8;

/// The rows that a graph is to have.
#[derive(Clone, Copy, Debug)]
pub struct NewRows<'a> {
    /// The number of rows, old ones included.
    pub total: u32,
    /// The new rows that equal a vertex, new or old.
    pub copies: &'a [RowCopy],
    /// The new rows that are deleted already: not linked, and no copies.
    pub dead: &'a [u32],
}

/// Rows without copies, or whose copies are not known.
impl From<u32> for NewRows<'_> {
    fn from(total: u32) -> Self {
        NewRows { total, copies: &[], dead: &[] }
    }
}

/// Adds the rows from `graph.rows()` on to the graph, in the current rayon pool. If they are at least 8,192 and at least
/// as many as the graph has, a bulk build links all rows anew. Copies share the vertex of the row that they equal.
///
/// `graph` still answers searches over its own rows, during and after the call. If few rows are added, the lists are
/// shared, and some old edges are replaced by edges to new rows. Otherwise the lists are copied first. `observe` is called
/// after each batch with the number of new rows linked, and may ask to stop. In a bulk build, one half is reported while
/// leaves make offers, the other half while lists are written.
///
/// # Errors
/// [`GraphError::Capacity`], or [`GraphError::Cancelled`] if `observe` asked to stop. Then all edges lead to rows of
/// `graph` again, and the call can be repeated. Edges that were replaced in shared lists stay dropped. A row that only
/// they led to gets a path from the next [`Graph::repair`], or from the next `link` that checks every row.
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
    // The second graph first: its lists lead the searches that link the first.
    let near = match space.near() {
        None => None,
        Some(by_nearness) => {
            let none = Graph::empty((graph.csr().degree() / 2).max(MIN_DEGREE))?;
            // If rows are linked anew, some are absent from the start: see `Graph::emptied`.
            let none = Graph { absent: Arc::clone(&graph.absent), ..none };
            Some(link(graph.near.as_deref().unwrap_or(&none), by_nearness, new, options, &mut |_| observe(0))?)
        }
    };
    let mut known = graph.clone();
    if !copies.is_empty() || !dead.is_empty() {
        known.absent = Arc::new(graph.absent.with(copies, dead));
    }
    let old = graph.vertex_count();
    // Lists by inner product are linked with searches. Figures: docs/experiments/009.
    let bulk = bulk::pays(old, known.absent.vertex_count(rows)) && space.near().is_none();
    let (start, searched) = if bulk {
        let (linked, searched) = bulk::build(&known, space, rows, options, observe)?;
        (linked, Some(searched))
    } else {
        (Linked { graph: known, distances: 0, repaired: 0 }, None)
    };
    let (mut linked, mut searched, mut dropped) = (start.beside(near), searched, Vec::new());
    let first_rows = linked.graph.rows();
    loop {
        let before = linked.graph.clone();
        let to = stage_end(before.rows(), rows);
        let first = before.rows().saturating_sub(graph.rows());
        // After a bulk build no row is left to link.
        let (next, more) =
            extend(&before, space, to, options, &mut |done| observe(first + done)).inspect_err(|_| graph.withdraw())?;
        linked = next.plus(linked.distances, linked.repaired);
        linked.graph.follow_near();
        dropped.extend(more);
        // After the last of several stages, all rows: an edge may have been dropped since.
        let known = if to == rows && before.rows() > first_rows { before.emptied() } else { before };
        dropped.extend(linked.reconnect(&known, space, searched.take()));
        if to == rows {
            break;
        }
    }
    let rows = linked.graph.vertex_count();
    // A row that searches find through upper levels may still be unreachable from the entry points.
    let checks = |rows: u32| (f64::from(rows.max(1)).ln() * CHECKS_PER_E) as u64;
    linked.repaired += if bulk || rows <= FEW_ROWS || checks(old) != checks(rows) {
        linked.graph.repair(space)
    } else {
        linked.graph.repair_around(space, graph, &dropped)
    };
    Ok(linked)
}

/// The end of the next stage. New rows are searched for after each stage, so that later rows can find them. Figures:
/// docs/experiments/013.
fn stage_end(linked: u32, rows: u32) -> u32 {
    const LEAST: u32 = 1024;
    const GROWTH: u32 = 4;
    linked.saturating_add((linked / GROWTH).max(LEAST)).min(rows)
}

impl Linked {
    /// Reconnects rows. After a bulk build it searches for those of the base that the build says, and for all others.
    /// Otherwise it searches for new rows and some old ones. Returns the rows that lost an edge to them.
    fn reconnect<S: Space>(&mut self, old: &Graph, space: &S, mut after_bulk: Option<Searched>) -> Vec<LevelRow> {
        let mut dropped = Vec::new();
        for number in (0..=self.graph.upper.len()).rev() {
            let searched = match &mut after_bulk {
                Some(of_base) if number == 0 => std::mem::take(of_base),
                Some(_) => Searched::all((0..self.graph.level_rows(number)).collect()),
                None => self.graph.searched_with_new(number, old.level_rows(number)),
            };
            let reconnected = self.graph.reconnect(number, space, searched);
            self.repaired += reconnected.connected;
            dropped.extend(reconnected.dropped.into_iter().map(|row| (number, row)));
        }
        dropped
    }
}

impl Graph {
    /// What is searched for in a level after its rows from `old` on were linked.
    fn searched_with_new(&mut self, number: usize, old: u32) -> Searched {
        let rows = self.level_rows(number);
        let (per_new, sampled) = match number {
            0 if rows <= FEW_ROWS => (OLD_PER_NEW_SMALL, false),
            0 if self.has_near() => (OLD_PER_NEW_BY_PRODUCT, false),
            _ => (OLD_PER_NEW, number == 0),
        };
        let turn = self.take_turn(number, old, (rows - old).saturating_mul(per_new));
        let is_vertex = |row: &u32| number > 0 || self.is_vertex(*row);
        let new = (old..rows).filter(is_vertex);
        let one_in = |step| turn.iter().copied().step_by(step).filter(is_vertex);
        if !sampled {
            return Searched::all(new.chain(one_in(1)).collect());
        }
        Searched {
            all: new.collect(),
            sample: one_in(ONE_IN).collect(),
            if_many: one_in(1).take(turn.len() / PART_IF_LOST).collect(),
            if_groups: one_in(PART_IF_LOST).collect(),
        }
    }

    /// The next `some` of the first `old` rows of a level, those after the last again from the first on.
    fn take_turn(&mut self, number: usize, old: u32, some: u32) -> Vec<u32> {
        let some = some.min(old);
        let next = &mut self.level_mut(number).next_searched;
        let first = if *next < old { *next } else { 0 };
        // One is skipped, so that other rows are sampled in the next turn.
        *next = first.saturating_add(some + 1);
        (first..old).chain(0..first).take(some as usize).collect()
    }

    /// Removes edges to rows that this graph does not have. A [`link`] that panicked leaves such edges in shared lists.
    pub fn withdraw(&self) {
        if let Some(near) = &self.near {
            near.withdraw();
        }
        for level in (0..=self.upper.len()).map(|number| self.level(number)) {
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
