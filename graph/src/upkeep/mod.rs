//! Checks, repairs, compacts and encodes a graph.

pub(crate) mod check;
pub(crate) mod compact;
pub(crate) mod encode;
pub(crate) mod reachability;
