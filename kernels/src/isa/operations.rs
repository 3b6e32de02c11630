//! What an instruction set must offer: vectors of `f32`, loads of each element type into them, and sums of products of
//! bytes.
//!
//! A value of a type that implements [`Token`] exists only where the CPU was found to have the instructions. That makes
//! the operations safe to call.

use crate::loops::short_tail;

/// An instruction set that the CPU has.
pub(crate) trait Token: Copy + 'static {
    /// # Safety
    /// The CPU has the instruction set.
    unsafe fn token() -> Self;
}

/// A vector of `f32` and its arithmetic.
pub(crate) trait Simd: Token {
    /// Lanes of one vector.
    const LANES: usize;
    /// A vector of `LANES` times `f32`.
    type F: Copy;

    fn zero(self) -> Self::F;
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a · b + c`, in one rounding where the instruction set can.
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// Keeps the last `n` lanes and clears the others, whatever was in them.
    fn keep_last(self, v: Self::F, n: usize) -> Self::F;
    /// The sum of each vector's lanes.
    fn lane_sums<const N: usize>(self, v: [Self::F; N]) -> [f32; N];
}

/// Reads elements of type `T` as `f32`. Every conversion is exact, subnormals included.
pub(crate) trait Load<T: Copy>: Simd {
    /// Whether a tail may be read by a load that looks back; elements that share a byte may not.
    const BACK: bool = true;

    /// The address of element `i` of a row.
    ///
    /// # Safety
    /// The row has element `i`. Where elements share a byte, `i` is a multiple of `LANES`.
    #[inline(always)]
    unsafe fn at(row: *const T, i: usize) -> *const T {
        // SAFETY: the caller's promise.
        unsafe { row.add(i) }
    }

    /// # Safety
    /// `Self::LANES` elements are readable at `p`, which may have any alignment.
    unsafe fn load(self, p: *const T) -> Self::F;

    /// The `n < LANES` elements at `p`, and zeros. Their order depends on `n` and `back` alone. `back` says that the
    /// elements before `p` belong to the row and fill a vector.
    ///
    /// # Safety
    /// `n` elements are readable at `p`; with `back` also the `LANES − n` before.
    #[inline(always)]
    unsafe fn load_tail(self, p: *const T, n: usize, back: bool) -> Self::F {
        if back {
            // SAFETY: the last LANES elements of the row, which `back` says it has.
            return self.keep_last(unsafe { self.load(p.sub(Self::LANES - n)) }, n);
        }
        const { assert!(Self::LANES * size_of::<T>() <= 64, "more than `short_tail::copy` takes") };
        let mut whole = core::mem::MaybeUninit::<[T; 64]>::zeroed();
        // SAFETY: n < LANES elements are readable, less than 64 bytes; zeros are values of every T.
        unsafe {
            short_tail::copy(p.cast(), whole.as_mut_ptr().cast(), n * size_of::<T>());
            self.load(whole.as_ptr().cast())
        }
    }
}

/// Elements of `BITS` bits, several to a byte, the first in the lowest bits.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Packed<const BITS: usize>(u8);

/// Population counts of bytes.
pub(crate) trait Count: Token {
    /// Bytes of one step.
    const BYTES: usize;
    type V: Copy;
    /// Counts.
    type I: Copy;

    /// # Safety
    /// As [`Load::load`].
    unsafe fn load(self, p: *const u8) -> Self::V;
    /// # Safety
    /// As [`Load::load_tail`].
    unsafe fn load_tail(self, p: *const u8, n: usize, back: bool) -> Self::V;
    fn zero(self) -> Self::I;
    fn add(self, a: Self::I, b: Self::I) -> Self::I;
    fn xor(self, a: Self::V, b: Self::V) -> Self::V;
    fn and(self, a: Self::V, b: Self::V) -> Self::V;
    /// Adds the number of bits that are set.
    fn count(self, sum: Self::I, v: Self::V) -> Self::I;
    fn lane_sums<const N: usize>(self, v: [Self::I; N]) -> [u32; N];
}

/// Vectors of bf16, two elements to a lane of 32 bits. The upper element is an `f32` once the lower is cleared; the
/// lower one is after a shift. This is half the work of a conversion to vectors of `f32`.
#[cfg(target_arch = "x86_64")]
pub(crate) trait Bf16Vectors: Simd {
    /// A vector of `2 · LANES` times bf16.
    type B: Copy;

    /// # Safety
    /// `2 · LANES` elements are readable at `p`.
    unsafe fn load_bf16(self, p: *const half::bf16) -> Self::B;
    /// # Safety
    /// As [`Load::load_tail`].
    unsafe fn load_bf16_tail(self, p: *const half::bf16, n: usize, back: bool) -> Self::B;
    /// Elements 0, 2, 4 …
    fn even(self, v: Self::B) -> Self::F;
    /// Elements 1, 3, 5 …
    fn odd(self, v: Self::B) -> Self::F;
    /// A step of `Σ q·x`.
    #[inline(always)]
    fn dot_bf16(self, sum: Self::F, q: Self::B, x: Self::B) -> Self::F {
        let even = self.mul_add(self.even(q), self.even(x), sum);
        self.mul_add(self.odd(q), self.odd(x), even)
    }
    /// The same over two accumulators, whose sum is `Σ q·x`.
    #[inline(always)]
    fn dot_bf16_two(self, sum: [Self::F; 2], q: Self::B, x: Self::B) -> [Self::F; 2] {
        [self.mul_add(self.even(q), self.even(x), sum[0]), self.mul_add(self.odd(q), self.odd(x), sum[1])]
    }
}

/// Loads of `f32` in the order of [`Bf16Vectors`].
#[cfg(target_arch = "x86_64")]
pub(crate) trait Deinterleave: Bf16Vectors {
    /// Elements 0, 2, 4 … and elements 1, 3, 5 … of `2 · LANES`.
    ///
    /// # Safety
    /// `2 · LANES` elements are readable at `p`.
    unsafe fn load_deinterleaved(self, p: *const f32) -> [Self::F; 2];
    /// The same for a tail, in the positions of [`Bf16Vectors::load_bf16_tail`].
    ///
    /// # Safety
    /// As [`Load::load_tail`].
    unsafe fn load_deinterleaved_tail(self, p: *const f32, n: usize, back: bool) -> [Self::F; 2];
}

/// Sums of products of bytes, exact modulo 2³². `T` is `u8` or `i8`.
///
/// A sum has two parts, of which `total` makes one. Most instruction sets use the first alone.
pub(crate) trait Bytes<T: Copy>: Token {
    /// Elements of one step.
    const LANES: usize;
    /// Whether `Σ q·x` and `Σ (q − x)²` lack what the query alone adds to them, because the instructions multiply
    /// unsigned by signed bytes. The query's `Σ q²` has both: the first lacks its second part, and the second its first.
    const CORRECTED: bool = false;
    /// `LANES` elements, in the form that the steps take.
    type V: Copy;
    /// Lanes of 32 bits.
    type I: Copy;

    /// # Safety
    /// As [`Load::load`].
    unsafe fn load(self, p: *const T) -> Self::V;
    /// # Safety
    /// As [`Load::load_tail`].
    unsafe fn load_tail(self, p: *const T, n: usize, back: bool) -> Self::V;

    fn zero(self) -> Self::I;
    fn add(self, a: Self::I, b: Self::I) -> Self::I;
    /// The sum of each vector's lanes, modulo 2³².
    fn lane_sums<const N: usize>(self, v: [Self::I; N]) -> [u32; N];

    /// A step of `Σ q·x`.
    fn dot(self, sum: [Self::I; 2], q: Self::V, x: Self::V) -> [Self::I; 2];
    /// A step of `Σ (q − x)²`.
    fn diff(self, sum: [Self::I; 2], q: Self::V, x: Self::V) -> [Self::I; 2];
    /// The same for a pair. It lacks nothing.
    #[inline(always)]
    fn diff_pair(self, sum: [Self::I; 2], q: Self::V, x: Self::V) -> [Self::I; 2] {
        self.diff(sum, q, x)
    }
    /// A step of `Σ x²`. It lacks nothing.
    #[inline(always)]
    fn norm(self, sum: [Self::I; 2], x: Self::V) -> [Self::I; 2] {
        self.dot(sum, x, x)
    }
    /// A sum from its parts.
    #[inline(always)]
    fn total(self, sum: [Self::I; 2]) -> Self::I {
        sum[0]
    }
}

/// Sums over 4-bit codes, two to a byte, and query values of 8 bits. All are exact, in the lanes that sums of bytes have.
///
/// A step takes [`Self::BYTES`] bytes of a row, and of the query as many values for the lower codes, then as many for the
/// upper ones.
pub(crate) trait Nibbles: Bytes<u8> {
    /// Bytes of a row in one step.
    const BYTES: usize;
    /// The bytes of one step.
    type N: Copy;

    /// # Safety
    /// `BYTES` bytes are readable at `p`.
    unsafe fn load_nibbles(self, p: *const u8) -> Self::N;
    /// The `n < BYTES` bytes at `p`, and zeros.
    ///
    /// # Safety
    /// `n` bytes are readable at `p`.
    unsafe fn load_nibbles_tail(self, p: *const u8, n: usize) -> Self::N;

    /// A step of `Σ q·c`, for `q` from −127 to 127.
    fn dot_nibbles(self, sum: Self::I, q: [Self::N; 2], x: Self::N) -> Self::I;
    /// A step of `Σ (q − 8 c)²`, for `q` from 0 to 127.
    fn diff_nibbles(self, sum: Self::I, q: [Self::N; 2], x: Self::N) -> Self::I;
}
