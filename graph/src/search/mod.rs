//! The parts of a graph search.

pub(crate) mod candidates;
pub(crate) mod count;
pub(crate) mod medoid;
pub(crate) mod nearest;
pub(crate) mod scratch;
pub(crate) mod visited;
