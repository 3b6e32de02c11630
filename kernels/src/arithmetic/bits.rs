//! Bits on both sides, eight to an element: `Σ (q − x)²` is their Hamming distance.

use super::accumulate::{Accumulate, in_integers, same_type, seedless};
use crate::isa::operations::Count;

/// Packed bits.
pub(crate) struct Bits;

impl<S: Count> Accumulate<S> for Bits {
    type Query = u8;
    type Row = u8;
    const LANES: usize = S::BYTES;
    const ROWS: usize = 4;
    type Q = S::V;
    type X = S::V;
    type Sum = S::I;
    type Total = S::I;

    same_type!(S::load, S::load_tail);
    seedless!();
    in_integers!();

    #[inline(always)]
    fn zero(s: S) -> S::I {
        s.zero()
    }
    #[inline(always)]
    fn add(s: S, a: S::I, b: S::I) -> S::I {
        s.add(a, b)
    }
    #[inline(always)]
    fn dot(s: S, sum: S::I, q: S::V, x: S::V) -> S::I {
        s.count(sum, s.and(q, x))
    }
    #[inline(always)]
    fn dot_total(_: S, (): (), sum: S::I) -> S::I {
        sum
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
    fn norm_total(_: S, sum: S::I) -> S::I {
        sum
    }
    #[inline(always)]
    fn lane_sums<const N: usize>(s: S, totals: [S::I; N]) -> [u32; N] {
        s.lane_sums(totals)
    }
}
