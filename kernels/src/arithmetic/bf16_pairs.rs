//! bf16 on both sides, two elements to a lane, summed as f32.

use super::accumulate::{Accumulate, same_type, two_accumulators};
use crate::isa::operations::Bf16Vectors;
use half::bf16;

/// Rows and queries of bf16.
pub(crate) struct Bf16Pairs;

impl<S: Bf16Vectors> Accumulate<S> for Bf16Pairs {
    type Query = bf16;
    type Row = bf16;
    const LANES: usize = 2 * S::LANES;
    type Q = S::B;
    type X = S::B;

    same_type!(S::load_bf16, S::load_bf16_tail);
    // One accumulator for even and one for odd elements. Where several sums run side by side, all elements are in the
    // first: two each would not fit the registers (docs/experiments/030-bf16-accumulators.md).
    two_accumulators!();

    #[inline(always)]
    fn dot<const PREFETCH: bool>(s: S, sum: [S::F; 2], q: S::B, x: S::B) -> [S::F; 2] {
        if PREFETCH { [s.dot_bf16(sum[0], q, x), sum[1]] } else { s.dot_bf16_two(sum, q, x) }
    }
    #[inline(always)]
    fn diff(s: S, sum: [S::F; 2], q: S::B, x: S::B) -> [S::F; 2] {
        let even = s.sub(s.even(q), s.even(x));
        let odd = s.sub(s.odd(q), s.odd(x));
        [s.mul_add(even, even, sum[0]), s.mul_add(odd, odd, sum[1])]
    }
    #[inline(always)]
    fn norm(s: S, sum: [S::F; 2], x: S::B) -> [S::F; 2] {
        [s.dot_bf16(sum[0], x, x), sum[1]]
    }
    #[inline(always)]
    fn query_norm(s: S, sum: [S::F; 2], q: S::B) -> [S::F; 2] {
        [s.dot_bf16(sum[0], q, q), sum[1]]
    }
    #[inline(always)]
    fn dot_and_norm(s: S, (dot, norm): (Self::Sum, Self::Sum), q: S::B, x: S::B) -> (Self::Sum, Self::Sum) {
        ([s.dot_bf16(dot[0], q, x), dot[1]], Self::norm(s, norm, x))
    }
}
