//! Where the loops meet an instruction set: functions that enable it, as pointers.
//!
//! pulp's `vectorize` would do the same through a second call, its arguments passed in memory;
//! a pair of short rows is hardly longer than such a call. So the tokens are pulp's and the
//! entries are ours.

use crate::formula::Formula;
use crate::sums::Sums;
use crate::tile::Products;
use crate::{Metric, RowTable};

/// The loops of one metric over one pair of element types, compiled for one instruction set.
/// All take rows as bytes; see `shape` for what must be readable.
#[derive(Clone, Copy)]
pub(crate) struct Shapes {
    /// `(query, row, dim)`.
    pub(crate) pair: Pair,
    /// `(query, rows, n, dim, out)`, for rows that are near.
    pub(crate) gathered: Gathered,
    /// The same, fetching rows ahead.
    pub(crate) fetching: Gathered,
    /// `(query, table, rows, dim, out)`: whether the table has them all.
    pub(crate) picked: unsafe fn(*const u8, &RowTable<'_>, &[u32], usize, *mut f32) -> bool,
    /// `(query, first row, stride in bytes, n, dim, out)`.
    pub(crate) scan: unsafe fn(*const u8, *const u8, usize, usize, usize, *mut f32),
    /// `(rows, n, length of a row, bits that are clear in its address)`.
    pub(crate) fit: unsafe fn(*const *const [u8], usize, usize, usize) -> bool,
}

impl Shapes {
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

/// `(metric, (queries, rows, the products to be taken), dim, out)`; see `tile::between`.
pub(crate) type Between = unsafe fn(Metric, (&[*const u8], &[*const u8], Products), usize, *mut f32);

type Gathered = unsafe fn(*const u8, *const *const [u8], usize, usize, *mut f32);

/// An instruction set that loops can be compiled for.
pub(crate) trait Entry: Copy + 'static {
    fn shapes<D: Sums<Self>, M: Formula<Self, D>>() -> Shapes;
    /// The `pair` of rows of `DIM` elements alone, its loops unrolled.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "where it was measured to pay"))]
    fn pair_of<D: Sums<Self>, M: Formula<Self, D>, const DIM: usize>() -> Pair;
    /// The distances of some rows from some of their type.
    fn between_of<D: Sums<Self>>() -> Between;
}

/// Implements [`Entry`] for a token: `entries!(Token, #[target_feature(enable = "…")])`.
macro_rules! entries {
    ($token:ty $(, #[$context:meta])?) => {
        impl $crate::isa::Entry for $token {
            fn shapes<D, M>() -> $crate::isa::Shapes
            where
                D: $crate::sums::Sums<Self>,
                M: $crate::formula::Formula<Self, D>,
            {
                use $crate::formula::Formula;
                use $crate::shape::{self, Gathered, Strided};
                use $crate::sums::Sums;

                $(#[$context])?
                unsafe fn pair<D: Sums<$token>, M: Formula<$token, D>>(
                    query: *const u8,
                    row: *const u8,
                    dim: usize,
                ) -> f32 {
                    // SAFETY: the caller's promise.
                    unsafe { shape::pair::<$token, D, M>(query, row, dim) }
                }

                $(#[$context])?
                unsafe fn gathered<
                    D: Sums<$token>,
                    M: Formula<$token, D>,
                    const AHEAD: bool,
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
                        shape::many::<$token, D, M, _, AHEAD>(query, rows, n, dim, out);
                    }
                }

                $(#[$context])?
                unsafe fn picked<D: Sums<$token>, M: Formula<$token, D>>(
                    query: *const u8,
                    table: &$crate::RowTable<'_>,
                    rows: &[u32],
                    dim: usize,
                    out: *mut f32,
                ) -> bool {
                    // SAFETY: the caller's promise.
                    unsafe { shape::picked::<$token, D, M>(query, table, rows, dim, out) }
                }

                $(#[$context])?
                unsafe fn scan<D: Sums<$token>, M: Formula<$token, D>>(
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
                        shape::many::<$token, D, M, _, false>(query, rows, n, dim, out);
                    }
                }

                $(#[$context])?
                unsafe fn fit(rows: *const *const [u8], n: usize, len: usize, low: usize) -> bool {
                    // SAFETY: the caller's promise.
                    unsafe { shape::fit(rows, n, len, low) }
                }

                $crate::isa::Shapes {
                    pair: pair::<D, M>,
                    gathered: gathered::<D, M, false>,
                    fetching: gathered::<D, M, true>,
                    picked: picked::<D, M>,
                    scan: scan::<D, M>,
                    fit,
                }
            }

            fn pair_of<D, M, const DIM: usize>() -> $crate::isa::Pair
            where
                D: $crate::sums::Sums<Self>,
                M: $crate::formula::Formula<Self, D>,
            {
                $(#[$context])?
                unsafe fn pair<
                    D: $crate::sums::Sums<$token>,
                    M: $crate::formula::Formula<$token, D>,
                    const DIM: usize,
                >(
                    query: *const u8,
                    row: *const u8,
                    dim: usize,
                ) -> f32 {
                    debug_assert_eq!(dim, DIM, "a kernel of another dimension");
                    // SAFETY: the caller's promise.
                    unsafe { $crate::shape::pair::<$token, D, M>(query, row, DIM) }
                }

                pair::<D, M, DIM>
            }

            fn between_of<D: $crate::sums::Sums<Self>>() -> $crate::isa::Between {
                $(#[$context])?
                unsafe fn between<D: $crate::sums::Sums<$token>>(
                    metric: $crate::Metric,
                    sides: (&[*const u8], &[*const u8], $crate::tile::Products),
                    dim: usize,
                    out: *mut f32,
                ) {
                    // Sixteen sums where there are twice as many registers, otherwise eight.
                    // SAFETY: the caller's promise.
                    unsafe {
                        if D::ROWS == 8 {
                            $crate::tile::between::<$token, D, 4, 4>(metric, sides, dim, out);
                        } else {
                            $crate::tile::between::<$token, D, 2, 4>(metric, sides, dim, out);
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

/// Implements `Load` for a token: how `LANES` elements at a pointer become singles.
macro_rules! loads {
    ($token:ty: $($type:ty, |$p:ident| $body:expr;)*) => {$(
        impl $crate::op::Load<$type> for $token {
            #[inline(always)]
            unsafe fn load(self, $p: *const $type) -> <Self as $crate::op::Simd>::F {
                // SAFETY: LANES elements are readable, and `self` stands for the instructions.
                unsafe { $body }
            }
        }
    )*};
}

/// Implements `Load` for packed elements: how the low bytes of a `u64` become singles.
macro_rules! packed {
    ($token:ty: $($bits:literal, |$v:ident| $body:expr;)*) => {$(
        impl $crate::op::Load<$crate::op::Packed<$bits>> for $token {
            const BACK: bool = false;

            #[inline(always)]
            unsafe fn at(
                row: *const $crate::op::Packed<$bits>,
                i: usize,
            ) -> *const $crate::op::Packed<$bits> {
                // SAFETY: the caller's promise; i elements are whole bytes.
                unsafe { row.add(i * $bits / 8) }
            }
            #[inline(always)]
            unsafe fn load(self, p: *const $crate::op::Packed<$bits>) -> <Self as $crate::op::Simd>::F {
                let mut word = [0u8; 8];
                // SAFETY: LANES elements are readable, in at most eight bytes.
                unsafe {
                    let bytes = <Self as $crate::op::Simd>::LANES * $bits / 8;
                    $crate::few::copy(p.cast(), word.as_mut_ptr(), bytes);
                }
                let $v = u64::from_le_bytes(word);
                #[allow(unused_unsafe, reason = "the baseline's operations are safe")]
                // SAFETY: `self` stands for the instructions.
                unsafe { $body }
            }
            #[inline(always)]
            unsafe fn load_part(
                self,
                p: *const $crate::op::Packed<$bits>,
                n: usize,
                _back: bool,
            ) -> <Self as $crate::op::Simd>::F {
                // SAFETY: n < LANES elements are readable, in at most eight bytes. What is in
                // the last byte beyond them meets a query's zeroes.
                let $v = unsafe { $crate::few::word(p.cast(), (n * $bits).div_ceil(8)) } as u64;
                #[allow(unused_unsafe, reason = "the baseline's operations are safe")]
                // SAFETY: `self` stands for the instructions.
                unsafe { $body }
            }
        }
    )*};
}

/// Implements `Count` for a token by words of eight bytes, as its context counts them.
macro_rules! words {
    ($token:ident) => {
        impl $crate::op::Count for $token {
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
            unsafe fn load_part(self, p: *const u8, n: usize, back: bool) -> u64 {
                // SAFETY: with `back`, the last eight bytes of the row; else n < 8.
                unsafe {
                    if back {
                        $crate::op::Count::load(self, p.sub(8 - n)) >> (8 * (8 - n))
                    } else {
                        $crate::few::word(p, n) as u64
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
            fn sums<const N: usize>(self, v: [u32; N]) -> [u32; N] {
                v
            }
        }
    };
}

pub(crate) use {entries, loads, ops, packed, words};
