//! A graph is looked at, reconnected, freed of rows, and made bytes.

pub(crate) mod check;
pub(crate) mod compact;
pub(crate) mod encode;
pub(crate) mod reachability;
