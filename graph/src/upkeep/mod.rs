//! Checks, repairs, compacts and encodes a graph, and removes deleted vertices.

pub(crate) mod check;
pub(crate) mod compact;
pub(crate) mod encode;
pub(crate) mod reachability;
pub(crate) mod remove;
