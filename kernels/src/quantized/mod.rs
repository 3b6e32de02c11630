//! Rows of packed codes.

pub(crate) mod code_bits;
pub(crate) mod codes;
pub(crate) mod nibbles;
