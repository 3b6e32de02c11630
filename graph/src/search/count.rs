//! The cost of a search.

/// The cost of a search.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchCount {
    /// Distances computed.
    pub distances: u64,
    /// Rows expanded.
    pub hops: u64,
}

impl std::ops::AddAssign for SearchCount {
    fn add_assign(&mut self, more: Self) {
        self.distances += more.distances;
        self.hops += more.hops;
    }
}
