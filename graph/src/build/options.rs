//! How a graph is built.

use crate::MIN_DEGREE;

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
    /// R = 32, L = 100, α = 1.1.
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
        BuildOptions { degree: 32, build_width: 100, alpha: 1.1, seed: 0 }
    }
}

impl BuildOptions {
    /// The most neighbours that a row of a level has: R in the base, a third of it above.
    ///
    /// The levels above only lead to where a search starts, and every neighbour met on the way
    /// costs a distance. Measured at equal numbers of distances, a third of R beside all of it: on
    /// sift500k it finds 4.0 points more at 452 distances, 1.4 at 692, 0.2 at 1,417, as much at
    /// 2,934; on wordnet384 1.8 more at 450 and 0.1 at 1,500; on 100 clusters far apart 3 less at
    /// 242, and as much from 320.
    pub(crate) fn degree_of(&self, level: usize) -> usize {
        if level == 0 { self.degree } else { (self.degree / 3).max(MIN_DEGREE) }
    }

    /// How many neighbours a prune leaves, so that the next few reverse edges need none.
    pub(crate) fn pruned_degree(&self, level: usize) -> usize {
        self.degree_of(level) - self.degree_of(level) / 8
    }
}
