//! Reconnect: searches for rows, and adds an edge to each row that is not found.
//!
//! A path to a row is not enough. In groups of rows far apart, lists fill with rows of their own group, and searches may
//! never take the one edge into another group. So rows are searched for. A row that is not found gets an edge from where its
//! search ended. One such edge mostly reconnects its whole group. Figures: docs/experiments/013.

use rayon::prelude::*;

use crate::graph::{Sampled, WIDTH_ABOVE};
use crate::search::scratch::ObjectPool;
use crate::{Graph, Scratch, Space};

/// The width of the searches in the base. A row that a narrow search finds, a wider one finds too.
const WIDTH: usize = 8;

/// The width of the searches that tell a lost group from a lost row. Figures: docs/experiments/013.
const WIDTH_FOR_GROUPS: usize = 16;

/// This many lost rows get edges, one after another, before the others are searched for again in parallel. If many are
/// lost, it is this part of them, so that each is searched for a bounded number of times.
const AT_ONCE: usize = 512;
const PART_AT_ONCE: usize = 4;

/// The most rounds that reconnect few rows. A replaced edge may have been the only one to its row, which is lost then.
const MAX_FRUITLESS: usize = 8;

/// If many rows were lost, all are searched for again after edges were added, this many times at most: a new edge leads
/// searches for other rows away too.
const MAX_PASSES: usize = 4;

/// If more than one in this many rows is lost, many are.
const MANY: usize = 16;

/// If more than one in this many rows of a sample is lost together with its neighbours, whole groups are.
const MANY_ASTRAY: usize = 256;

/// Of a graph of up to this many rows, all are searched for. Of a larger one that was linked whole, one in so many is.
pub(super) const FEW_ROWS: u32 = 1 << 13;
const ONE_IN_WHOLE: usize = 8;

/// The rows of a level to search for, numbered as there.
#[derive(Debug, Default)]
pub(crate) struct Searched {
    pub(crate) all: Vec<u32>,
    /// Some of other rows.
    pub(crate) sample: Vec<u32>,
    /// More of those, which are searched for if many of the sample are lost.
    pub(crate) if_many: Vec<u32>,
    /// More of those, which are searched for if whole groups are lost.
    pub(crate) if_groups: Vec<u32>,
}

impl Searched {
    /// All of these.
    pub(crate) fn all(rows: Vec<u32>) -> Self {
        Searched { all: rows, ..Searched::default() }
    }

    /// These too.
    pub(crate) fn and(mut self, rows: impl IntoIterator<Item = u32>) -> Self {
        self.all.extend(rows);
        self
    }

    /// Of the rows of a graph that was linked whole: all if they are few, otherwise a sample.
    pub(crate) fn among(rows: Vec<u32>) -> Self {
        if rows.len() <= FEW_ROWS as usize {
            return Searched::all(rows);
        }
        let sample = rows.iter().copied().step_by(ONE_IN_WHOLE).collect();
        Searched { all: Vec::new(), sample, if_many: rows.clone(), if_groups: rows }
    }
}

/// The result of a reconnect.
#[derive(Debug)]
pub(crate) struct Reconnected {
    /// The number of rows that got an edge.
    pub(crate) connected: u64,
    /// The rows that lost an edge to them.
    pub(crate) dropped: Vec<u32>,
}

impl Graph {
    /// Searches for rows of a level and adds an edge to those that are not found.
    pub(crate) fn reconnect<S: Space>(&self, number: usize, space: &S, searched: Searched) -> Reconnected {
        match number.checked_sub(1) {
            None => self.reconnect_in(number, space, space, searched),
            Some(upper) => self.reconnect_in(number, space, &Sampled::new(space, &self.upper[upper].slots), searched),
        }
    }

