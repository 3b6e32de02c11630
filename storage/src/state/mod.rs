//! The state in memory that every backend has: slots, their ids, which are dead, and where their rows lie.

pub(crate) mod anonymous;
pub(crate) mod layout;
pub(crate) mod region;
pub(crate) mod reordered;
pub(crate) mod slots;
pub(crate) mod stale;
pub(crate) mod table;
pub(crate) mod view;
