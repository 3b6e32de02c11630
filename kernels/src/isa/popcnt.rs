//! POPCNT alone: bits by words, for rows too short to fill a vector of AVX2.

use super::entry::{entries, words};
use crate::isa::operations::Token;

/// The token: a part of [`Avx2`](super::avx2::Avx2).
#[derive(Clone, Copy)]
pub(crate) struct Popcnt;

impl Token for Popcnt {
    #[inline(always)]
    unsafe fn token() -> Self {
        Self
    }
}

entries!(Popcnt, #[target_feature(enable = "popcnt")]);
words!(Popcnt);
