//! The parts of a graph search.

pub(crate) mod candidates;
pub(crate) mod count;
pub(crate) mod held_out;
pub(crate) mod medoid;
pub(crate) mod nearest;
pub(crate) mod scratch;
pub(crate) mod visited;
