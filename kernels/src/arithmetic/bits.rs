//! Bits on both sides, eight to an element: `Σ (q − x)²` is their Hamming distance.

use super::accumulate::{Accumulate, same_type};
use crate::isa::operations::Count;
use core::num::Wrapping;

/// Packed bits.
pub(crate) struct Bits;

impl<S: Count> Accumulate<S> for Bits {
    type Query = u8;
    type Row = u8;
    const LANES: usize = S::BYTES;
    type Q = S::V;
    type X = S::V;
    type Sum = S::I;
    type Number = Wrapping<u32>;

    same_type!(S::load, S::load_tail);

    #[inline(always)]
    fn zero(s: S) -> S::I {
        s.zero()
    }
    #[inline(always)]
    fn add(s: S, a: S::I, b: S::I) -> S::I {
        s.add(a, b)
    }
    #[inline(always)]
    fn dot<const PREFETCH: bool>(s: S, sum: S::I, q: S::V, x: S::V) -> S::I {
        s.count(sum, s.and(q, x))
    }
    #[inline(always)]
    fn diff(s: S, sum: S::I, q: S::V, x: S::V) -> S::I {
        s.count(sum, s.xor(q, x))
    }
    #[inline(always)]
    fn norm(s: S, sum: S::I, x: S::V) -> S::I {
        s.count(sum, x)
    }
    #[inline(always)]
    fn query_norm(s: S, sum: S::I, q: S::V) -> S::I {
        s.count(sum, q)
    }
    #[inline(always)]
    fn numbers<const N: usize>(s: S, sums: [S::I; N]) -> [Wrapping<u32>; N] {
        bytemuck::cast(s.lane_sums(sums))
    }
}
