//! POPCNT alone: bits by words of eight bytes, for rows too short to fill a vector of AVX2.

use super::entry::entries;
use crate::few;
use crate::op::Count;

/// The token: a part of [`Avx2`](super::avx2::Avx2).
#[derive(Clone, Copy)]
pub(crate) struct Popcnt(());

entries!(Popcnt, #[target_feature(enable = "popcnt")]);

impl Count for Popcnt {
    const BYTES: usize = 8;
    type V = u64;
    type I = u64;

    #[inline(always)]
    unsafe fn token() -> Self {
        Self(())
    }
    #[inline(always)]
    unsafe fn load(self, p: *const u8) -> u64 {
        // SAFETY: eight bytes are readable.
        unsafe { p.cast::<u64>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn load_part(self, p: *const u8, n: usize, back: bool) -> u64 {
        // SAFETY: with `back`, the last eight bytes of the row; else n < 8.
        unsafe {
            if back { p.sub(8 - n).cast::<u64>().read_unaligned() >> (8 * (8 - n)) } else { few::word(p, n) as u64 }
        }
    }
    #[inline(always)]
    fn zero(self) -> u64 {
        0
    }
    #[inline(always)]
    fn add(self, a: u64, b: u64) -> u64 {
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
    fn count(self, sum: u64, v: u64) -> u64 {
        sum + u64::from(v.count_ones())
    }
    #[inline(always)]
    fn sums<const N: usize>(self, v: [u64; N]) -> [u32; N] {
        // No count reaches 32 bits.
        v.map(|sum| sum as u32)
    }
}
