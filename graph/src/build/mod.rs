//! Rows come into the graph.

mod incremental;
mod options;

pub use incremental::{Linked, link};
pub use options::BuildOptions;
