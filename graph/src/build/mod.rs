//! Rows come into the graph.

mod bulk;
mod incremental;
mod link;
mod linking;
mod options;
mod partition;
mod reconnect;
mod reservoir;
mod worker;

pub(crate) use incremental::{link_levels, relink};
pub use link::{Linked, NewRows, Observe, link};
pub(crate) use linking::LevelRow;
pub use options::BuildOptions;
pub(crate) use worker::Worker;
