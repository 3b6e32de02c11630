//! How a graph is built.

/// What decides a graph besides its degree and the rows themselves: the same options, rows and order
/// of adding give the same graph, on any machine whose distances are the same and with any number of
/// threads.
#[derive(Debug, Clone, PartialEq)]
pub struct BuildOptions {
    /// L: the width of the search that looks for a new row's neighbours. Of rows that are linked in bulk, each is
    /// compared with those of L / 6 leaves instead, at least 8 and at most 64: the same for any L below 54, and above
    /// 383.
    pub build_width: usize,
    /// α of RobustPrune: above 1, some longer edges are kept, which makes paths shorter.
    pub alpha: f32,
    /// Decides all that is random: the order in which the rows of a batch are linked, and who leads the partitions
    /// of a bulk.
    pub seed: u64,
}

impl Default for BuildOptions {
    /// L = 100, α = 1.1.
    ///
    /// Measured at equal numbers of distances a query: α = 1.1 (of squared distances: 1.05 of
    /// distances) finds as much as 1.2 on sift500k and mnist784, 0.1 to 0.2 points more on
    /// wordnet384, clearly more in separated clusters, and builds with a third fewer distances;
    /// 1.0 finds less everywhere.
    ///
    /// L = 150 finds 0.05 to 0.1 points more than 100 at a recall of 0.98, and 0.01 to 0.1 above, for
    /// 40 % more distances a row in building. Expanding only the nearest three quarters or two thirds
    /// of 100 to 150 candidates, and pruning them all, finds less than an L with as many distances.
    fn default() -> Self {
        BuildOptions { build_width: 100, alpha: 1.1, seed: 0 }
    }
}
