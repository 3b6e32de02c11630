//! From a batch to the medium, and from the buffer to the graph.

pub(crate) mod checkpoint;
pub(crate) mod commit;
pub(crate) mod compact;
pub(crate) mod deleted;
pub(crate) mod encode;
pub(crate) mod group;
pub(crate) mod link;
pub(crate) mod link_thread;
pub(crate) mod linker;
pub(crate) mod pace;
pub(crate) mod place;
pub(crate) mod queue;
pub(crate) mod saves;
pub(crate) mod throttle;
pub(crate) mod write_batch;
