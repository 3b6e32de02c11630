//! What a search is asked for, and what it tells.

use std::fmt;
use std::sync::Arc;

use omendb_storage::IdRef;

use crate::search::calibrate;
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
    /// Distances computed.
    pub distances: u64,
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
    /// The width of a search that is told none.
    pub const DEFAULT_WIDTH: usize = 64;

    /// The `k` nearest rows.
    pub fn new(k: usize) -> Self {
        SearchOptions { k, effort: Effort::Width(Self::DEFAULT_WIDTH), exact: false, filter: None }
    }

    /// How many candidates the search keeps: more find more of the nearest, and take longer.
    /// [`Self::DEFAULT_WIDTH`] unless told; never less than k. Takes the place of a target recall.
    /// (The `ef` of HNSW libraries, the `L` of DiskANN.)
    pub fn width(mut self, width: usize) -> Self {
        self.effort = Effort::Width(width);
        self
    }

    /// As wide as it takes to find this share of the k nearest rows, 0.95 say, on average over
    /// queries that are like the rows: see [`Db::width_for`]. Takes the place of a width.
    pub fn target_recall(mut self, recall: f64) -> Self {
        self.effort = Effort::Recall(recall);
        self
    }

    /// Whether to look at every row instead: slow, and certain up to the order of rows whose
    /// distances differ by less than f32 can tell (of k + 32 rows, f64 decides).
    pub fn exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }

    /// Only rows whose id `keep` accepts. Few accepted rows make a search slower, not worse.
    /// What `keep` looks into moves into it: a set of ids, say, in an `Arc`.
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
            Effort::Recall(recall) => calibrate::check(recall),
        }
    }
}
