//! The entries: functions that enable an instruction set and contain a loop, as function pointers.
//!
//! pulp makes the tokens; the entries are functions of this crate (docs/experiments/020-pulp-vectorize.md).

use crate::arithmetic::accumulate::Accumulate;
use crate::cell::Cell;
use crate::isa::operations::Token;
use crate::loops::many_to_many::Products;
use crate::loops::one_to_many::{Gathered, Strided};
use crate::{Metric, RowTable};

/// The loops of one metric over one pair of element types, compiled for one instruction set. All take rows as bytes;
/// `loops` says what must be readable.
#[derive(Clone, Copy)]
pub(crate) struct Kernels {
    /// `(query, row, dim)`.
    pub(crate) pair: Pair,
    /// `(query, rows, n, dim, out)`, for rows in a near cache: without prefetch.
    pub(crate) gathered_near: Many<Gathered>,
    /// The same, with prefetch of the next rows.
    pub(crate) gathered: Many<Gathered>,
    /// `(query, table, rows, dim, out)`. Returns whether the table has all of these rows.
    pub(crate) picked: unsafe fn(*const u8, &RowTable<'_>, &[u32], usize, *mut f32) -> bool,
    /// As `gathered_near`.
    pub(crate) scan: Many<Strided>,
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

/// One query and many rows; see `one_to_many::many`.
pub(crate) type Many<R> = unsafe fn(*const u8, R, usize, usize, *mut f32);

/// `(metric, (queries, rows, the products to be computed), dim, out)`; see `many_to_many::between`.
pub(crate) type Between = unsafe fn(Metric, (&[*const u8], &[*const u8], Products), usize, *mut f32);

/// An instruction set that loops can be compiled for.
pub(crate) trait Entry: Token {
    fn kernels<D: Accumulate<Self>, C: Cell>() -> Kernels;
    /// The `pair` of rows of `DIM` elements, with unrolled loops; of any rows if `DIM` is 0.
    fn pair_of<D: Accumulate<Self>, C: Cell, const DIM: usize>() -> Pair;
    /// The distances of some rows from others of their type. `QUERIES` meet four rows at a time.
    fn between_of<D: Accumulate<Self>, const QUERIES: usize>() -> Between;
}

/// Implements [`Entry`] for a token: `entries!(Token, #[target_feature(enable = "…")])`.
macro_rules! entries {
    ($token:ty $(, #[$context:meta])?) => {
        const _: () = {
            use $crate::arithmetic::accumulate::Accumulate;
            use $crate::cell::Cell;
            use $crate::isa::entry::{Between, Entry, Kernels, Pair};
            use $crate::loops::{many_to_many, one_to_many, one_to_one};

            $(#[$context])?
            unsafe fn pair<D: Accumulate<$token>, C: Cell, const DIM: usize>(
                query: *const u8,
                row: *const u8,
                dim: usize,
            ) -> f32 {
                debug_assert!(DIM == 0 || DIM == dim, "a kernel of another dimension");
                let dim = if DIM == 0 { dim } else { DIM };
                // SAFETY: the caller's promise.
                unsafe { one_to_one::pair::<$token, D, C>(query, row, dim) }
            }

            $(#[$context])?
            unsafe fn many<D: Accumulate<$token>, C: Cell, R: one_to_many::Rows, const PREFETCH: bool>(
                query: *const u8,
                rows: R,
                n: usize,
                dim: usize,
                out: *mut f32,
            ) {
                // SAFETY: the caller's promise.
                unsafe { one_to_many::many::<$token, D, C, R, PREFETCH>(query, rows, n, dim, out) }
            }

            $(#[$context])?
            unsafe fn picked<D: Accumulate<$token>, C: Cell>(
                query: *const u8,
                table: &$crate::RowTable<'_>,
                rows: &[u32],
                dim: usize,
                out: *mut f32,
            ) -> bool {
                // SAFETY: the caller's promise.
                unsafe { one_to_many::picked::<$token, D, C>(query, table, rows, dim, out) }
            }

            $(#[$context])?
            unsafe fn fit(rows: *const *const [u8], n: usize, len: usize, low: usize) -> bool {
                // SAFETY: the caller's promise.
                unsafe { one_to_many::fit(rows, n, len, low) }
            }

            $(#[$context])?
            unsafe fn between<D: Accumulate<$token>, const QUERIES: usize>(
                metric: $crate::Metric,
                sides: (&[*const u8], &[*const u8], many_to_many::Products),
                dim: usize,
                out: *mut f32,
            ) {
                // SAFETY: the caller's promise.
                unsafe { many_to_many::between::<$token, D, QUERIES, 4>(metric, sides, dim, out) }
            }

            impl Entry for $token {
                fn kernels<D: Accumulate<Self>, C: Cell>() -> Kernels {
                    Kernels {
                        pair: Self::pair_of::<D, C, 0>(),
                        gathered_near: many::<D, C, _, false>,
                        gathered: many::<D, C, _, true>,
                        picked: picked::<D, C>,
                        scan: many::<D, C, _, false>,
                        fit,
                    }
                }
                fn pair_of<D: Accumulate<Self>, C: Cell, const DIM: usize>() -> Pair {
                    pair::<D, C, DIM>
                }
                fn between_of<D: Accumulate<Self>, const QUERIES: usize>() -> Between {
                    between::<D, QUERIES>
                }
            }
        };
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
