//! Looking at a database, and saving what is whole of a damaged one.

pub(crate) mod problem;
pub(crate) mod repair;
pub(crate) mod stats;
pub(crate) mod verify;
