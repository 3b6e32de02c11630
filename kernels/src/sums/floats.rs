//! Singles: whatever the elements are, they are read as `f32` and summed as `f32`.

use super::Sums;
use crate::op::Load;
use core::marker::PhantomData;

/// Elements of `Q` against elements of `R`.
pub(crate) struct Floats<Q, R>(PhantomData<(Q, R)>);

impl<S: Load<Q> + Load<R>, Q: Copy + 'static, R: Copy + 'static> Sums<S> for Floats<Q, R> {
    type Query = Q;
    type Row = R;
    const LANES: usize = S::LANES;
    const ROWS: usize = S::ROWS;
    // Bytes take longer to widen than a sum's latency.
    const CHAINS: usize = if size_of::<R>() > 1 { S::CHAINS } else { 1 };
    // Whole bytes (packed ones do not look back) wait for their widening: read in turns with the sums they took 3 to
    // 12 % longer on Zen 4.
    const READ_FIRST: bool = size_of::<R>() == 1 && <Self as Sums<S>>::BACK;
    const BACK: bool = <S as Load<R>>::BACK;
    type Q = S::F;
    type X = S::F;
    type Sum = S::F;

    in_singles!();
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
    unsafe fn query_part(s: S, p: *const Q, n: usize, back: bool) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { Load::<Q>::load_part(s, p, n, back) }
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
    unsafe fn row_part(s: S, p: *const R, n: usize, back: bool) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { Load::<R>::load_part(s, p, n, back) }
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
