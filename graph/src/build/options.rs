//! How a graph is built.

/// What decides a graph besides the rows themselves: the same options, rows and order of adding
/// give the same graph, on any machine whose distances are the same and with any number of threads.
#[derive(Debug, Clone, PartialEq)]
pub struct BuildOptions {
    /// R: the most neighbours that a row has.
    pub degree: usize,
    /// L: the width of the search that looks for a new row's neighbours.
    pub build_width: usize,
    /// α of RobustPrune: above 1, some longer edges are kept, which makes paths shorter.
    pub alpha: f32,
    /// Decides the order in which the rows of a batch are linked.
    pub seed: u64,
}

impl Default for BuildOptions {
    /// R = 32, L = 100, α = 1.2.
    fn default() -> Self {
        BuildOptions { degree: 32, build_width: 100, alpha: 1.2, seed: 0 }
    }
}

impl BuildOptions {
    /// How many neighbours a prune leaves, so that the next few reverse edges need none.
    pub(crate) fn pruned_degree(&self) -> usize {
        self.degree - self.degree / 8
    }
}
