//! Queries of bytes, rows of 4-bit codes, two to a byte, summed exactly in integers. A step is a vector of a row's bytes.
//!
//! The query lies as the steps read it; see [`crate::NibbleQuery`]. It is filled up with zeros to whole steps.

use super::accumulate::Accumulate;
use crate::isa::operations::Nibbles as Operations;
use core::num::Wrapping;

/// Bytes by 4-bit codes.
pub(crate) struct Nibbles;

impl<S: Operations> Accumulate<S> for Nibbles {
    type Query = [i8; 2];
    type Row = u8;
    const LANES: usize = S::BYTES;
    const BACK: bool = false;
    const SIGNED: bool = true;
    type Q = [S::N; 2];
    type X = S::N;
    type Sum = S::I;
    type Number = Wrapping<u32>;

    #[inline(always)]
    unsafe fn query(s: S, p: *const [i8; 2]) -> [S::N; 2] {
        // SAFETY: twice as many values as a step has bytes are readable.
        unsafe { [s.load_nibbles(p.cast()), s.load_nibbles(p.cast::<u8>().add(S::BYTES))] }
    }
    #[inline(always)]
    unsafe fn query_tail(s: S, p: *const [i8; 2], _n: usize, _back: bool) -> [S::N; 2] {
        // SAFETY: the query has whole steps.
        unsafe { Self::query(s, p) }
    }
    #[inline(always)]
    unsafe fn row(s: S, p: *const u8) -> S::N {
        // SAFETY: the caller's promise.
        unsafe { s.load_nibbles(p) }
    }
    #[inline(always)]
    unsafe fn row_tail(s: S, p: *const u8, n: usize, _back: bool) -> S::N {
        // SAFETY: the caller's promise.
        unsafe { s.load_nibbles_tail(p, n) }
    }

    #[inline(always)]
    fn zero(s: S) -> S::I {
        s.zero()
    }
    #[inline(always)]
    fn add(s: S, a: S::I, b: S::I) -> S::I {
        s.add(a, b)
    }
    #[inline(always)]
    fn dot<const PREFETCH: bool>(s: S, sum: S::I, q: [S::N; 2], x: S::N) -> S::I {
        s.dot_nibbles(sum, q, x)
    }
    #[inline(always)]
    fn diff(s: S, sum: S::I, q: [S::N; 2], x: S::N) -> S::I {
        s.diff_nibbles(sum, q, x)
    }
    /// Codes have no cosine, so nobody asks for norms.
    #[inline(always)]
    fn norm(_s: S, sum: S::I, _x: S::N) -> S::I {
        sum
    }
    #[inline(always)]
    fn query_norm(_s: S, sum: S::I, _q: [S::N; 2]) -> S::I {
        sum
    }
    #[inline(always)]
    fn numbers<const N: usize>(s: S, sums: [S::I; N]) -> [Wrapping<u32>; N] {
        bytemuck::cast(s.lane_sums(sums))
    }
}
