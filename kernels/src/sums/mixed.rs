//! Singles against bfloats taken two to a lane: a step's elements of the query are set apart into even and
//! odd ones once, and every row saves its widening.

use super::Sums;
use crate::op::Apart;
use half::bf16;

/// A query of singles, rows of bfloats.
pub(crate) struct Mixed;

impl<S: Apart> Sums<S> for Mixed {
    type Query = f32;
    type Row = bf16;
    const LANES: usize = 2 * S::LANES;
    const ROWS: usize = S::ROWS;
    type Q = [S::F; 2];
    type X = S::B;
    /// Those of even and of odd elements; with norms all in the first, as in `Pairs`.
    type Sum = [S::F; 2];

    in_singles!();
    seedless!();
    two_sums!();

    #[inline(always)]
    unsafe fn token() -> S {
        // SAFETY: the caller's promise.
        unsafe { S::token() }
    }
    #[inline(always)]
    unsafe fn query(s: S, p: *const f32) -> [S::F; 2] {
        // SAFETY: the caller's promise.
        unsafe { s.load_apart(p) }
    }
    #[inline(always)]
    unsafe fn query_part(s: S, p: *const f32, n: usize, back: bool) -> [S::F; 2] {
        // SAFETY: the caller's promise.
        unsafe { s.load_apart_part(p, n, back) }
    }
    #[inline(always)]
    unsafe fn row(s: S, p: *const bf16) -> S::B {
        // SAFETY: the caller's promise.
        unsafe { s.load_brains(p) }
    }
    #[inline(always)]
    unsafe fn row_part(s: S, p: *const bf16, n: usize, back: bool) -> S::B {
        // SAFETY: the caller's promise.
        unsafe { s.load_brains_part(p, n, back) }
    }
    #[inline(always)]
    fn dot(s: S, sum: [S::F; 2], q: [S::F; 2], x: S::B) -> [S::F; 2] {
        [s.mul_add(q[0], s.even(x), sum[0]), s.mul_add(q[1], s.odd(x), sum[1])]
    }
    #[inline(always)]
    fn diff(s: S, sum: [S::F; 2], q: [S::F; 2], x: S::B) -> [S::F; 2] {
        let (even, odd) = (s.sub(q[0], s.even(x)), s.sub(q[1], s.odd(x)));
        [s.mul_add(even, even, sum[0]), s.mul_add(odd, odd, sum[1])]
    }
    #[inline(always)]
    fn norm(s: S, sum: [S::F; 2], x: S::B) -> [S::F; 2] {
        [s.dot_brains(sum[0], x, x), sum[1]]
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
