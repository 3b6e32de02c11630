//! How wide a search must be to find a wished share of the nearest rows: measured on rows of the
//! database that ask for their neighbours as if they were not in it themselves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use omendb_graph::{Scratch, Space};
use rayon::prelude::*;

use crate::db::{Core, install};
use crate::query::Probe;
use crate::search::scan_is_cheaper;
use crate::snapshot::Snapshot;
use crate::space::Rows;
use crate::{Db, SearchError};

/// Rows that ask.
const ASKING: u32 = 256;

/// The widest search, whose answers are taken for the truth; also what is used for a recall that
/// nothing narrower reaches.
const WIDEST: usize = 2048;

/// After this much more (or less) of the graph, what was measured is measured again.
const STALE: f64 = 1.25;

impl Db {
    /// The least width at which a search for the `k` nearest is expected to find the share
    /// `recall` of them, as [`SearchOptions::target_recall`] uses it.
    ///
    /// Expected for queries that are like the rows: measured on 256 rows that ask, each as if it
    /// were not in the database, against the answers of a search of width 2,048. It errs to the
    /// wide side: the row that asks is missing from the paths to its neighbours. Measured at the
    /// first call for a `k`, which takes about as long as ten thousand searches, and again when the
    /// graph has grown by a quarter, or the database was cleared or compacted.
    ///
    /// [`SearchOptions::target_recall`]: crate::SearchOptions::target_recall
    ///
    /// # Errors
    /// [`SearchError::Option`] when `recall` is not above 0 and at most 1.
    pub fn width_for(&self, k: usize, recall: f64) -> Result<usize, SearchError> {
        check(recall)?;
        Ok(self.core.width_for(&self.core.snapshot.load_full(), k, recall))
    }
}

/// A recall that can be asked for.
pub(crate) fn check(recall: f64) -> Result<(), SearchError> {
    if recall > 0.0 && recall <= 1.0 {
        return Ok(());
    }
    Err(SearchError::Option { name: "target_recall", found: recall.to_string(), expected: "above 0, and 1 at most" })
}

impl Core {
    /// See [`Db::width_for`]. No lock is held while it measures: two threads may do the same.
    pub(crate) fn width_for(&self, snapshot: &Snapshot, k: usize, recall: f64) -> usize {
        let (rows, k) = (snapshot.graph.rows(), k.max(1));
        if scan_is_cheaper(rows as usize, k) || k >= WIDEST {
            return k;
        }
        let curve = self.curves.get(k, snapshot).unwrap_or_else(|| {
            let curve = Arc::new(install(&self.pool, || self.curve(snapshot, k)));
            self.curves.put(k, Arc::clone(&curve));
            curve
        });
        curve.width(recall)
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

/// Recall at some widths, narrowest first.
struct Curve {
    /// Of the rows' places: others after a `clear` or `compact`.
    epoch: u64,
    /// How many rows the graph had.
    rows: u32,
    points: Vec<(usize, f64)>,
}

impl Curve {
    /// The least width that reached `recall`.
    fn width(&self, recall: f64) -> usize {
        self.points.iter().find(|(_, reached)| *reached >= recall).map_or(WIDEST, |(width, _)| *width)
    }
}

/// What was measured since the database was opened, for each k.
#[derive(Default)]
pub(crate) struct Curves(Mutex<HashMap<usize, Arc<Curve>>>);

impl Curves {
    /// What holds for a state still, or again.
    fn get(&self, k: usize, snapshot: &Snapshot) -> Option<Arc<Curve>> {
        let curves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = |curve: &Arc<Curve>| {
            let ratio = f64::from(snapshot.graph.rows()) / f64::from(curve.rows);
            curve.epoch == snapshot.view.epoch() && (1.0 / STALE..STALE).contains(&ratio)
        };
        curves.get(&k).filter(|&curve| holds(curve)).cloned()
    }

    fn put(&self, k: usize, curve: Arc<Curve>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(k, curve);
    }
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
