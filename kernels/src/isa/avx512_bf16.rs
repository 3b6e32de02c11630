//! AVX-512 BF16: `vdpbf16ps` sums products of bf16, two to a lane. It takes subnormal elements and sums for 0. All else
//! is plain AVX-512.

use super::avx512::Avx512;
use super::entry::{entries, ops};
use crate::isa::operations::{Bf16Vectors, Simd};
use core::arch::x86_64::*;
use half::bf16;

/// The token.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Bf16(Avx512);

entries!(
    Avx512Bf16,
    #[target_feature(
        enable = "avx2,bmi1,bmi2,fma,f16c,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16"
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
    fn lane_sums<const N: usize>(self, v: [__m512; N]) -> [f32; N] {
        self.0.lane_sums(v)
    }
}

impl Bf16Vectors for Avx512Bf16 {
    type B = __m512i;

    #[inline(always)]
    unsafe fn load_bf16(self, p: *const bf16) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { self.0.load_bf16(p) }
    }
    #[inline(always)]
    unsafe fn load_bf16_tail(self, p: *const bf16, n: usize, back: bool) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { self.0.load_bf16_tail(p, n, back) }
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
        fn dot_bf16(sum: __m512, q: __m512i, x: __m512i) -> __m512 = {
            // A cast of the same bits, which bytemuck does not offer for `__m512bh`.
            let (q, x) = (core::mem::transmute::<__m512i, __m512bh>(q), core::mem::transmute::<__m512i, __m512bh>(x));
            _mm512_dpbf16_ps(sum, q, x)
        };
    }
    #[inline(always)]
    fn dot_bf16_two(self, sum: [__m512; 2], q: __m512i, x: __m512i) -> [__m512; 2] {
        [self.dot_bf16(sum[0], q, x), sum[1]]
    }
}
