//! Calibration: which width reaches which recall. Measured with leave-one-out queries.

use std::sync::Arc;

use omendb_graph::{Scratch, Space};
use rayon::prelude::*;

use crate::db::{Core, install};
use crate::input::query::Probe;
use crate::search::curves::Curve;
use crate::search::options::check_recall;
use crate::search::plan::scan_is_cheaper;
use crate::state::snapshot::Snapshot;
use crate::state::space::Rows;
use crate::{Db, SearchError};

/// Rows that ask.
const ASKING: u32 = 256;

/// The widest search, whose answers are taken for the truth; also what is used for a recall that
/// nothing narrower reaches.
const WIDEST: usize = 2048;

impl Db {
    /// The least width at which a search for the `k` nearest is expected to find the share
    /// `recall` of them, as [`SearchOptions::target_recall`] uses it.
    ///
    /// Expected for queries that are like the rows: measured on 256 rows that ask, each as if it
    /// were not in the database, against the answers of a search of width 2,048. It errs to the
    /// wide side: the row that asks is missing from the paths to its neighbours. Measured at the
    /// first call for a `k`, which takes about as long as ten thousand searches, and again when the
    /// graph has grown by a quarter, or the database was cleared or compacted. One thread measures;
    /// others that ask meanwhile wait for it.
    ///
    /// [`SearchOptions::target_recall`]: crate::SearchOptions::target_recall
    ///
    /// # Errors
    /// [`SearchError::Option`] when `recall` is not above 0 and at most 1.
    pub fn width_for(&self, k: usize, recall: f64) -> Result<usize, SearchError> {
        check_recall(recall)?;
        Ok(self.core.width_for(&self.core.snapshot.load_full(), k, recall))
    }
}

impl Core {
    /// See [`Db::width_for`].
    pub(crate) fn width_for(&self, snapshot: &Snapshot, k: usize, recall: f64) -> usize {
        let (rows, k) = (snapshot.graph.rows(), k.max(1));
        if scan_is_cheaper(rows as usize, k) || k >= WIDEST {
            return k;
        }
        self.curve_of(snapshot, k).width(recall).unwrap_or(WIDEST)
    }

    /// The curve for `k`, measured by one thread at a time.
    ///
    /// A thread of the pool that measures, which a filter may call this from, waits for nobody: who measures
    /// may be waiting for it. Nor does a forked process, where nobody measures.
    fn curve_of(&self, snapshot: &Snapshot, k: usize) -> Arc<Curve> {
        let waits = !self.pool.is_of_parent() && self.pool.current_thread_index().is_none();
        let _turn = match self.curves.get(k, snapshot) {
            Some(curve) => return curve,
            None if waits => match self.curves.wait(k, snapshot) {
                Ok(curve) => return curve,
                Err(turn) => Some(turn),
            },
            None => None,
        };
        let curve = Arc::new(install(&self.pool, || self.curve(snapshot, k)));
        self.curves.put(k, Arc::clone(&curve));
        curve
    }

    /// Measures recall@k at growing widths, until nothing is missed.
    fn curve(&self, snapshot: &Snapshot, k: usize) -> Curve {
        let rows = snapshot.graph.rows();
        // Spread over the slots, and the same ones each time.
        let slots: Vec<u32> =
            (0..ASKING).map(|i| (u64::from(i) * u64::from(rows) / u64::from(ASKING)) as u32).collect();
        let space = |slot| Without { rows: snapshot.rows(&self.measure), slot };
        let ask = |slot: u32, width: usize, scratch: &mut (Scratch, Probe)| -> Vec<f32> {
            let (scratch, probe) = scratch;
            let space = space(slot);
            space.load(slot, probe);
            snapshot.graph.search(&space, probe, width, scratch);
            scratch.nearest().take(k).map(|near| near.distance).collect()
        };
        let scratch = || (Scratch::new(), Probe::new());
        let farthest: Vec<f32> = slots
            .par_iter()
            .map_init(scratch, |scratch, &slot| *ask(slot, WIDEST, scratch).last().unwrap_or(&0.0))
            .collect();
        let mut points = Vec::new();
        for width in widths(k) {
            let missed: usize = slots
                .par_iter()
                .zip(&farthest)
                .map_init(scratch, |scratch, (&slot, &farthest)| {
                    let found = ask(slot, width, scratch);
                    k - found.iter().filter(|&&distance| distance <= farthest).count().min(k)
                })
                .sum();
            points.push((width, 1.0 - missed as f64 / (k as f64 * f64::from(ASKING))));
            if missed == 0 {
                break;
            }
        }
        Curve { epoch: snapshot.view.epoch(), rows, points }
    }
}

