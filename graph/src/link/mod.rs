//! Adds rows to the graph.

mod bulk;
mod context;
mod extend;
mod incremental;
mod linked;
mod options;
mod partition;
mod reconnect;
mod reservoir;
mod task;
mod worker;

pub use extend::{NewRows, link};
pub(crate) use incremental::{link_levels, relink};
pub use linked::{Linked, Observe};
pub use options::BuildOptions;
pub(crate) use reconnect::Searched;
pub(crate) use worker::Worker;
