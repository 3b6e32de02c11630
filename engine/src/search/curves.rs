//! What calibration found: which width reaches which recall.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::state::snapshot::Snapshot;

/// After this much more (or less) of the graph, what was measured is measured again.
const STALE: f64 = 1.25;

/// Recall at some widths, narrowest first.
pub(crate) struct Curve {
    /// Of the rows' places: others after a `clear` or `compact`.
    pub(super) epoch: u64,
    /// How many rows the graph had.
    pub(super) rows: u32,
    pub(super) points: Vec<(usize, f64)>,
}

impl Curve {
    /// The least width that reached `recall`.
    pub(super) fn width(&self, recall: f64) -> Option<usize> {
        self.points.iter().find(|(_, reached)| *reached >= recall).map(|(width, _)| *width)
    }
}

/// What was measured since the database was opened.
#[derive(Default)]
pub(crate) struct Curves {
    known: Mutex<Known>,
    /// A turn has ended.
    ended: Condvar,
}

#[derive(Default)]
pub(super) struct Known {
    /// For each k.
    curves: HashMap<usize, Arc<Curve>>,
    /// The ks that a thread measures for now.
    pub(super) measuring: HashSet<usize>,
}

impl Known {
    /// What holds for a state still, or again.
    fn get(&self, k: usize, snapshot: &Snapshot) -> Option<Arc<Curve>> {
        let holds = |curve: &Arc<Curve>| {
            let ratio = f64::from(snapshot.graph.rows()) / f64::from(curve.rows);
            curve.epoch == snapshot.view.epoch() && (1.0 / STALE..STALE).contains(&ratio)
        };
        self.curves.get(&k).filter(|&curve| holds(curve)).cloned()
    }
}

impl Curves {
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, k: usize, snapshot: &Snapshot) -> Option<Arc<Curve>> {
        self.known().get(k, snapshot)
    }

    /// The curve that holds, after the wait for who measures it; or the turn to measure it.
    pub(super) fn wait(&self, k: usize, snapshot: &Snapshot) -> Result<Arc<Curve>, Turn<'_>> {
        let mut known = self.known();
        loop {
            if let Some(curve) = known.get(k, snapshot) {
                return Ok(curve);
            }
            if known.measuring.insert(k) {
                return Err(Turn { curves: self, k });
            }
            known = self.ended.wait(known).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn put(&self, k: usize, curve: Arc<Curve>) {
        self.known().curves.insert(k, curve);
    }
}

/// To measure for `k`, until it is dropped.
pub(super) struct Turn<'a> {
    curves: &'a Curves,
    k: usize,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.curves.known().measuring.remove(&self.k);
        self.curves.ended.notify_all();
    }
}
