//! The entries: functions that enable an instruction set and contain a loop, as function pointers.
//!
//! pulp makes the tokens; the entries are functions of this crate (docs/experiments/020-pulp-vectorize.md).

use crate::arithmetic::accumulate::Accumulate;
use crate::arithmetic::metric_sums::MetricSums;
use crate::loops::many_to_many::Products;
use crate::{Metric, RowTable};

/// The loops of one metric over one pair of element types, compiled for one instruction set. All take rows as bytes;
/// `loops` says what must be readable.
#[derive(Clone, Copy)]
pub(crate) struct Kernels {
    /// `(query, row, dim)`.
    pub(crate) pair: Pair,
    /// `(query, rows, n, dim, out)`, for rows in a near cache: without prefetch.
    pub(crate) gathered_near: Gathered,
    /// The same, with prefetch of the next rows.
    pub(crate) gathered: Gathered,
    /// `(query, table, rows, dim, out)`. Returns whether the table has all of these rows.
    pub(crate) picked: unsafe fn(*const u8, &RowTable<'_>, &[u32], usize, *mut f32) -> bool,
    /// `(query, first row, stride in bytes, n, dim, out)`.
    pub(crate) scan: unsafe fn(*const u8, *const u8, usize, usize, usize, *mut f32),
    /// `(rows, n, length of a row, bits that are clear in its address)`.
    pub(crate) fit: unsafe fn(*const *const [u8], usize, usize, usize) -> bool,
}

impl Kernels {
    /// Whether each of `rows` is `len` elements long, with the bits `low` of its address clear.
    ///
    /// # Safety
    /// The machine has the instruction set.
    #[inline(always)]
    pub(crate) unsafe fn fit<T>(&self, rows: &[&[T]], len: usize, low: usize) -> bool {
        // SAFETY: the list is a slice's; the caller's promise.
        unsafe { (self.fit)(rows.as_ptr().cast(), rows.len(), len, low) }
    }
}

/// One query, one row, and their dimension.
pub(crate) type Pair = unsafe fn(*const u8, *const u8, usize) -> f32;

/// `(metric, (queries, rows, the products to be computed), dim, out)`; see `many_to_many::between`.
pub(crate) type Between = unsafe fn(Metric, (&[*const u8], &[*const u8], Products), usize, *mut f32);

type Gathered = unsafe fn(*const u8, *const *const [u8], usize, usize, *mut f32);

/// An instruction set that loops can be compiled for.
pub(crate) trait Entry: Copy + 'static {
    fn kernels<D: Accumulate<Self>, M: MetricSums<Self, D>>() -> Kernels;
    /// The `pair` of rows of `DIM` elements, with unrolled loops.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "where it was measured to pay"))]
    fn pair_of<D: Accumulate<Self>, M: MetricSums<Self, D>, const DIM: usize>() -> Pair;
    /// The distances of some rows from others of their type.
    fn between_of<D: Accumulate<Self>>() -> Between;
}

