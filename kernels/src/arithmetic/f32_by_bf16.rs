//! f32 queries against bf16 rows, two elements to a lane. The query is deinterleaved into even and odd elements once,
//! and no row is converted.

use super::accumulate::{Accumulate, two_accumulators};
use crate::isa::operations::Deinterleave;
use half::bf16;

/// A query of f32, rows of bf16.
pub(crate) struct F32ByBf16;

impl<S: Deinterleave> Accumulate<S> for F32ByBf16 {
    type Query = f32;
    type Row = bf16;
    const LANES: usize = 2 * S::LANES;
    type Q = [S::F; 2];
    type X = S::B;

    // One accumulator for even and one for odd elements; for a norm, all are in the first, as in `Bf16Pairs`.
    two_accumulators!();

    #[inline(always)]
    unsafe fn query(s: S, p: *const f32) -> [S::F; 2] {
        // SAFETY: the caller's promise.
        unsafe { s.load_deinterleaved(p) }
    }
    #[inline(always)]
    unsafe fn query_tail(s: S, p: *const f32, n: usize, back: bool) -> [S::F; 2] {
        // SAFETY: the caller's promise.
        unsafe { s.load_deinterleaved_tail(p, n, back) }
    }
    #[inline(always)]
    unsafe fn row(s: S, p: *const bf16) -> S::B {
        // SAFETY: the caller's promise.
        unsafe { s.load_bf16(p) }
    }
    #[inline(always)]
    unsafe fn row_tail(s: S, p: *const bf16, n: usize, back: bool) -> S::B {
        // SAFETY: the caller's promise.
        unsafe { s.load_bf16_tail(p, n, back) }
    }
    #[inline(always)]
    fn dot<const PREFETCH: bool>(s: S, sum: [S::F; 2], q: [S::F; 2], x: S::B) -> [S::F; 2] {
        [s.mul_add(q[0], s.even(x), sum[0]), s.mul_add(q[1], s.odd(x), sum[1])]
    }
    #[inline(always)]
    fn diff(s: S, sum: [S::F; 2], q: [S::F; 2], x: S::B) -> [S::F; 2] {
        let (even, odd) = (s.sub(q[0], s.even(x)), s.sub(q[1], s.odd(x)));
        [s.mul_add(even, even, sum[0]), s.mul_add(odd, odd, sum[1])]
    }
    #[inline(always)]
    fn norm(s: S, sum: [S::F; 2], x: S::B) -> [S::F; 2] {
        [s.dot_bf16(sum[0], x, x), sum[1]]
    }
    #[inline(always)]
    fn query_norm(s: S, sum: [S::F; 2], q: [S::F; 2]) -> [S::F; 2] {
        [s.mul_add(q[1], q[1], s.mul_add(q[0], q[0], sum[0])), sum[1]]
    }
    #[inline(always)]
    fn dot_and_norm(s: S, (dot, norm): (Self::Sum, Self::Sum), q: [S::F; 2], x: S::B) -> (Self::Sum, Self::Sum) {
        let (even, odd) = (s.even(x), s.odd(x));
        let dot = [s.mul_add(q[1], odd, s.mul_add(q[0], even, dot[0])), dot[1]];
        (dot, Self::norm(s, norm, x))
    }
}