    fn reconnect_in<S: Space, L: Space<Probe = S::Probe>>(
        &self,
        number: usize,
        base: &S,
        space: &L,
        searched: Searched,
    ) -> Reconnected {
        let pool = ObjectPool::new();
        let searcher = || pool.take(|| Searcher::new(self, number, base, space));
        let is_lost = |row: u32| !searcher().get().finds(row);
        let all_lost = |rows: &[u32]| -> Vec<u32> { rows.par_iter().copied().filter(|&row| is_lost(row)).collect() };
        let Searched { all: mut rows, sample, if_many, if_groups } = searched;
        let (mut lost, mut of_sample) = (all_lost(&rows), all_lost(&sample));
        let are_groups = || {
            let astray = lost.par_iter().chain(&of_sample).filter(|&&row| searcher().get().goes_astray(row)).count();
            astray * MANY_ASTRAY > rows.len() + sample.len()
        };
        let more = if of_sample.len() * MANY > sample.len() {
            if_many
        } else if !if_groups.is_empty() && are_groups() {
            if_groups
        } else {
            Vec::new()
        };
        of_sample.extend(all_lost(&more));
        of_sample.sort_unstable();
        of_sample.dedup();
        rows.extend(more);
        lost.extend(of_sample);
        let mut passes = if lost.len() * MANY > rows.len() { MAX_PASSES } else { 1 };
        let (mut dropped, mut connected, mut fruitless) = (Vec::new(), 0, 0);
        while fruitless < MAX_FRUITLESS {
            if lost.is_empty() && passes > 1 {
                passes -= 1;
                lost = all_lost(&rows);
            }
            if lost.is_empty() {
                break;
            }
            let before = lost.len();
            let first_dropped = dropped.len();
            let later = lost.split_off(lost.len().min(AT_ONCE.max(lost.len() / PART_AT_ONCE)));
            let tried = lost.len();
            for &row in &lost {
                let mut pooled = searcher();
                let searcher = pooled.get();
                if !searcher.finds(row) {
                    dropped.extend(searcher.connect(row, fruitless));
                    connected += 1;
                }
            }
            // An edge may have been replaced by another row's.
            let mut doubtful = [&dropped[first_dropped..], &lost, &later].concat();
            doubtful.sort_unstable();
            doubtful.dedup();
            lost = all_lost(&doubtful);
            // A round that reconnects less than half of the tried rows is fruitless.
            fruitless += usize::from(2 * before.saturating_sub(lost.len()) < tried);
        }
        Reconnected { connected, dropped }
    }
}

/// The searches of one thread for rows of a level. `base` has the rows by slot, `space` by their numbers in the level.
struct Searcher<'a, S, L, P> {
    graph: &'a Graph,
    number: usize,
    base: &'a S,
    space: &'a L,
    probe: P,
    starts: Vec<u32>,
    scratch: Scratch,
}

impl<'a, S: Space, L: Space<Probe = S::Probe>> Searcher<'a, S, L, S::Probe> {
    fn new(graph: &'a Graph, number: usize, base: &'a S, space: &'a L) -> Self {
        Searcher { graph, number, base, space, probe: space.probe(), starts: Vec::new(), scratch: Scratch::new() }
    }

    /// Whether a search for a row meets it, or rows that are as near. If not, the scratch has the rows that it met.
    fn finds(&mut self, row: u32) -> bool {
        let width = if self.number == 0 { WIDTH } else { WIDTH_ABOVE };
        self.meets(row, width) || self.is_crowded_out(row, width)
    }

    /// Whether a search of this width for a row meets it. If not, the scratch has the rows that it met.
    fn meets(&mut self, row: u32, width: usize) -> bool {
        let Searcher { graph, number, base, space, probe, starts, scratch } = self;
        space.load(row, probe);
        graph.descend(*number, *base, probe, starts, scratch);
        let mut met = false;
        let meets = |rows: &[u32]| {
            met |= rows.contains(&row);
            met
        };
        graph.level(*number).search_until(*space, probe, starts, width.into(), scratch, meets);
        met
    }

    /// Whether a wide search for a row meets neither it nor any of its neighbours: it ends in another group.
    fn goes_astray(&mut self, row: u32) -> bool {
        let found = self.meets(row, WIDTH_FOR_GROUPS);
        let mut met = self.scratch.nearest().chain(self.scratch.expanded.iter().copied());
        let csr = &self.graph.level(self.number).csr;
        !found && !met.any(|near| csr.neighbours(row).any(|neighbour| neighbour == near.slot))
    }

    /// Whether at least `width` rows are no farther from the row than the row itself, so that a correct search may miss it.
    /// Under the inner product these are rows of larger norm. Under any metric they are rows that f32 cannot distinguish.
    fn is_crowded_out(&self, row: u32, width: usize) -> bool {
        let mut own = [0.0];
        self.space.distances(&self.probe, &[row], &mut own);
        self.scratch.nearest().filter(|near| near.distance <= own[0]).count() >= width
    }

    /// Adds an edge to `row` from where the search ended: from the nearest row with a free place. If no list has one, the
    /// edge replaces the last edge of the nearest row, and the old target is returned. After each fruitless round it takes
    /// the next nearest row, so that two rows do not replace each other for ever.
    fn connect(&self, row: u32, round: usize) -> Option<u32> {
        let csr = &self.graph.level(self.number).csr;
        let mut met = self.scratch.nearest().chain(self.scratch.expanded.iter().rev().copied());
        if met.any(|near| csr.append(near.slot, row)) {
            return None;
        }
        self.scratch.nearest().take(round + 1).last().map(|nearest| csr.replace_last(nearest.slot, row))
    }
}
