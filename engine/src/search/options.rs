//! Search options, hits, and search statistics.

use std::fmt;
use std::sync::Arc;

use omendb_storage::IdRef;

use crate::{Id, SearchError};

/// A row that was found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Hit {
    /// Its id.
    pub id: Id,
    /// Squared Euclidean distance, negative inner product, or 1 − cosine: smaller is nearer.
    pub distance: f32,
}

/// What a search cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SearchStats {
    /// Distances computed, over codes and over rows.
    pub distances: u64,
    /// Those over 4-bit codes.
    pub code_distances: u64,
    /// Rows of the graph expanded.
    pub hops: u64,
}

type Filter = Arc<dyn Fn(IdRef<'_>) -> bool + Send + Sync>;

/// How wide the walk through the graph is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Effort {
    Width(usize),
    Recall(f64),
}

/// How to search.
#[derive(Clone)]
pub struct SearchOptions {
    pub(crate) k: usize,
    pub(crate) effort: Effort,
    pub(crate) exact: bool,
    pub(crate) filter: Option<Filter>,
}

impl SearchOptions {
    /// The default width.
    pub const DEFAULT_WIDTH: usize = 64;

    /// The `k` nearest rows.
    pub fn new(k: usize) -> Self {
        SearchOptions { k, effort: Effort::Width(Self::DEFAULT_WIDTH), exact: false, filter: None }
    }

    /// The width: how many candidates the search keeps (`ef` in HNSW libraries, L in DiskANN). A larger width finds more
    /// and takes longer. The default is [`Self::DEFAULT_WIDTH`]; less than k counts as k. Replaces a target recall.
    pub fn width(mut self, width: usize) -> Self {
        self.effort = Effort::Width(width);
        self
    }

    /// Chooses the width that finds this share of the k nearest rows, for example 0.95, on average over queries like the
    /// rows: see [`Db::width_for`](crate::Db::width_for). Replaces a width.
    pub fn target_recall(mut self, recall: f64) -> Self {
        self.effort = Effort::Recall(recall);
        self
    }

    /// Whether to compute the distance of every row instead. This is slow and exact: f32 selects k + 32 rows, and f64
    /// orders them.
    pub fn exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }

    /// Accepts only rows whose id `keep` accepts. If few are accepted the search is slower, not worse. `keep` owns what it
    /// reads, for example an `Arc` of a set of ids.
    pub fn filter(mut self, keep: impl Fn(IdRef<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.filter = Some(Arc::new(keep));
        self
    }
}

impl fmt::Debug for SearchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SearchOptions")
            .field("k", &self.k)
            .field("effort", &self.effort)
            .field("exact", &self.exact)
            .field("filter", &self.filter.is_some())
            .finish()
    }
}

impl SearchOptions {
    pub(super) fn check(&self) -> Result<(), SearchError> {
        match self.effort {
            Effort::Width(0) => Err(SearchError::Option { name: "width", found: "0".into(), expected: "1 or more" }),
            Effort::Width(_) => Ok(()),
            Effort::Recall(recall) => check_recall(recall),
        }
    }
}

/// A recall that can be asked for.
pub(crate) fn check_recall(recall: f64) -> Result<(), SearchError> {
    if recall > 0.0 && recall <= 1.0 {
        return Ok(());
    }
    Err(SearchError::Option { name: "target_recall", found: recall.to_string(), expected: "above 0, and 1 at most" })
}
