//! The 32 registers of AVX-512 at half their width, for f16 on processors that convert slowly to 512 bits
//! (docs/experiments/025-f16-width.md).

use super::avx2::Avx2;
use super::entry::entries;
use crate::Element;
use crate::isa::operations::{Load, Simd, Token};
use core::arch::x86_64::*;

/// The token, for `N` registers of 256 bits at a time: two for squared L2 that converts one side, else one.
#[derive(Clone, Copy)]
pub(crate) struct HalfWidth<const N: usize> {
    avx2: Avx2,
    one: __m256,
}

entries!(
    HalfWidth<1>,
    #[target_feature(
        enable = "avx2,bmi1,bmi2,fma,f16c,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl"
    )]
);

entries!(
    HalfWidth<2>,
    #[target_feature(
        enable = "avx2,bmi1,bmi2,fma,f16c,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl"
    )]
);

/// Whether this machine, which has AVX-512 BF16, converts slowly to 512 bits. Processors with AVX-512 FP16 (Sapphire
/// Rapids and later) do not.
pub(crate) fn is_faster() -> bool {
    !std::arch::is_x86_feature_detected!("avx512fp16")
}

/// The factor of a subtraction. It is read where the compiler cannot see that it is 1; otherwise the multiplication
/// would vanish.
static ONE: f32 = 1.0;

/// Lanes of 256 bits.
const HALF: usize = <Avx2 as Simd>::LANES;

impl<const N: usize> Token for HalfWidth<N> {
    #[inline(always)]
    unsafe fn token() -> Self {
        // SAFETY: AVX-512 includes AVX2; the static is readable.
        unsafe { Self { avx2: Avx2::token(), one: _mm256_set1_ps((&raw const ONE).read_volatile()) } }
    }
}

impl<const N: usize> Simd for HalfWidth<N> {
    const LANES: usize = N * HALF;
    type F = [__m256; N];

    #[inline(always)]
    fn zero(self) -> [__m256; N] {
        [self.avx2.zero(); N]
    }
    #[inline(always)]
    fn add(self, a: [__m256; N], b: [__m256; N]) -> [__m256; N] {
        let mut out = a;
        for i in 0..N {
            out[i] = self.avx2.add(a[i], b[i]);
        }
        out
    }
    /// The last register is subtracted by a multiply-add. Conversion and subtraction share two ports; multiplication
    /// has two others.
    #[inline(always)]
    fn sub(self, a: [__m256; N], b: [__m256; N]) -> [__m256; N] {
        let mut out = a;
        for i in 0..N - 1 {
            out[i] = self.avx2.sub(a[i], b[i]);
        }
        // SAFETY: the token.
        out[N - 1] = unsafe { _mm256_fmsub_ps(a[N - 1], self.one, b[N - 1]) };
        out
    }
    #[inline(always)]
    fn mul_add(self, a: [__m256; N], b: [__m256; N], c: [__m256; N]) -> [__m256; N] {
        let mut out = c;
        for i in 0..N {
            out[i] = self.avx2.mul_add(a[i], b[i], c[i]);
        }
        out
    }
    #[inline(always)]
    fn keep_last(self, v: [__m256; N], n: usize) -> [__m256; N] {
        let keep = !0_u32 << (Self::LANES - n);
        let mut out = v;
        for i in 0..N {
            // SAFETY: the token.
            out[i] = unsafe { _mm256_maskz_mov_ps((keep >> (HALF * i)) as u8, v[i]) };
        }
        out
    }
    #[inline(always)]
    fn lane_sums<const M: usize>(self, v: [[__m256; N]; M]) -> [f32; M] {
        let mut whole = [self.avx2.zero(); M];
        for k in 0..M {
            whole[k] = v[k][0];
            for i in 1..N {
                whole[k] = self.avx2.add(whole[k], v[k][i]);
            }
        }
        let mut out = [0.0; M];
        let (fours, tail) = out.as_chunks_mut::<4>();
        let (sums, single) = whole.as_chunks::<4>();
        for (out, v) in fours.iter_mut().zip(sums) {
            *out = self.avx2.lane_sums(*v);
        }
        for (out, v) in tail.iter_mut().zip(single) {
            [*out] = self.avx2.lane_sums([*v]);
        }
        out
    }
}

// No elements that share a byte: `load` counts in whole elements.
impl<T: Element, const N: usize> Load<T> for HalfWidth<N>
where
    Avx2: Load<T>,
{
    #[inline(always)]
    unsafe fn load(self, p: *const T) -> [__m256; N] {
        let mut out = [self.avx2.zero(); N];
        for i in 0..N {
            // SAFETY: N times `HALF` elements are readable.
            out[i] = unsafe { self.avx2.load(p.add(HALF * i)) };
        }
        out
    }
}
