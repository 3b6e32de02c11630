//! The loops over rows and elements, generic over metric, arithmetic and instruction set.

pub(crate) mod many_to_many;
pub(crate) mod one_to_many;
pub(crate) mod one_to_one;
pub(crate) mod prepare;
pub(crate) mod short_tail;
