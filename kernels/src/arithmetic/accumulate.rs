//! What a kind of arithmetic offers: accumulators of products, squared differences and squares of a query and a row.
//!
//! `metric_sums` is written over it, and the loops over `metric_sums`.

use super::number::Number;
use crate::isa::operations::Token;

/// How a query and a row of one type are read: by one load, and one for a tail.
macro_rules! same_type {
    ($load:expr, $tail:expr) => {
        #[inline(always)]
        unsafe fn query(s: S, p: *const Self::Query) -> Self::Q {
            // SAFETY: the caller's promise.
            unsafe { $load(s, p) }
        }
        #[inline(always)]
        unsafe fn query_tail(s: S, p: *const Self::Query, n: usize, back: bool) -> Self::Q {
            // SAFETY: the caller's promise.
            unsafe { $tail(s, p, n, back) }
        }
        #[inline(always)]
        unsafe fn row(s: S, p: *const Self::Row) -> Self::X {
            // SAFETY: the caller's promise.
            unsafe { $load(s, p) }
        }
        #[inline(always)]
        unsafe fn row_tail(s: S, p: *const Self::Row, n: usize, back: bool) -> Self::X {
            // SAFETY: the caller's promise.
            unsafe { $tail(s, p, n, back) }
        }
    };
}

/// Two accumulators of `f32`, which are added at the end.
#[cfg(target_arch = "x86_64")]
macro_rules! two_accumulators {
    () => {
        type Sum = [S::F; 2];
        type Number = f32;

        #[inline(always)]
        fn zero(s: S) -> [S::F; 2] {
            [s.zero(); 2]
        }
        #[inline(always)]
        fn add(s: S, a: [S::F; 2], b: [S::F; 2]) -> [S::F; 2] {
            [s.add(a[0], b[0]), s.add(a[1], b[1])]
        }
        #[inline(always)]
        fn numbers<const N: usize>(s: S, sums: [[S::F; 2]; N]) -> [f32; N] {
            let mut joined = [s.zero(); N];
            for k in 0..N {
                joined[k] = s.add(sums[k][0], sums[k][1]);
            }
            s.lane_sums(joined)
        }
    };
}

pub(crate) use same_type;
#[cfg(target_arch = "x86_64")]
pub(crate) use two_accumulators;

/// An arithmetic over queries of `Query` and rows of `Row` elements, on instruction set `S`.
pub(crate) trait Accumulate<S: Token>: 'static {
    type Query: Copy + 'static;
    type Row: Copy + 'static;
    /// Elements of one step.
    const LANES: usize;
    /// Whether the load of a tail may look back into the row; see `Load::load_tail`.
    const BACK: bool = true;
    /// Whether sums lack what the query alone adds to them; see `corrections`.
    const CORRECTED: bool = false;
    /// Whether the upper bit of `Σ q·x` is a sign, where it is an integer.
    const SIGNED: bool = false;
    /// The elements of one step, of the query and of a row.
    type Q: Copy;
    type X: Copy;
    /// The accumulators of one sum.
    type Sum: Copy;
    /// The sum as one number.
    type Number: Number;

    /// # Safety
    /// As `Load::load`.
    unsafe fn query(s: S, p: *const Self::Query) -> Self::Q;
    /// # Safety
    /// As `Load::load_tail`.
    unsafe fn query_tail(s: S, p: *const Self::Query, n: usize, back: bool) -> Self::Q;
    /// # Safety
    /// As `Load::at`.
    #[inline(always)]
    unsafe fn at(row: *const Self::Row, i: usize) -> *const Self::Row {
        // SAFETY: the caller's promise.
        unsafe { row.add(i) }
    }
    /// # Safety
    /// As `Load::load`.
    unsafe fn row(s: S, p: *const Self::Row) -> Self::X;
    /// # Safety
    /// As `Load::load_tail`.
    unsafe fn row_tail(s: S, p: *const Self::Row, n: usize, back: bool) -> Self::X;

    fn zero(s: S) -> Self::Sum;
    fn add(s: S, a: Self::Sum, b: Self::Sum) -> Self::Sum;
    /// A step of `Σ q·x`. `PREFETCH` says that rows are prefetched meanwhile.
    fn dot<const PREFETCH: bool>(s: S, sum: Self::Sum, q: Self::Q, x: Self::X) -> Self::Sum;
    /// A step of `Σ (q − x)²`.
    fn diff(s: S, sum: Self::Sum, q: Self::Q, x: Self::X) -> Self::Sum;
    /// The same for a query that meets one row. It lacks nothing.
    #[inline(always)]
    fn diff_pair(s: S, sum: Self::Sum, q: Self::Q, x: Self::X) -> Self::Sum {
        Self::diff(s, sum, q, x)
    }
    /// A step of `Σ x²` of rows, `Σ q²` of queries. They lack nothing.
    fn norm(s: S, sum: Self::Sum, x: Self::X) -> Self::Sum;
    fn query_norm(s: S, sum: Self::Sum, q: Self::Q) -> Self::Sum;
    /// `dot` and `norm` at once.
    #[inline(always)]
    fn dot_and_norm(s: S, (dot, norm): (Self::Sum, Self::Sum), q: Self::Q, x: Self::X) -> (Self::Sum, Self::Sum) {
        (Self::dot::<false>(s, dot, q, x), Self::norm(s, norm, x))
    }

    /// Each sum as a number.
    fn numbers<const N: usize>(s: S, sums: [Self::Sum; N]) -> [Self::Number; N];
    /// What `Σ q·x` and `Σ (q − x)²` lack, made of `Σ q²`.
    #[inline(always)]
    fn corrections(s: S, _squares: Self::Sum) -> [Self::Sum; 2] {
        [Self::zero(s); 2]
    }
}
