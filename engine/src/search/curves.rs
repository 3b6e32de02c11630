//! What calibration found: which width reaches which recall, for every k.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, PoisonError, Weak};

use omendb_graph::Graph;

use crate::search::lock::SearchLock;
use crate::state::snapshot::Snapshot;

mod encode;

/// After this much more (or less) of the graph, what was measured is measured again.
const STALE: f64 = 1.25;

/// The widest search, whose answers are taken for the truth; also what is used for a recall that nothing narrower
/// reaches.
pub(super) const WIDEST: usize = 2048;

/// The widths that are measured. Most k are round numbers, and a search is at least as wide as its k. Wide searches
/// take most of the time, so up to 200 the steps are about an eighth, and above a quarter.
const WIDTHS: [usize; 45] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 22, 25, 28, 32, 36, 40, 45, 50, 56, 63, 71, 80, 90, 100,
    112, 125, 140, 160, 180, 200, 250, 320, 400, 500, 640, 800, 1000, 1250, 1600,
];

/// The largest k for which a width is measured.
pub(super) const LARGEST_MEASURED: usize = WIDTHS[WIDTHS.len() - 1];

/// What was measured of one graph. A search of some width answers for all k up to that width, so all k share it.
#[derive(Clone)]
pub(crate) struct Measured {
    epoch: u64,
    /// How many rows the graph had.
    rows: u32,
    graph: Weak<Graph>,
    /// How many leave-one-out queries there were.
    queries: u32,
    /// For each of them the distances that the widest search found, nearest first. Empty after an opening.
    pub(super) truth: Arc<Vec<Vec<f32>>>,
    /// For each width that was measured: how many neighbours all queries together miss, for k = 1, 2, …
    missed: BTreeMap<usize, Arc<[u32]>>,
}

impl Measured {
    pub(super) fn new(snapshot: &Snapshot, truth: Vec<Vec<f32>>) -> Self {
        Self {
            epoch: snapshot.view.epoch(),
            rows: snapshot.graph.rows(),
            graph: Arc::downgrade(&snapshot.graph),
            queries: truth.len() as u32,
            truth: Arc::new(truth),
            missed: BTreeMap::new(),
        }
    }

    /// The least width that reaches `recall` for `k`. The error is the first width that has to be measured to know.
    ///
    /// On the safe side by √m of m missed neighbours: a standard error, if misses were independent. Between two measured
    /// widths, both together fall linearly.
    pub(super) fn width(&self, k: usize, recall: f64) -> Result<usize, usize> {
        let allowed = (1.0 - recall) * k as f64 * f64::from(self.queries);
        let mut below = None;
        for width in WIDTHS.into_iter().filter(|&width| width >= k) {
            let missed = f64::from(self.missed.get(&width).ok_or(width)?[k - 1]);
            let too_many = missed + missed.sqrt() - allowed;
            if too_many > 0.0 {
                below = Some((width, too_many));
                continue;
            }
            let Some((narrower, more)) = below else { return Ok(width) };
            let part = more / (more - too_many);
            return Ok(narrower + (part * (width - narrower) as f64).ceil() as usize);
        }
        Ok(WIDEST)
    }

    pub(super) fn put(&mut self, width: usize, missed: Vec<u32>) {
        self.missed.insert(width, missed.into());
    }

    /// The widths that were measured.
    pub(super) fn known(&self) -> impl Iterator<Item = usize> {
        self.missed.keys().copied()
    }

    /// Whether it was measured on this very graph, so that other widths can be compared with its truth.
    pub(super) fn is_of(&self, snapshot: &Snapshot) -> bool {
        std::ptr::eq(self.graph.as_ptr(), Arc::as_ptr(&snapshot.graph))
    }

    /// Whether it holds for a state still, or again.
    fn holds(&self, snapshot: &Snapshot) -> bool {
        let ratio = f64::from(snapshot.graph.rows()) / f64::from(self.rows);
        self.epoch == snapshot.view.epoch() && (1.0 / STALE..STALE).contains(&ratio)
    }
}

/// Adds to `missed` how many of the k nearest distances of `truth` are not among the k nearest of `found`, for each k.
/// Both are in order.
pub(super) fn count_missed(truth: &[f32], found: &[f32], missed: &mut [u32]) {
    let mut reached = 0;
    for (k, missed) in (1..).zip(missed) {
        let farthest = truth.get(k - 1).or(truth.last()).copied().unwrap_or(0.0);
        while found.get(reached).is_some_and(|&distance| distance <= farthest) {
            reached += 1;
        }
        *missed += k.saturating_sub(reached) as u32;
    }
}

