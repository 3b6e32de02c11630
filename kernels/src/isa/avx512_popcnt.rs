//! AVX-512 VPOPCNTDQ: `vpopcntq` counts the bits of 64 bytes at once.

use super::avx512;
use super::entry::{entries, ops};
use crate::isa::operations::{Count, Token};
use core::arch::x86_64::*;

/// The token.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Popcnt(());

impl Token for Avx512Popcnt {
    #[inline(always)]
    unsafe fn token() -> Self {
        Self(())
    }
}

entries!(
    Avx512Popcnt,
    #[target_feature(
        enable = "avx2,bmi1,bmi2,fma,f16c,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vpopcntdq"
    )]
);

impl Count for Avx512Popcnt {
    const BYTES: usize = 64;
    type V = __m512i;
    /// Eight lanes of 64 bits.
    type I = __m512i;

    #[inline(always)]
    unsafe fn load(self, p: *const u8) -> __m512i {
        // SAFETY: 64 bytes are readable.
        unsafe { _mm512_loadu_si512(p.cast()) }
    }
    #[inline(always)]
    unsafe fn load_tail(self, p: *const u8, n: usize, _back: bool) -> __m512i {
        // SAFETY: n < 64 bytes are readable, and no others are read.
        unsafe { _mm512_maskz_loadu_epi8(_bzhi_u64(!0, n as u32), p.cast()) }
    }
    ops! {
        fn zero() -> __m512i = _mm512_setzero_si512();
        fn add(a: __m512i, b: __m512i) -> __m512i = _mm512_add_epi64(a, b);
        fn xor(a: __m512i, b: __m512i) -> __m512i = _mm512_xor_si512(a, b);
        fn and(a: __m512i, b: __m512i) -> __m512i = _mm512_and_si512(a, b);
        fn count(sum: __m512i, v: __m512i) -> __m512i =
            _mm512_add_epi64(sum, _mm512_popcnt_epi64(v));
    }
    #[inline(always)]
    fn lane_sums<const N: usize>(self, v: [__m512i; N]) -> [u32; N] {
        // SAFETY: the token. No count reaches 32 bits, so nothing is truncated and the upper halves are 0.
        unsafe {
            match v.as_slice() {
                &[one] => [_mm512_reduce_add_epi64(one) as u32; N],
                _ => avx512::lane_sums_i32(v),
            }
        }
    }
}
