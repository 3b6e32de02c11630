//! Rows come into the graph.

mod incremental;
mod options;

pub(crate) use incremental::{LevelRow, link_levels};
pub use incremental::{Linked, Observe, link};
pub use options::BuildOptions;
