//! Prefetches: hints to the memory system, which change nothing but time.

/// Bytes of a cache line.
pub(crate) const LINE: usize = 64;

/// Prefetches the first line of what `place` refers to.
#[inline]
pub fn prefetch_ref<T>(place: &T) {
    line(core::ptr::from_ref(place).cast());
}

/// Prefetches the line that holds `address`, which need not be readable.
#[inline(always)]
pub(crate) fn line(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults, whatever the address.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a prefetch never faults, whatever the address.
    unsafe {
        core::arch::asm!("prfm pldl1keep, [{0}]", in(reg) address, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = address;
}
