//! u8 or i8 on both sides, summed exactly in integers and rounded once.

use super::accumulate::{Accumulate, same_type};
use crate::element::{Element, ElementKind};
use crate::isa::operations::Bytes;
use core::marker::PhantomData;
use core::num::Wrapping;

/// Bytes of type `T`.
pub(crate) struct Integers<T>(PhantomData<T>);

impl<S: Bytes<T>, T: Element> Accumulate<S> for Integers<T> {
    type Query = T;
    type Row = T;
    const LANES: usize = S::LANES;
    const CORRECTED: bool = S::CORRECTED;
    // A dot product of u8 rows needs all 32 bits, one of i8 rows is at most 2³⁰.
    const SIGNED: bool = matches!(T::KIND, ElementKind::I8);
    type Q = S::V;
    type X = S::V;
    type Sum = [S::I; 2];
    type Number = Wrapping<u32>;

    same_type!(S::load, S::load_tail);

    #[inline(always)]
    fn zero(s: S) -> [S::I; 2] {
        [s.zero(); 2]
    }
    #[inline(always)]
    fn add(s: S, a: [S::I; 2], b: [S::I; 2]) -> [S::I; 2] {
        [s.add(a[0], b[0]), s.add(a[1], b[1])]
    }
    #[inline(always)]
    fn dot<const PREFETCH: bool>(s: S, sum: [S::I; 2], q: S::V, x: S::V) -> [S::I; 2] {
        s.dot(sum, q, x)
    }
    #[inline(always)]
    fn diff(s: S, sum: [S::I; 2], q: S::V, x: S::V) -> [S::I; 2] {
        s.diff(sum, q, x)
    }
    #[inline(always)]
    fn diff_pair(s: S, sum: [S::I; 2], q: S::V, x: S::V) -> [S::I; 2] {
        s.diff_pair(sum, q, x)
    }
    #[inline(always)]
    fn norm(s: S, sum: [S::I; 2], x: S::V) -> [S::I; 2] {
        s.norm(sum, x)
    }
    #[inline(always)]
    fn query_norm(s: S, sum: [S::I; 2], q: S::V) -> [S::I; 2] {
        s.norm(sum, q)
    }
    #[inline(always)]
    fn numbers<const N: usize>(s: S, sums: [[S::I; 2]; N]) -> [Wrapping<u32>; N] {
        let mut totals = [s.zero(); N];
        for k in 0..N {
            totals[k] = s.total(sums[k]);
        }
        bytemuck::cast(s.lane_sums(totals))
    }
    #[inline(always)]
    fn corrections(s: S, squares: [S::I; 2]) -> [[S::I; 2]; 2] {
        [[s.zero(), squares[1]], [squares[0], s.zero()]]
    }
}
