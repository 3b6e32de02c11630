//! Reads of fewer bytes than a vector, without a call. A call of `memcpy` in a rare branch makes every call of the
//! kernel save registers (docs/experiments/029-short-tails.md).

/// Copies `n < 64` bytes as two pieces of a power of two, which may overlap.
///
/// # Safety
/// `n` bytes are readable at `from` and writable at `to`, and the two do not overlap.
#[inline(always)]
pub(crate) unsafe fn copy(from: *const u8, to: *mut u8, n: usize) {
    debug_assert!(n < 64, "more than twice the largest piece");
    macro_rules! pieces {
        ($($size:literal)*) => {$(
            if n >= $size {
                // SAFETY: $size <= n: both pieces lie inside.
                unsafe {
                    let last = from.add(n - $size).cast::<[u8; $size]>().read();
                    to.cast::<[u8; $size]>().write(from.cast::<[u8; $size]>().read());
                    to.add(n - $size).cast::<[u8; $size]>().write(last);
                }
                return;
            }
        )*};
    }
    pieces!(32 16 8 4 2 1);
}

/// `n < 16` bytes, the first in the lowest bits, and zeros. A vector load from memory would wait for the smaller writes
/// before it.
///
/// # Safety
/// `n` bytes are readable at `from`.
#[inline(always)]
pub(crate) unsafe fn word(from: *const u8, n: usize) -> u128 {
    debug_assert!(n < 16, "more than the word holds");
    // SAFETY: pieces of n bytes or fewer, all inside.
    unsafe {
        if n >= 8 {
            let [first, last] = [0, n - 8].map(|at| u64::from_le(from.add(at).cast::<u64>().read_unaligned()));
            u128::from(first) | u128::from(last) << (8 * (n - 8))
        } else if n >= 4 {
            let [first, last] = [0, n - 4].map(|at| u32::from_le(from.add(at).cast::<u32>().read_unaligned()));
            u128::from(u64::from(first) | u64::from(last) << (8 * (n - 4)))
        } else if n > 0 {
            let [first, middle, last] = [0, n / 2, n - 1].map(|i| u32::from(*from.add(i)) << (8 * i));
            u128::from(first | middle | last)
        } else {
            0
        }
    }
}
