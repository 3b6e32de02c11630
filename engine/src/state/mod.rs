//! What a database is at one moment, and what is derived from its rows.

pub(crate) mod centroid;
pub(crate) mod codes;
pub(crate) mod copies;
pub(crate) mod derived;
pub(crate) mod index;
pub(crate) mod norm_spread;
pub(crate) mod snapshot;
pub(crate) mod space;
