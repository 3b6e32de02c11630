//! What users hold: checks outside, function pointers inside.

pub(crate) mod between;
pub(crate) mod distance;
pub(crate) mod hamming;
pub(crate) mod row_distance;
