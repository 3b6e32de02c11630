//! Adds rows to the graph.

mod bulk;
mod context;
mod extend;
mod incremental;
mod options;
mod partition;
mod reconnect;
mod reservoir;
mod worker;

pub(crate) use context::LevelRow;
pub use extend::{Linked, NewRows, Observe, link};
pub(crate) use incremental::{link_levels, relink};
pub use options::BuildOptions;
pub(crate) use worker::Worker;
