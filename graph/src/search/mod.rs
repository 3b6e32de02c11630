//! From entry points to the nearest rows.

pub(crate) mod candidates;
pub(crate) mod medoid;
pub(crate) mod nearest;
pub(crate) mod scratch;
pub(crate) mod visited;