/// From k upwards, each wider by about a quarter.
fn widths(k: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(k), |&width| Some(width + width.div_ceil(4))).take_while(|&width| width < WIDEST)
}

/// The rows of a view, one of which is farther away than all others.
struct Without<'a> {
    rows: Rows<'a>,
    slot: u32,
}

impl Space for Without<'_> {
    type Probe = Probe;

    fn probe(&self) -> Probe {
        self.rows.probe()
    }

    fn load(&self, slot: u32, probe: &mut Probe) {
        self.rows.load(slot, probe);
    }

    fn fetch(&self, slots: &[u32]) {
        self.rows.fetch(slots);
    }

    fn distances(&self, probe: &Probe, slots: &[u32], out: &mut [f32]) {
        self.rows.distances(probe, slots, out);
        for (_, out) in slots.iter().zip(out).filter(|(slot, _)| **slot == self.slot) {
            *out = f32::INFINITY;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};

    use crate::{Db, IdRef, Metric, Options, SearchOptions};

    /// Rows enough that a walk is cheaper than a look at all.
    fn some() -> Db {
        let db = Db::in_memory(Options::new(4, Metric::L2).threads(1)).unwrap();
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        };
        let values: Vec<f32> = (0..3_000 * 4).map(|_| next()).collect();
        db.add_batch(&(0..3_000).collect::<Vec<u64>>(), &values).unwrap();
        db.flush().unwrap();
        db
    }

    #[test]
    fn of_many_threads_that_ask_at_once_one_measures() {
        const THREADS: usize = 16;
        let db = some();
        let (start, snapshot) = (Barrier::new(THREADS), db.core.snapshot.load_full());
        let curves: Vec<_> = std::thread::scope(|scope| {
            let ask = || {
                start.wait();
                db.core.curve_of(&snapshot, 10)
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(curves.iter().all(|curve| Arc::ptr_eq(curve, &curves[0])));
        assert!(db.core.curves.known().measuring.is_empty());
    }

    #[test]
    fn a_turn_that_ends_by_a_panic_is_the_next_threads() {
        let db = some();
        let snapshot = db.core.snapshot.load_full();
        let panicked = std::thread::scope(|scope| {
            let measure = || {
                let _turn = db.core.curves.wait(10, &snapshot).err();
                panic!("as a measurement may");
            };
            scope.spawn(measure).join()
        });
        assert!(panicked.is_err());
        assert!(db.core.width_for(&snapshot, 10, 0.9) >= 10);
    }

    #[test]
    fn a_thread_of_the_pool_waits_for_nobody() {
        let db = some();
        let snapshot = db.core.snapshot.load_full();
        // Another thread measures for this k, and never ends.
        let _turn = db.core.curves.wait(10, &snapshot).err();
        let inner = db.clone();
        let ask = move |_: IdRef<'_>| {
            !inner.search_with(&[0.5; 4], &SearchOptions::new(10).target_recall(0.9)).unwrap().is_empty()
        };
        let hits = db.search_batch(&[0.5f32; 4], &SearchOptions::new(10).filter(ask)).unwrap();
        assert_eq!(hits[0].len(), 10);
    }
}
