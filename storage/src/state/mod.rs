//! The state in memory of every backend: slots, their ids, which are deleted, and where their rows are.

pub(crate) mod anonymous;
pub(crate) mod layout;
pub(crate) mod region;
pub(crate) mod reordered;
pub(crate) mod slots;
pub(crate) mod stale;
pub(crate) mod table;
pub(crate) mod view;