/// Implements [`Entry`] for a token: `entries!(Token, #[target_feature(enable = "…")])`.
macro_rules! entries {
    ($token:ty $(, #[$context:meta])?) => {
        impl $crate::isa::entry::Entry for $token {
            fn kernels<D, M>() -> $crate::isa::entry::Kernels
            where
                D: $crate::arithmetic::accumulate::Accumulate<Self>,
                M: $crate::arithmetic::metric_sums::MetricSums<Self, D>,
            {
                use $crate::arithmetic::metric_sums::MetricSums;
                use $crate::loops::one_to_many::{self, Gathered, Strided};
                use $crate::loops::one_to_one;
                use $crate::arithmetic::accumulate::Accumulate;

                $(#[$context])?
                unsafe fn pair<D: Accumulate<$token>, M: MetricSums<$token, D>>(
                    query: *const u8,
                    row: *const u8,
                    dim: usize,
                ) -> f32 {
                    // SAFETY: the caller's promise.
                    unsafe { one_to_one::pair::<$token, D, M>(query, row, dim) }
                }

                $(#[$context])?
                unsafe fn gathered<
                    D: Accumulate<$token>,
                    M: MetricSums<$token, D>,
                    const PREFETCH: bool,
                >(
                    query: *const u8,
                    rows: *const *const [u8],
                    n: usize,
                    dim: usize,
                    out: *mut f32,
                ) {
                    let rows = Gathered(rows);
                    // SAFETY: the caller's promise.
                    unsafe {
                        one_to_many::many::<$token, D, M, _, PREFETCH>(query, rows, n, dim, out);
                    }
                }

                $(#[$context])?
                unsafe fn picked<D: Accumulate<$token>, M: MetricSums<$token, D>>(
                    query: *const u8,
                    table: &$crate::RowTable<'_>,
                    rows: &[u32],
                    dim: usize,
                    out: *mut f32,
                ) -> bool {
                    // SAFETY: the caller's promise.
                    unsafe { one_to_many::picked::<$token, D, M>(query, table, rows, dim, out) }
                }

                $(#[$context])?
                unsafe fn scan<D: Accumulate<$token>, M: MetricSums<$token, D>>(
                    query: *const u8,
                    first: *const u8,
                    stride: usize,
                    n: usize,
                    dim: usize,
                    out: *mut f32,
                ) {
                    let rows = Strided { first, stride };
                    // SAFETY: the caller's promise.
                    unsafe {
                        one_to_many::many::<$token, D, M, _, false>(query, rows, n, dim, out);
                    }
                }

                $(#[$context])?
                unsafe fn fit(rows: *const *const [u8], n: usize, len: usize, low: usize) -> bool {
                    // SAFETY: the caller's promise.
                    unsafe { one_to_many::fit(rows, n, len, low) }
                }

                $crate::isa::entry::Kernels {
                    pair: pair::<D, M>,
                    gathered_near: gathered::<D, M, false>,
                    gathered: gathered::<D, M, true>,
                    picked: picked::<D, M>,
                    scan: scan::<D, M>,
                    fit,
                }
            }

            fn pair_of<D, M, const DIM: usize>() -> $crate::isa::entry::Pair
            where
                D: $crate::arithmetic::accumulate::Accumulate<Self>,
                M: $crate::arithmetic::metric_sums::MetricSums<Self, D>,
            {
                $(#[$context])?
                unsafe fn pair<
                    D: $crate::arithmetic::accumulate::Accumulate<$token>,
                    M: $crate::arithmetic::metric_sums::MetricSums<$token, D>,
                    const DIM: usize,
                >(
                    query: *const u8,
                    row: *const u8,
                    dim: usize,
                ) -> f32 {
                    debug_assert_eq!(dim, DIM, "a kernel of another dimension");
                    // SAFETY: the caller's promise.
                    unsafe { $crate::loops::one_to_one::pair::<$token, D, M>(query, row, DIM) }
                }

                pair::<D, M, DIM>
            }

            fn between_of<D: $crate::arithmetic::accumulate::Accumulate<Self>>() -> $crate::isa::entry::Between {
                $(#[$context])?
                unsafe fn between<D: $crate::arithmetic::accumulate::Accumulate<$token>>(
                    metric: $crate::Metric,
                    sides: (&[*const u8], &[*const u8], $crate::loops::many_to_many::Products),
                    dim: usize,
                    out: *mut f32,
                ) {
                    // Sixteen sums where there are twice as many registers, otherwise eight.
                    // SAFETY: the caller's promise.
                    unsafe {
                        if D::ROWS == 8 {
                            $crate::loops::many_to_many::between::<$token, D, 4, 4>(metric, sides, dim, out);
                        } else {
                            $crate::loops::many_to_many::between::<$token, D, 2, 4>(metric, sides, dim, out);
                        }
                    }
                }

                between::<D>
            }
        }
    };
}

/// Implements operations of a token by expressions over intrinsics.
macro_rules! ops {
    ($(fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $out:ty = $body:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: $type),*) -> $out {
            // SAFETY: `self` exists only where the CPU was found to have these instructions.
            unsafe { $body }
        }
    )*};
}

/// Implements `Load` for a token: the conversion of `LANES` elements at a pointer to `f32`.
macro_rules! loads {
    ($token:ty: $($type:ty, |$p:ident| $body:expr;)*) => {$(
        impl $crate::isa::operations::Load<$type> for $token {
            #[inline(always)]
            unsafe fn load(self, $p: *const $type) -> <Self as $crate::isa::operations::Simd>::F {
                // SAFETY: LANES elements are readable, and `self` stands for the instructions.
                unsafe { $body }
            }
        }
    )*};
}

/// Implements `Load` for packed elements: the conversion of the low bytes of a `u64` to `f32`.
macro_rules! packed {
    ($token:ty: $($bits:literal, |$v:ident| $body:expr;)*) => {$(
        impl $crate::isa::operations::Load<$crate::isa::operations::Packed<$bits>> for $token {
            const BACK: bool = false;

            #[inline(always)]
            unsafe fn at(
                row: *const $crate::isa::operations::Packed<$bits>,
                i: usize,
            ) -> *const $crate::isa::operations::Packed<$bits> {
                // SAFETY: the caller's promise; i elements are whole bytes.
                unsafe { row.add(i * $bits / 8) }
            }
            #[inline(always)]
            unsafe fn load(
                self,
                p: *const $crate::isa::operations::Packed<$bits>,
            ) -> <Self as $crate::isa::operations::Simd>::F {
                let mut word = [0u8; 8];
                // SAFETY: LANES elements are readable, in at most eight bytes.
                unsafe {
                    let bytes = <Self as $crate::isa::operations::Simd>::LANES * $bits / 8;
                    $crate::loops::short_tail::copy(p.cast(), word.as_mut_ptr(), bytes);
                }
                let $v = u64::from_le_bytes(word);
                #[allow(unused_unsafe, reason = "the baseline's operations are safe")]
                // SAFETY: `self` stands for the instructions.
                unsafe { $body }
            }
            #[inline(always)]
            unsafe fn load_tail(
                self,
                p: *const $crate::isa::operations::Packed<$bits>,
                n: usize,
                _back: bool,
            ) -> <Self as $crate::isa::operations::Simd>::F {
                // SAFETY: n < LANES elements are readable, in at most eight bytes. The bits of the last byte beyond
                // them meet zeros of the query.
                let $v = unsafe { $crate::loops::short_tail::word(p.cast(), (n * $bits).div_ceil(8)) } as u64;
                #[allow(unused_unsafe, reason = "the baseline's operations are safe")]
                // SAFETY: `self` stands for the instructions.
                unsafe { $body }
            }
        }
    )*};
}

/// Implements `Count` for a token by words of eight bytes.
macro_rules! words {
    ($token:ident) => {
        impl $crate::isa::operations::Count for $token {
            const BYTES: usize = 8;
            type V = u64;
            type I = u32;

            #[inline(always)]
            unsafe fn token() -> Self {
                $token
            }
            #[inline(always)]
            unsafe fn load(self, p: *const u8) -> u64 {
                // SAFETY: eight bytes are readable.
                u64::from_le(unsafe { p.cast::<u64>().read_unaligned() })
            }
            #[inline(always)]
            unsafe fn load_tail(self, p: *const u8, n: usize, back: bool) -> u64 {
                // SAFETY: with `back`, the last eight bytes of the row; else n < 8.
                unsafe {
                    if back {
                        $crate::isa::operations::Count::load(self, p.sub(8 - n)) >> (8 * (8 - n))
                    } else {
                        $crate::loops::short_tail::word(p, n) as u64
                    }
                }
            }
            #[inline(always)]
            fn zero(self) -> u32 {
                0
            }
            #[inline(always)]
            fn add(self, a: u32, b: u32) -> u32 {
                a + b
            }
            #[inline(always)]
            fn xor(self, a: u64, b: u64) -> u64 {
                a ^ b
            }
            #[inline(always)]
            fn and(self, a: u64, b: u64) -> u64 {
                a & b
            }
            #[inline(always)]
            fn count(self, sum: u32, v: u64) -> u32 {
                sum + v.count_ones()
            }
            #[inline(always)]
            fn lane_sums<const N: usize>(self, v: [u32; N]) -> [u32; N] {
                v
            }
        }
    };
}

pub(crate) use {entries, loads, ops, packed, words};
