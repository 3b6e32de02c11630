//! Memory that a search needs while it runs, kept for the next one.

use std::sync::{Mutex, PoisonError};

use omendb_graph::Scratch;

use crate::input::query::Probe;

/// What one search at a time needs for itself.
pub(crate) struct SearchScratch {
    pub(super) graph: Scratch,
    pub(super) probe: Probe,
    pub(super) floats: Vec<f32>,
    pub(super) distances: Vec<f32>,
}

/// Scratch memory lent to searches: as much is kept as was ever in use at once.
#[derive(Default)]
pub(crate) struct Scratches(Mutex<Vec<SearchScratch>>);

impl Scratches {
    pub(super) fn with<T>(&self, use_: impl FnOnce(&mut SearchScratch) -> T) -> T {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = kept.unwrap_or_else(|| SearchScratch {
            graph: Scratch::new(),
            probe: Probe::new(),
            floats: Vec::new(),
            distances: Vec::new(),
        });
        let result = use_(&mut scratch);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        result
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn bytes(&self) -> usize {
        let scratches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        scratches.iter().map(|scratch| scratch.graph.bytes()).sum()
    }
}
