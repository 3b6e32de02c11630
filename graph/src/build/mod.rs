//! Rows come into the graph.

mod bulk;
mod incremental;
mod options;
mod partition;
mod reservoir;
mod worker;

pub(crate) use incremental::{LevelRow, link_levels};
pub use incremental::{Linked, Observe, link};
pub use options::BuildOptions;
