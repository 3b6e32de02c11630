//! AVX-512 BF16 and VPOPCNTDQ: `vdpbf16ps` adds up products of bfloats, two to a lane (it
//! takes subnormal bfloats for 0); `vpopcntq` counts bits. Everything else is plain AVX-512.

use super::avx512::{self, Avx512};
use super::entry::{entries, ops};
use crate::op::{Brains, Count, Simd};
use core::arch::x86_64::*;
use half::bf16;

/// The token.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Bf16(Avx512);

entries!(
    Avx512Bf16,
    #[target_feature(
        enable = "avx2,bmi1,bmi2,fma,f16c,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16,avx512vpopcntdq"
    )]
);

impl Simd for Avx512Bf16 {
    const LANES: usize = Avx512::LANES;
    const ROWS: usize = Avx512::ROWS;
    type F = __m512;

    #[inline(always)]
    unsafe fn token() -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { Avx512::token() })
    }
    ops! {
        fn zero() -> __m512 = _mm512_setzero_ps();
        fn add(a: __m512, b: __m512) -> __m512 = _mm512_add_ps(a, b);
        fn sub(a: __m512, b: __m512) -> __m512 = _mm512_sub_ps(a, b);
        fn mul_add(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fmadd_ps(a, b, c);
    }
    #[inline(always)]
    fn keep_last(self, v: __m512, n: usize) -> __m512 {
        self.0.keep_last(v, n)
    }
    #[inline(always)]
    fn sums<const N: usize>(self, v: [__m512; N]) -> [f32; N] {
        self.0.sums(v)
    }
}

impl Brains for Avx512Bf16 {
    type B = __m512i;

    #[inline(always)]
    unsafe fn load_brains(self, p: *const bf16) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { self.0.load_brains(p) }
    }
    #[inline(always)]
    unsafe fn load_brains_part(self, p: *const bf16, n: usize, back: bool) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { self.0.load_brains_part(p, n, back) }
    }
    #[inline(always)]
    fn even(self, v: __m512i) -> __m512 {
        self.0.even(v)
    }
    #[inline(always)]
    fn odd(self, v: __m512i) -> __m512 {
        self.0.odd(v)
    }
    ops! {
        fn dot_brains(sum: __m512, q: __m512i, x: __m512i) -> __m512 = {
            // The same bits under another name; bytemuck knows neither.
            let (q, x) = (core::mem::transmute::<__m512i, __m512bh>(q), core::mem::transmute::<__m512i, __m512bh>(x));
            _mm512_dpbf16_ps(sum, q, x)
        };
    }
    #[inline(always)]
    fn dot_two_brains(self, sum: [__m512; 2], q: __m512i, x: __m512i) -> [__m512; 2] {
        [self.dot_brains(sum[0], q, x), sum[1]]
    }
}

impl Count for Avx512Bf16 {
    const BYTES: usize = 64;
    type V = __m512i;
    /// Eight lanes of 64 bits.
    type I = __m512i;

    #[inline(always)]
    unsafe fn token() -> Self {
        // SAFETY: the caller's promise.
        unsafe { <Self as Simd>::token() }
    }
    #[inline(always)]
    unsafe fn load(self, p: *const u8) -> __m512i {
        // SAFETY: 64 bytes are readable.
        unsafe { _mm512_loadu_si512(p.cast()) }
    }
    #[inline(always)]
    unsafe fn load_part(self, p: *const u8, n: usize, _back: bool) -> __m512i {
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
    fn sums<const N: usize>(self, v: [__m512i; N]) -> [u32; N] {
        // SAFETY: the token. No count reaches 32 bits: one row's is cut to them, and of many
        // the upper halves add zeroes.
        unsafe {
            match v.as_slice() {
                &[one] => [_mm512_reduce_add_epi64(one) as u32; N],
                _ => avx512::sums_i32(v),
            }
        }
    }
}