/// What was measured, and who measures.
#[derive(Default)]
pub(crate) struct Curves {
    pub(super) state: SearchLock<State>,
    /// A turn has ended.
    ended: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    measured: Option<Arc<Measured>>,
    /// Whether a checkpoint holds it.
    is_saved: bool,
    /// Whether a thread measures.
    pub(super) is_measuring: bool,
}

impl State {
    fn get(&self, snapshot: &Snapshot) -> Option<&Arc<Measured>> {
        self.measured.as_ref().filter(|measured| measured.holds(snapshot))
    }
}

impl Curves {
    /// What a checkpoint holds.
    pub(crate) fn of_checkpoint(measured: Option<Measured>) -> Self {
        let state = State { measured: measured.map(Arc::new), is_saved: true, is_measuring: false };
        Curves { state: SearchLock::new(state), ended: Condvar::new() }
    }

    /// A checkpoint holds `saved` now.
    pub(crate) fn is_saved(&self, saved: Option<&Arc<Measured>>) {
        let Some(mut state) = self.state.lock() else { return };
        state.is_saved |= saved.zip(state.measured.as_ref()).is_some_and(|(saved, now)| Arc::ptr_eq(saved, now));
    }

    /// Whether something holds for `snapshot` that no checkpoint has.
    pub(crate) fn is_unsaved(&self, snapshot: &Snapshot) -> bool {
        self.state.lock().is_some_and(|state| !state.is_saved && state.get(snapshot).is_some())
    }

    /// What was measured and holds.
    pub(crate) fn get(&self, snapshot: &Snapshot) -> Option<Arc<Measured>> {
        self.state.lock()?.get(snapshot).cloned()
    }

    /// The width for `k` and `recall`, after the wait for who measures; or the turn to measure it.
    pub(super) fn wait(&self, snapshot: &Snapshot, k: usize, recall: f64) -> Result<usize, Turn<'_>> {
        let Some(mut state) = self.state.lock() else { return Err(Turn { curves: self }) };
        loop {
            if let Some(Ok(width)) = state.get(snapshot).map(|measured| measured.width(k, recall)) {
                return Ok(width);
            }
            if !std::mem::replace(&mut state.is_measuring, true) {
                return Err(Turn { curves: self });
            }
            state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn put(&self, measured: Measured) {
        let Some(mut state) = self.state.lock() else { return };
        (state.measured, state.is_saved) = (Some(Arc::new(measured)), false);
    }
}

/// To measure, until it is dropped.
pub(super) struct Turn<'a> {
    curves: &'a Curves,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(mut state) = self.curves.state.lock() {
            state.is_measuring = false;
        }
        self.curves.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::{WIDEST, WIDTHS, count_missed};

    #[test]
    fn misses_are_counted_for_each_k() {
        let truth = [1.0, 2.0, 2.0, 4.0];
        for (found, expected) in [
            (&[1.0, 2.0, 2.0, 4.0][..], [0, 0, 0, 0]),
            (&[2.0, 2.0, 4.0, 5.0], [1, 0, 1, 1]),
            (&[1.0, 5.0], [0, 1, 2, 3]),
            (&[], [1, 2, 3, 4]),
        ] {
            let mut missed = [0; 4];
            count_missed(&truth, found, &mut missed);
            assert_eq!(missed, expected, "{found:?}");
        }
        // Where even the widest search found fewer than k, its farthest decides.
        let mut missed = [0; 3];
        count_missed(&[1.0], &[0.5, 1.0, 1.0], &mut missed);
        assert_eq!(missed, [0, 0, 0]);
    }

    #[test]
    fn widths_grow_in_small_steps() {
        let mut steps = WIDTHS.windows(2).filter(|pair| pair[0] >= 10);
        assert!(WIDTHS.is_sorted() && WIDTHS.last() < Some(&WIDEST));
        assert!(
            steps
                .all(|pair| pair[1] - pair[0] <= if pair[0] < 200 { pair[0].div_ceil(7) } else { pair[0].div_ceil(3) })
        );
    }
}
