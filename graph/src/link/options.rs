//! Build options.

/// The options that determine a graph, besides its degree and its rows. The same options, rows and order of adding give
/// the same graph for any number of threads, on any machine that computes the same distances.
#[derive(Debug, Clone, PartialEq)]
pub struct BuildOptions {
    /// L: the width of the search for a new row's candidates. In a bulk build, each row is in L / 6 leaves instead, at
    /// least 8 and at most 64.
    pub build_width: usize,
    /// α of RobustPrune. Above 1, the prune keeps some longer edges, which shortens paths.
    pub alpha: f32,
    /// The seed of all randomness: the order of linking within a batch, and the leaders of a bulk build.
    pub seed: u64,
}

impl Default for BuildOptions {
    /// L = 100, α = 1.1. Figures: docs/experiments/011.
    fn default() -> Self {
        BuildOptions { build_width: 100, alpha: 1.1, seed: 0 }
    }
}
