//! Bfloats on both sides, two to a lane, summed as `f32`.

use super::Sums;
use crate::op::Brains;
use half::bf16;

/// Pairs of bfloats.
pub(crate) struct Pairs;

impl<S: Brains> Sums<S> for Pairs {
    type Query = bf16;
    type Row = bf16;
    const LANES: usize = 2 * S::LANES;
    const ROWS: usize = S::ROWS;
    type Q = S::B;
    type X = S::B;
    /// Those of even and of odd elements; or all in the first, where several sums run side by side and
    /// two each would not fit into the registers.
    type Sum = [S::F; 2];

    one_type!(S::load_brains, S::load_brains_part);
    in_singles!();
    seedless!();
    two_sums!();

    #[inline(always)]
    fn dot(s: S, sum: [S::F; 2], q: S::B, x: S::B) -> [S::F; 2] {
        s.dot_two_brains(sum, q, x)
    }
    /// Over one chain: of two, each of two steps in a row, one sum went through memory on AVX2.
    #[inline(always)]
    fn dot_ahead(s: S, sum: [S::F; 2], q: S::B, x: S::B) -> [S::F; 2] {
        [s.dot_brains(sum[0], q, x), sum[1]]
    }
    #[inline(always)]
    fn diff(s: S, sum: [S::F; 2], q: S::B, x: S::B) -> [S::F; 2] {
        let even = s.sub(s.even(q), s.even(x));
        let odd = s.sub(s.odd(q), s.odd(x));
        [s.mul_add(even, even, sum[0]), s.mul_add(odd, odd, sum[1])]
    }
    #[inline(always)]
    fn norm(s: S, sum: [S::F; 2], x: S::B) -> [S::F; 2] {
        [s.dot_brains(sum[0], x, x), sum[1]]
    }
    #[inline(always)]
    fn query_norm(s: S, sum: [S::F; 2], q: S::B) -> [S::F; 2] {
        [s.dot_brains(sum[0], q, q), sum[1]]
    }
    #[inline(always)]
    fn dot_and_norm(s: S, (dot, norm): (Self::Sum, Self::Sum), q: S::B, x: S::B) -> (Self::Sum, Self::Sum) {
        ([s.dot_brains(dot[0], q, x), dot[1]], Self::norm(s, norm, x))
    }
}
