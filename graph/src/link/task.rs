//! What rows are linked into, and how.

use super::BuildOptions;
use crate::Graph;

/// The graph that gets rows, with the distances and options that decide its edges.
pub(super) struct Task<'a, S> {
    pub(super) graph: Graph,
    pub(super) space: &'a S,
    pub(super) options: &'a BuildOptions,
}
