//! Calibration: which width reaches which recall. Measured with leave-one-out queries.

use omendb_graph::{HeldOut, Scratch, Space};
use rayon::prelude::*;

use crate::db::{Core, install};
use crate::input::query::Probe;
use crate::search::curves::{LARGEST_MEASURED, Measured, WIDEST, count_missed};
use crate::search::near_rows::NearRows;
use crate::search::options::check_recall;
use crate::search::plan::scan_is_cheaper;
use crate::state::snapshot::Snapshot;
use crate::{Db, SearchError};

/// Rows that ask.
const ASKING: u32 = 512;

impl Db {
    /// The least width at which a search for the `k` nearest is expected to find the share
    /// `recall` of them, as [`SearchOptions::target_recall`] uses it.
    ///
    /// Expected for queries that are like the rows: measured on 512 rows that ask, each as if it
    /// were not in the database, against the answers of a search of width 2,048. It errs to the wide
    /// side by about a standard error.
    ///
    /// The first call takes about as long as ten to twenty thousand searches. All `k` share what it
    /// measures. A call for another `k` or a higher recall also measures the widths that it needs,
    /// mostly in a fifth of that time. After an opening, or once the graph has changed, it takes as
    /// long as the first. All of it is measured again when the graph has grown by a quarter, or the
    /// database was cleared or compacted. One thread measures. Others that ask meanwhile wait for it.
    /// Checkpoints keep what was measured.
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
        if k > LARGEST_MEASURED {
            return WIDEST;
        }
        if let Some(Ok(width)) = self.curves.get(snapshot).map(|measured| measured.width(k, recall)) {
            return width;
        }
        // A thread of the pool that measures, which a filter may call this from, waits for nobody: who measures may be
        // waiting for it. Nor does a forked process, where nobody measures.
        let waits = !self.pool.is_of_parent() && self.pool.current_thread_index().is_none();
        let _turn = match waits.then(|| self.curves.wait(snapshot, k, recall)) {
            Some(Ok(width)) => return width,
            Some(Err(turn)) => Some(turn),
            None => None,
        };
        let (measured, width) = install(&self.pool, || self.calibrate(snapshot, k, recall));
        self.curves.put(measured);
        width
    }

    /// Measures what is not known and is needed to tell the width for `k` and `recall`.
    fn calibrate(&self, snapshot: &Snapshot, k: usize, recall: f64) -> (Measured, usize) {
        let held_out = self.held_out(snapshot);
        let mut measured = match self.curves.get(snapshot) {
            Some(known) if known.is_of(snapshot) => (*known).clone(),
            known => {
                let mut measured = Measured::new(snapshot, self.leave_one_out(snapshot, &held_out, WIDEST));
                // What was known stays known. Calls for two k that alternate while the graph changes would otherwise
                // measure again and again.
                for width in known.iter().flat_map(|known| known.known()) {
                    let missed = self.missed(snapshot, &held_out, &measured, width);
                    measured.put(width, missed);
                }
                measured
            }
        };
        loop {
            match measured.width(k, recall) {
                Ok(width) => return (measured, width),
                Err(width) => {
                    let missed = self.missed(snapshot, &held_out, &measured, width);
                    measured.put(width, missed);
                }
            }
        }
    }

    /// How many neighbours searches of this width miss, for each k up to that width.
    fn missed(&self, snapshot: &Snapshot, graph: &HeldOut, measured: &Measured, width: usize) -> Vec<u32> {
        let mut missed = vec![0; width];
        for (truth, found) in measured.truth.iter().zip(self.leave_one_out(snapshot, graph, width)) {
            count_missed(truth, &found, &mut missed);
        }
        missed
    }

    /// The distances that each leave-one-out query finds with this width, nearest first.
    fn leave_one_out(&self, snapshot: &Snapshot, graph: &HeldOut, width: usize) -> Vec<Vec<f32>> {
        let find = |(scratch, probe, near_rows): &mut (Scratch, Probe, NearRows), slot: u32| -> Vec<f32> {
            let rows = snapshot.rows(&self.measure);
            rows.load(slot, probe);
            let over_codes = snapshot.codes().and_then(|codes| {
                near_rows.over_codes(codes, &rows, probe, (1, width), scratch, |space, query, width, scratch| {
                    graph.search(&Without { space, slot }, (slot, query), width, scratch)
                })
            });
            if over_codes.is_none() {
                near_rows.over_rows(scratch, |scratch| {
                    graph.search(&Without { space: &rows, slot }, (slot, probe), width, scratch)
                });
            }
            near_rows.found.iter().filter(|near| near.slot != slot).map(|near| near.distance).collect()
        };
        let work = || (Scratch::new(), Probe::new(), NearRows::default());
        asking(snapshot).into_par_iter().map_init(work, find).collect()
    }

    /// The graph, for searches as if the row that asks were not linked.
    fn held_out(&self, snapshot: &Snapshot) -> HeldOut {
        self.with_linking_space(snapshot, |rows| HeldOut::new(&snapshot.graph, rows, &asking(snapshot)))
    }
}

/// The rows that ask: spread over the slots, and the same ones each time.
fn asking(snapshot: &Snapshot) -> Vec<u32> {
    let rows = u64::from(snapshot.graph.rows());
    let asking = u64::from(ASKING).min(rows);
    (0..asking).map(|i| (i * rows / asking) as u32).collect()
}

/// A space in which one row is farther away than all others.
struct Without<'a, S> {
    space: &'a S,
    slot: u32,
}

