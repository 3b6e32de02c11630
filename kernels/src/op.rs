//! What an instruction set must offer: vectors of `f32`, loads of each element type into
//! them, and sums of products of bytes. Everything above is written once, over these.
//!
//! A value of a type that implements [`Simd`] is a token: it exists only where the CPU was
//! found to have the instructions, which is what makes the operations safe to call.

use crate::few;

/// A vector of `f32` and its arithmetic.
pub(crate) trait Simd: Copy + 'static {
    /// Lanes of one vector.
    const LANES: usize;
    /// Rows that `gathered` takes at a time: as many sums as the registers hold.
    const ROWS: usize;
    /// Chains that each of four singles' rows has: 2 where four sums are fewer than can be under way.
    const CHAINS: usize = 1;
    /// `LANES` singles.
    type F: Copy;

    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn token() -> Self;
    fn zero(self) -> Self::F;
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a · b + c`, in one rounding where the instruction set can.
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// Keeps the last `n` lanes and zeroes the others, whatever was in them.
    fn keep_last(self, v: Self::F, n: usize) -> Self::F;
    /// The sum of each vector's lanes.
    fn sums<const N: usize>(self, v: [Self::F; N]) -> [f32; N];
}

/// Reads elements of type `T` as singles. Every conversion is exact, subnormals included.
pub(crate) trait Load<T: Copy>: Simd {
    /// Whether parts may look back; elements that share a byte may not.
    const BACK: bool = true;

    /// Where element `i` of a row is: whatever an element's size, `i` counts elements.
    ///
    /// # Safety
    /// The row has that many; where elements share a byte, `i` is a multiple of `LANES`.
    #[inline(always)]
    unsafe fn at(row: *const T, i: usize) -> *const T {
        // SAFETY: the caller's promise.
        unsafe { row.add(i) }
    }

    /// # Safety
    /// `Self::LANES` elements are readable at `p`, which may have any alignment.
    unsafe fn load(self, p: *const T) -> Self::F;

    /// The `n < LANES` elements at `p` and zeroes, in an order that depends on `n` and `back`
    /// alone. `back` says that the elements before `p` belong to the row and fill a vector.
    ///
    /// # Safety
    /// `n` elements are readable at `p`; with `back` also the `LANES − n` before.
    #[inline(always)]
    unsafe fn load_part(self, p: *const T, n: usize, back: bool) -> Self::F {
        if back {
            // SAFETY: the last LANES elements of the row, which `back` says it has.
            return self.keep_last(unsafe { self.load(p.sub(Self::LANES - n)) }, n);
        }
        const { assert!(Self::LANES * size_of::<T>() <= 64, "more than `few` copies") };
        let mut whole = core::mem::MaybeUninit::<[T; 64]>::zeroed();
        // SAFETY: n < LANES elements are readable, less than 64 bytes; zeroes are values of every T.
        unsafe {
            few::copy(p.cast(), whole.as_mut_ptr().cast(), n * size_of::<T>());
            self.load(whole.as_ptr().cast())
        }
    }
}

/// Elements of `BITS` bits, several to a byte, the first in the lowest bits.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Packed<const BITS: usize>(u8);

/// Population counts of bytes.
pub(crate) trait Count: Copy + 'static {
    /// Bytes of one step.
    const BYTES: usize;
    type V: Copy;
    /// Counts.
    type I: Copy;

    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn token() -> Self;
    /// # Safety
    /// As [`Load::load`].
    unsafe fn load(self, p: *const u8) -> Self::V;
    /// # Safety
    /// As [`Load::load_part`].
    unsafe fn load_part(self, p: *const u8, n: usize, back: bool) -> Self::V;
    fn zero(self) -> Self::I;
    fn add(self, a: Self::I, b: Self::I) -> Self::I;
    fn xor(self, a: Self::V, b: Self::V) -> Self::V;
    fn and(self, a: Self::V, b: Self::V) -> Self::V;
    /// Adds the number of bits that are set.
    fn count(self, sum: Self::I, v: Self::V) -> Self::I;
    fn sums<const N: usize>(self, v: [Self::I; N]) -> [u32; N];
}

/// Bfloats taken two to a lane: the upper one of a lane is a single once the lower one is
/// cleared, the lower one once it is moved up. Half the work of widening them first.
#[cfg(target_arch = "x86_64")]
pub(crate) trait Brains: Simd {
    /// `2 · LANES` bfloats.
    type B: Copy;

    /// # Safety
    /// `2 · LANES` elements are readable at `p`.
    unsafe fn load_brains(self, p: *const half::bf16) -> Self::B;
    /// # Safety
    /// As [`Load::load_part`].
    unsafe fn load_brains_part(self, p: *const half::bf16, n: usize, back: bool) -> Self::B;
    /// Elements 0, 2, 4 …
    fn even(self, v: Self::B) -> Self::F;
    /// Elements 1, 3, 5 …
    fn odd(self, v: Self::B) -> Self::F;
    /// A step of `Σ q·x`.
    #[inline(always)]
    fn dot_brains(self, sum: Self::F, q: Self::B, x: Self::B) -> Self::F {
        let even = self.mul_add(self.even(q), self.even(x), sum);
        self.mul_add(self.odd(q), self.odd(x), even)
    }
    /// The same over two chains, of which the sum is that of both.
    #[inline(always)]
    fn dot_two_brains(self, sum: [Self::F; 2], q: Self::B, x: Self::B) -> [Self::F; 2] {
        [self.mul_add(self.even(q), self.even(x), sum[0]), self.mul_add(self.odd(q), self.odd(x), sum[1])]
    }
}

/// Singles in the order of [`Brains`].
#[cfg(target_arch = "x86_64")]
pub(crate) trait Apart: Brains {
    /// Elements 0, 2, 4 … and elements 1, 3, 5 … of `2 · LANES`.
    ///
    /// # Safety
    /// `2 · LANES` elements are readable at `p`.
    unsafe fn load_apart(self, p: *const f32) -> [Self::F; 2];
    /// The same of the elements where [`Brains::load_brains_part`] has them.
    ///
    /// # Safety
    /// As [`Load::load_part`].
    unsafe fn load_apart_part(self, p: *const f32, n: usize, back: bool) -> [Self::F; 2];
}

/// Sums of products of bytes, exact modulo 2³². `T` is `u8` or `i8`.
///
/// Each sum has steps that see a query and a row, a seed that sees the query alone and is
/// computed once a call, and a total that joins them, linear in both: an instruction that multiplies
/// unsigned by signed bytes needs corrections, and this is where they hide.
pub(crate) trait Bytes<T: Copy>: Copy + 'static {
    /// Elements of one step.
    const LANES: usize;
    /// See [`Simd::ROWS`].
    const ROWS: usize;
    /// `LANES` elements, as the steps want them.
    type V: Copy;
    /// Lanes of 32 bits.
    type I: Copy;

    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn token() -> Self;
    /// # Safety
    /// As [`Load::load`].
    unsafe fn load(self, p: *const T) -> Self::V;
    /// # Safety
    /// As [`Load::load_part`].
    unsafe fn load_part(self, p: *const T, n: usize, back: bool) -> Self::V;

    fn zero(self) -> Self::I;
    fn add(self, a: Self::I, b: Self::I) -> Self::I;
    /// The sum of each vector's lanes, modulo 2³².
    fn sums<const N: usize>(self, v: [Self::I; N]) -> [u32; N];

    /// A step of `Σ q·x`.
    fn dot(self, sum: [Self::I; 2], q: Self::V, x: Self::V) -> [Self::I; 2];
    /// The query's part in `Σ q·x`.
    #[inline(always)]
    fn dot_seed(self, seed: Self::I, _q: Self::V) -> Self::I {
        seed
    }
    /// `Σ q·x`.
    #[inline(always)]
    fn dot_total(self, seed: Self::I, sum: [Self::I; 2]) -> Self::I {
        self.add(seed, sum[0])
    }
    /// A step of `Σ (q − x)²`.
    fn diff(self, sum: [Self::I; 2], q: Self::V, x: Self::V) -> [Self::I; 2];
    /// The query's part in `Σ (q − x)²`.
    #[inline(always)]
    fn diff_seed(self, seed: Self::I, _q: Self::V) -> Self::I {
        seed
    }
    /// A step of `Σ (q − x)²` that needs no seed, for a query that is seen once; its total is
    /// `diff_total` of a seed of 0.
    #[inline(always)]
    fn diff_once(self, sum: [Self::I; 2], q: Self::V, x: Self::V) -> [Self::I; 2] {
        self.diff(sum, q, x)
    }
    /// `Σ (q − x)²`.
    #[inline(always)]
    fn diff_total(self, seed: Self::I, sum: [Self::I; 2]) -> Self::I {
        self.add(seed, sum[0])
    }
    /// A step of `Σ x²`.
    #[inline(always)]
    fn norm(self, sum: [Self::I; 2], x: Self::V) -> [Self::I; 2] {
        self.dot(sum, x, x)
    }
    /// `Σ x²`.
    #[inline(always)]
    fn norm_total(self, sum: [Self::I; 2]) -> Self::I {
        sum[0]
    }
}
