//! Rows of packed codes, against f32 queries.

pub(crate) mod codes;
