//! Elements of any type, read as f32 and summed as f32.

use super::accumulate::Accumulate;
use crate::isa::operations::Load;
use core::marker::PhantomData;

/// Elements of `Q` against elements of `R`.
pub(crate) struct AsF32<Q, R>(PhantomData<(Q, R)>);

impl<S: Load<Q> + Load<R>, Q: Copy + 'static, R: Copy + 'static> Accumulate<S> for AsF32<Q, R> {
    type Query = Q;
    type Row = R;
    const LANES: usize = S::LANES;
    const BACK: bool = <S as Load<R>>::BACK;
    type Q = S::F;
    type X = S::F;
    type Sum = S::F;
    type Number = f32;

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
    fn dot<const PREFETCH: bool>(s: S, sum: S::F, q: S::F, x: S::F) -> S::F {
        s.mul_add(q, x, sum)
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
    fn numbers<const N: usize>(s: S, sums: [S::F; N]) -> [f32; N] {
        s.lane_sums(sums)
    }
}
