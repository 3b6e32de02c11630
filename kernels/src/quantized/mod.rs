//! Rows of packed codes, against f32 queries.

pub(crate) mod code_bits;
pub(crate) mod codes;