impl<S: Space> Space for Without<'_, S> {
    type Probe = S::Probe;

    fn probe(&self) -> S::Probe {
        self.space.probe()
    }

    fn load(&self, slot: u32, probe: &mut S::Probe) {
        self.space.load(slot, probe);
    }

    fn fetch(&self, slots: &[u32]) {
        self.space.fetch(slots);
    }

    fn distances(&self, probe: &S::Probe, slots: &[u32], out: &mut [f32]) {
        self.space.distances(probe, slots, out);
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
        some_in(Db::in_memory(Options::new(4, Metric::L2).threads(1)).unwrap())
    }

    fn some_in(db: Db) -> Db {
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
        let measured: Vec<_> = std::thread::scope(|scope| {
            let ask = || {
                start.wait();
                let width = db.core.width_for(&snapshot, 10, 0.95);
                (width, db.core.curves.get(&snapshot).unwrap())
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(measured.iter().all(|(width, what)| *width == measured[0].0 && Arc::ptr_eq(what, &measured[0].1)));
        assert!(!db.core.curves.state.lock().unwrap().is_measuring);
    }

    #[test]
    fn all_k_share_what_is_measured_and_agree_with_a_measurement_of_their_own() {
        let (shared, snapshot) = (some(), |db: &Db| db.core.snapshot.load_full());
        for (k, recall) in [(10, 0.9), (1, 0.99), (7, 0.5), (40, 0.95), (10, 1.0), (11, 0.9)] {
            let own = some();
            let width = shared.width_for(k, recall).unwrap();
            assert_eq!(width, own.width_for(k, recall).unwrap(), "k = {k}, recall {recall}");
            assert!(width >= k);
            let measured = shared.core.curves.get(&snapshot(&shared)).unwrap();
            // Known now.
            assert_eq!(shared.width_for(k, recall).unwrap(), width);
            assert!(Arc::ptr_eq(&measured, &shared.core.curves.get(&snapshot(&shared)).unwrap()));
        }
        let measured = shared.core.curves.get(&snapshot(&shared)).unwrap();
        let truth = measured.truth.as_ptr();
        // A higher recall adds widths and keeps the truth.
        shared.width_for(40, 1.0).unwrap();
        let more = shared.core.curves.get(&snapshot(&shared)).unwrap();
        assert_eq!(more.truth.as_ptr(), truth);
        assert!(more.known().count() > measured.known().count());
    }

    #[test]
    fn a_graph_that_grew_a_little_is_measured_anew_only_for_what_is_not_known() {
        let db = some();
        let known = db.width_for(10, 0.9).unwrap();
        let before = db.core.curves.get(&db.core.snapshot.load_full()).unwrap();
        db.add_batch(&(3_000..3_100).collect::<Vec<u64>>(), &vec![[0.5f32; 4]; 100]).unwrap();
        db.flush().unwrap();
        assert_eq!(db.width_for(10, 0.9).unwrap(), known);
        let snapshot = db.core.snapshot.load_full();
        assert!(Arc::ptr_eq(&before, &db.core.curves.get(&snapshot).unwrap()));
        // Other widths cannot be compared with the truth of the old graph.
        db.width_for(100, 0.99).unwrap();
        let after = db.core.curves.get(&snapshot).unwrap();
        assert!(!before.is_of(&snapshot) && after.is_of(&snapshot));
        let widths: Vec<usize> = after.known().collect();
        assert!(before.known().all(|width| widths.contains(&width)));
    }

    #[test]
    fn what_was_measured_is_kept_for_the_next_opening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.omen");
        let db = some_in(Db::create(&path, Options::new(4, Metric::L2).threads(1)).unwrap());
        db.checkpoint().unwrap();
        let known = db.width_for(10, 0.95).unwrap();
        // Nothing else is new.
        db.close().unwrap();
        let measured = |db: &Db| db.core.curves.get(&db.core.snapshot.load_full());
        for read_only in [false, true] {
            let db = if read_only { Db::open_read_only(&path) } else { Db::open(&path) }.unwrap();
            let before = measured(&db).unwrap();
            assert_eq!((db.width_for(10, 0.95).unwrap(), before.truth.len()), (known, 0));
            assert!(Arc::ptr_eq(&before, &measured(&db).unwrap()), "measured again");
        }
        // Another width is measured, by the same truth as all others then.
        let db = Db::open(&path).unwrap();
        db.width_for(100, 0.99).unwrap();
        assert!(!measured(&db).unwrap().truth.is_empty());
        assert_eq!(db.width_for(10, 0.95).unwrap(), known);
        // It is of the rows that were there.
        db.delete_batch(0..100u64).unwrap();
        db.compact().unwrap();
        db.close().unwrap();
        assert!(measured(&Db::open(&path).unwrap()).is_none());
    }

    #[test]
    fn a_turn_that_ends_by_a_panic_is_the_next_threads() {
        let db = some();
        let snapshot = db.core.snapshot.load_full();
        let panicked = std::thread::scope(|scope| {
            let measure = || {
                let _turn = db.core.curves.wait(&snapshot, 10, 0.9).err();
                panic!("as a measurement may");
            };
            scope.spawn(measure).join()
        });
        assert!(panicked.is_err());
        assert!(db.core.width_for(&snapshot, 10, 0.9) >= 10);
        assert!(!db.core.curves.state.lock().unwrap().is_measuring);
    }

    #[test]
    fn a_thread_of_the_pool_waits_for_nobody() {
        let db = some();
        let snapshot = db.core.snapshot.load_full();
        // Another thread measures, and never ends.
        let _turn = db.core.curves.wait(&snapshot, 10, 0.9).err();
        let inner = db.clone();
        let ask = move |_: IdRef<'_>| {
            !inner.search_with(&[0.5; 4], &SearchOptions::new(10).target_recall(0.9)).unwrap().is_empty()
        };
        let hits = db.search_batch(&[0.5f32; 4], &SearchOptions::new(10).filter(ask)).unwrap();
        assert_eq!(hits[0].len(), 10);
    }
}
