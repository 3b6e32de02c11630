//! AVX-512's thirty-two registers at half their width, for half precision on processors that widen
//! sixteen elements to 512 bits in four times the time that eight take to 256 (Zen 4: two cycles, and
//! half of one).

use super::avx2::Avx2;
use super::entry::entries;
use crate::Element;
use crate::op::{Load, Simd};
use core::arch::x86_64::*;

/// The token, for `N` halves at a time: two for squared distances of what widens one side, one elsewhere.
#[derive(Clone, Copy)]
pub(crate) struct Halved<const N: usize> {
    half: Avx2,
    one: __m256,
}

entries!(
    Halved<1>,
    #[target_feature(
        enable = "avx2,bmi1,bmi2,fma,f16c,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl"
    )]
);

entries!(
    Halved<2>,
    #[target_feature(
        enable = "avx2,bmi1,bmi2,fma,f16c,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl"
    )]
);

/// Whether this machine, which has AVX-512 BF16, is such a one. Those that compute in half precision too
/// (Sapphire Rapids and later) widen sixteen in twice the time of eight, and multiply sixteen at once.
pub(crate) fn pays() -> bool {
    !std::arch::is_x86_feature_detected!("avx512fp16")
}

/// What a subtraction multiplies by: read where the compiler cannot see that it is 1, or it would subtract
/// without.
static ONE: f32 = 1.0;

/// Lanes of a half.
const HALF: usize = <Avx2 as Simd>::LANES;

impl<const N: usize> Simd for Halved<N> {
    const LANES: usize = N * HALF;
    const ROWS: usize = 8;
    type F = [__m256; N];

    #[inline(always)]
    unsafe fn token() -> Self {
        // SAFETY: AVX-512 includes AVX2; the static is readable.
        unsafe { Self { half: <Avx2 as Simd>::token(), one: _mm256_set1_ps((&raw const ONE).read_volatile()) } }
    }
    #[inline(always)]
    fn zero(self) -> [__m256; N] {
        [self.half.zero(); N]
    }
    #[inline(always)]
    fn add(self, a: [__m256; N], b: [__m256; N]) -> [__m256; N] {
        let mut out = a;
        for i in 0..N {
            out[i] = self.half.add(a[i], b[i]);
        }
        out
    }
    /// Widening and subtracting share two ports; multiplying has two others, so the last half is subtracted
    /// there.
    #[inline(always)]
    fn sub(self, a: [__m256; N], b: [__m256; N]) -> [__m256; N] {
        let mut out = a;
        for i in 0..N - 1 {
            out[i] = self.half.sub(a[i], b[i]);
        }
        // SAFETY: the token.
        out[N - 1] = unsafe { _mm256_fmsub_ps(a[N - 1], self.one, b[N - 1]) };
        out
    }
    #[inline(always)]
    fn mul_add(self, a: [__m256; N], b: [__m256; N], c: [__m256; N]) -> [__m256; N] {
        let mut out = c;
        for i in 0..N {
            out[i] = self.half.mul_add(a[i], b[i], c[i]);
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
    fn sums<const M: usize>(self, v: [[__m256; N]; M]) -> [f32; M] {
        let mut whole = [self.half.zero(); M];
        for k in 0..M {
            whole[k] = v[k][0];
            for i in 1..N {
                whole[k] = self.half.add(whole[k], v[k][i]);
            }
        }
        let mut out = [0.0; M];
        let (fours, rest) = out.as_chunks_mut::<4>();
        let (sums, single) = whole.as_chunks::<4>();
        for (out, v) in fours.iter_mut().zip(sums) {
            *out = self.half.sums(*v);
        }
        for (out, v) in rest.iter_mut().zip(single) {
            [*out] = self.half.sums([*v]);
        }
        out
    }
}

// No elements that share a byte: they would be looked for where they are not.
impl<T: Element, const N: usize> Load<T> for Halved<N>
where
    Avx2: Load<T>,
{
    #[inline(always)]
    unsafe fn load(self, p: *const T) -> [__m256; N] {
        let mut out = [self.half.zero(); N];
        for i in 0..N {
            // SAFETY: N halves are readable.
            out[i] = unsafe { self.half.load(p.add(HALF * i)) };
        }
        out
    }
}
