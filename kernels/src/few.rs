//! Copies of fewer bytes than a vector has, without a call: one of `memcpy` in a kernel's
//! rarest branch makes every call of the kernel save registers for it.

/// Copies `n < 64` bytes: the first and the last of a power of two, which may overlap.
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
