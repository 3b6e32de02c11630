//! Every row is found by a search: asked for as a query would be, and given an edge where that search ended.
//!
//! That a path leads to a row is not enough. In groups of rows far apart, lists fill with rows of the own group, and the
//! one edge that leads into another lies where no search passes. So rows are asked for themselves, and each that is not
//! found gets an edge from a row that its search met. One such edge mostly saves its whole group.

use rayon::prelude::*;

use crate::graph::Sampled;
use crate::search::scratch::Shelf;
use crate::{Graph, Scratch, Space};

/// Width of the searches, in the base and in the levels above: a narrow one finds what a wider one does.
const WIDTH: usize = 8;
const WIDTH_ABOVE: usize = 2;

/// The width that the descent is made for.
const DESCENT: usize = 64;

/// So many rows are given edges, one after another, before the others are looked for again, in parallel; of many rows, this
/// part of them, so that each is looked for a bounded number of times.
const AT_ONCE: usize = 512;
const PART_AT_ONCE: usize = 4;

/// So many rounds may save few rows. An edge that gives way may have been the only one to
/// its row, which is then lost in its place.
const IN_VAIN: usize = 8;

/// Of each stretch of so many rows, one in so many is looked for; all are where more than one in so many of these is lost.
const STRETCH: usize = 512;
const ONE_IN: usize = 8;
const MANY: usize = 64;

/// What became of rows that were looked for.
#[derive(Debug)]
pub(crate) struct LookedFor {
    /// How many were given an edge.
    pub(crate) connected: u64,
    /// Rows to which an edge gave way.
    pub(crate) dropped: Vec<u32>,
}

impl Graph {
    /// Looks for rows of a level (numbered as there), and gives those that are not found an edge: for `all` of some rows,
    /// and for parts of the `stretches` of others, of which all are looked for where many are lost. An edge to one
    /// row of a group saves the group, so rows of one group are to follow each other.
    pub(crate) fn reconnect<S: Space>(&self, number: usize, space: &S, all: &[u32], stretches: &[u32]) -> LookedFor {
        match number.checked_sub(1) {
            None => self.reconnect_in(number, space, space, all, stretches),
            Some(above) => {
                self.reconnect_in(number, space, &Sampled::new(space, &self.above[above].slots), all, stretches)
            }
        }
    }

    fn reconnect_in<S: Space, L: Space<Probe = S::Probe>>(
        &self,
        number: usize,
        base: &S,
        space: &L,
        all: &[u32],
        stretches: &[u32],
    ) -> LookedFor {
        let shelf = Shelf::new();
        let seeker = || shelf.take(|| Seeker { probe: space.probe(), starts: Vec::new(), scratch: Scratch::new() });
        let is_lost = |row: u32| !seeker().get().finds(self, number, base, space, row);
        let all_lost = |rows: &[u32]| -> Vec<u32> { rows.par_iter().copied().filter(|&row| is_lost(row)).collect() };
        let lost_in = |stretch: &[u32]| -> Vec<u32> {
            let some: Vec<u32> = stretch.iter().copied().step_by(ONE_IN).collect();
            let lost = all_lost(&some);
            if lost.len() * MANY <= some.len() { lost } else { all_lost(stretch) }
        };
        let mut lost = all_lost(all);
        lost.par_extend(stretches.par_chunks(STRETCH).flat_map_iter(lost_in));
        let (mut dropped, mut connected, mut in_vain) = (Vec::new(), 0, 0);
        while !lost.is_empty() && in_vain < IN_VAIN {
            let before = lost.len();
            let first_dropped = dropped.len();
            let later = lost.split_off(lost.len().min(AT_ONCE.max(lost.len() / PART_AT_ONCE)));
            let tried = lost.len();
            for &row in &lost {
                let mut lent = seeker();
                let seeker = lent.get();
                if !seeker.finds(self, number, base, space, row) {
                    dropped.extend(seeker.connect(self, number, row, in_vain));
                    connected += 1;
                }
            }
            // An edge may have given way for another row's.
            let mut doubtful = [&dropped[first_dropped..], &lost, &later].concat();
            doubtful.sort_unstable();
            doubtful.dedup();
            lost = all_lost(&doubtful);
            // Half of what was tried is little to ask: an edge saves at least its own row.
            in_vain += usize::from(2 * before.saturating_sub(lost.len()) < tried);
        }
        LookedFor { connected, dropped }
    }
}

/// Who looks for rows: one a thread.
struct Seeker<P> {
    probe: P,
    starts: Vec<u32>,
    scratch: Scratch,
}

impl<P> Seeker<P> {
    /// Whether a search for a row meets it; if not, the scratch has what it met.
    fn finds<S: Space<Probe = P>, L: Space<Probe = P>>(
        &mut self,
        graph: &Graph,
        number: usize,
        base: &S,
        space: &L,
        row: u32,
    ) -> bool {
        space.load(row, &mut self.probe);
        graph.descend(number, DESCENT, base, &self.probe, &mut self.starts, &mut self.scratch);
        let width = if number == 0 { WIDTH } else { WIDTH_ABOVE };
        let (level, mut met) = (graph.level(number), false);
        let meets = |rows: &[u32]| {
            met |= rows.contains(&row);
            met
        };
        level.search_until(space, &self.probe, &self.starts, width, &mut self.scratch, meets);
        met || self.is_crowded_out(space, row, width)
    }

    /// Whether a search for a row rightly ends without it: so many rows are no farther from it than it is itself. Under the
    /// inner product those are longer ones; under any measure, rows that f32 cannot tell from it.
    fn is_crowded_out<L: Space<Probe = P>>(&mut self, space: &L, row: u32, width: usize) -> bool {
        let mut own = [0.0];
        space.distances(&self.probe, &[row], &mut own);
        self.scratch.nearest().filter(|near| near.distance <= own[0]).count() >= width
    }

    /// Gives `row` an edge from where the search ended: from the first row with a free place, the nearest first, or
    /// else in the place of the last edge of the nearest: of another one in each round that was in vain, lest two rows
    /// take one place from each other for ever. Returns where that led.
    fn connect(&self, graph: &Graph, number: usize, row: u32, round: usize) -> Option<u32> {
        let csr = &graph.level(number).csr;
        let mut met = self.scratch.nearest().chain(self.scratch.expanded.iter().rev().copied());
        if met.any(|near| csr.append(near.slot, row)) {
            return None;
        }
        self.scratch.nearest().take(round + 1).last().map(|nearest| csr.replace_last(nearest.slot, row))
    }
}
