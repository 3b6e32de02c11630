//! u8 or i8 on both sides, summed exactly in integers and rounded once.

use super::accumulate::{Accumulate, in_integers, same_type};
use crate::element::{Element, ElementKind};
use crate::isa::operations::Bytes;
use core::marker::PhantomData;

/// Bytes of type `T`.
pub(crate) struct Integers<T>(PhantomData<T>);

impl<S: Bytes<T>, T: Element> Accumulate<S> for Integers<T> {
    type Query = T;
    type Row = T;
    const LANES: usize = S::LANES;
    const ROWS: usize = S::ROWS;
    type Q = S::V;
    type X = S::V;
    type Sum = [S::I; 2];
    type Seed = S::I;
    type Total = S::I;

    same_type!(S::load, S::load_tail);
    in_integers!();

    #[inline(always)]
    fn zero(s: S) -> [S::I; 2] {
        [s.zero(); 2]
    }
    #[inline(always)]
    fn add(s: S, a: [S::I; 2], b: [S::I; 2]) -> [S::I; 2] {
        [s.add(a[0], b[0]), s.add(a[1], b[1])]
    }
    #[inline(always)]
    fn no_seed(s: S) -> S::I {
        s.zero()
    }
    #[inline(always)]
    fn add_seeds(s: S, a: S::I, b: S::I) -> S::I {
        s.add(a, b)
    }
    #[inline(always)]
    fn dot(s: S, sum: [S::I; 2], q: S::V, x: S::V) -> [S::I; 2] {
        s.dot(sum, q, x)
    }
    #[inline(always)]
    fn dot_seed(s: S, seed: S::I, q: S::V) -> S::I {
        s.dot_seed(seed, q)
    }
    #[inline(always)]
    fn dot_total(s: S, seed: S::I, sum: [S::I; 2]) -> S::I {
        s.dot_total(seed, sum)
    }
    #[inline(always)]
    fn diff(s: S, sum: [S::I; 2], q: S::V, x: S::V) -> [S::I; 2] {
        s.diff(sum, q, x)
    }
    #[inline(always)]
    fn diff_seed(s: S, seed: S::I, q: S::V) -> S::I {
        s.diff_seed(seed, q)
    }
    #[inline(always)]
    fn diff_pair(s: S, sum: [S::I; 2], q: S::V, x: S::V) -> [S::I; 2] {
        s.diff_pair(sum, q, x)
    }
    #[inline(always)]
    fn diff_total(s: S, seed: S::I, sum: [S::I; 2]) -> S::I {
        s.diff_total(seed, sum)
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
    fn norm_total(s: S, sum: [S::I; 2]) -> S::I {
        s.norm_total(sum)
    }
    #[inline(always)]
    fn lane_sums<const N: usize>(s: S, totals: [S::I; N]) -> [u32; N] {
        s.lane_sums(totals)
    }
    #[inline(always)]
    fn with_seed(number: u32, seed: u32) -> u32 {
        number.wrapping_add(seed)
    }
    #[inline(always)]
    fn signed(number: u32) -> f32 {
        // A dot product of u8 rows needs all 32 bits, one of i8 rows is at most 2³⁰.
        match T::KIND {
            ElementKind::U8 => number as f32,
            _ => number.cast_signed() as f32,
        }
    }
}
