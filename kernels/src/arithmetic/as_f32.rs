//! Elements of any type, read as f32 and summed as f32.

use super::accumulate::{Accumulate, in_f32, seedless};
use crate::isa::operations::Load;
use core::marker::PhantomData;

/// Elements of `Q` against elements of `R`.
pub(crate) struct AsF32<Q, R>(PhantomData<(Q, R)>);

impl<S: Load<Q> + Load<R>, Q: Copy + 'static, R: Copy + 'static> Accumulate<S> for AsF32<Q, R> {
    type Query = Q;
    type Row = R;
    const LANES: usize = S::LANES;
    const ROWS: usize = S::ROWS;
    // The conversion of bytes takes longer than the latency of a sum.
    const ACCUMULATORS: usize = if size_of::<R>() > 1 { S::ACCUMULATORS } else { 1 };
    // Bytes wait for their conversion (docs/experiments/027-read-first.md). Packed elements do not look back.
    const READ_FIRST: bool = size_of::<R>() == 1 && <Self as Accumulate<S>>::BACK;
    const BACK: bool = <S as Load<R>>::BACK;
    type Q = S::F;
    type X = S::F;
    type Sum = S::F;

    in_f32!();
    seedless!();

    #[inline(always)]
    unsafe fn token() -> S {
        // SAFETY: the caller's promise.
        unsafe { S::token() }
    }
    #[inline(always)]
    unsafe fn query(s: S, p: *const Q) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { Load::<Q>::load(s, p) }
    }
    #[inline(always)]
    unsafe fn query_tail(s: S, p: *const Q, n: usize, back: bool) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { Load::<Q>::load_tail(s, p, n, back) }
    }
    #[inline(always)]
    unsafe fn at(row: *const R, i: usize) -> *const R {
        // SAFETY: the caller's promise.
        unsafe { <S as Load<R>>::at(row, i) }
    }
    #[inline(always)]
    unsafe fn row(s: S, p: *const R) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { Load::<R>::load(s, p) }
    }
    #[inline(always)]
    unsafe fn row_tail(s: S, p: *const R, n: usize, back: bool) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { Load::<R>::load_tail(s, p, n, back) }
    }
    #[inline(always)]
    fn zero(s: S) -> S::F {
        s.zero()
    }
    #[inline(always)]
    fn add(s: S, a: S::F, b: S::F) -> S::F {
        s.add(a, b)
    }
    #[inline(always)]
    fn dot(s: S, sum: S::F, q: S::F, x: S::F) -> S::F {
        s.mul_add(q, x, sum)
    }
    #[inline(always)]
    fn dot_total(_: S, (): (), sum: S::F) -> S::F {
        sum
    }
    #[inline(always)]
    fn diff(s: S, sum: S::F, q: S::F, x: S::F) -> S::F {
        let d = s.sub(q, x);
        s.mul_add(d, d, sum)
    }
    #[inline(always)]
    fn norm(s: S, sum: S::F, x: S::F) -> S::F {
        s.mul_add(x, x, sum)
    }
    #[inline(always)]
    fn query_norm(s: S, sum: S::F, q: S::F) -> S::F {
        s.mul_add(q, q, sum)
    }
    #[inline(always)]
    fn norm_total(_: S, sum: S::F) -> S::F {
        sum
    }
}
