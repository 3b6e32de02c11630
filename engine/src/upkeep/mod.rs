//! Checking a database, describing it, and repairing a damaged one.

pub(crate) mod problem;
pub(crate) mod repair;
pub(crate) mod stats;
pub(crate) mod verify;
