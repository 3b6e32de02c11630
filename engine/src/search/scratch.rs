//! Memory that a search needs while it runs, kept for the next one.

use omendb_graph::Scratch;

use crate::input::query::Probe;
use crate::search::lock::SearchLock;
use crate::search::near_rows::NearRows;

/// What one search at a time needs for itself.
pub(crate) struct SearchScratch {
    pub(super) graph: Scratch,
    pub(super) probe: Probe,
    pub(super) floats: Vec<f32>,
    pub(super) distances: Vec<f32>,
    pub(super) near_rows: NearRows,
}

/// Scratch memory lent to searches: as much is kept as was ever in use at once.
#[derive(Default)]
pub(crate) struct Scratches(SearchLock<Vec<SearchScratch>>);

impl Scratches {
    pub(super) fn with<T>(&self, use_: impl FnOnce(&mut SearchScratch) -> T) -> T {
        let kept = self.0.lock().and_then(|mut kept| kept.pop());
        let mut scratch = kept.unwrap_or_else(|| SearchScratch {
            graph: Scratch::new(),
            probe: Probe::new(),
            floats: Vec::new(),
            distances: Vec::new(),
            near_rows: NearRows::default(),
        });
        let result = use_(&mut scratch);
        if let Some(mut kept) = self.0.lock() {
            kept.push(scratch);
        }
        result
    }

    pub(crate) fn clear(&self) {
        if let Some(mut kept) = self.0.lock() {
            kept.clear();
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.lock().map_or(0, |kept| kept.iter().map(|scratch| scratch.graph.bytes()).sum())
    }
}
