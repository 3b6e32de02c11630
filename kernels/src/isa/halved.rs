//! AVX-512's thirty-two registers at half their width, for half precision on processors that widen
//! sixteen elements to 512 bits in four times the time that eight take to 256 (Zen 4: two cycles, and
//! half of one).

use super::avx2::Avx2;
use super::entry::entries;
use crate::op::{Load, Simd};
use core::arch::x86_64::__m256;

/// The token.
#[derive(Clone, Copy)]
pub(crate) struct Halved(Avx2);

entries!(
    Halved,
    #[target_feature(
        enable = "avx2,bmi1,bmi2,fma,f16c,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl"
    )]
);

/// Whether this machine, which has AVX-512 BF16, is such a one. Those that compute in half precision too
/// (Sapphire Rapids and later) widen sixteen in twice the time of eight, and multiply sixteen at once.
pub(crate) fn pays() -> bool {
    !std::arch::is_x86_feature_detected!("avx512fp16")
}

impl Simd for Halved {
    const LANES: usize = Avx2::LANES;
    const ROWS: usize = 8;
    type F = __m256;

    #[inline(always)]
    unsafe fn token() -> Self {
        // SAFETY: AVX-512 includes AVX2.
        Self(unsafe { <Avx2 as Simd>::token() })
    }
    #[inline(always)]
    fn zero(self) -> __m256 {
        self.0.zero()
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        self.0.add(a, b)
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        self.0.sub(a, b)
    }
    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        self.0.mul_add(a, b, c)
    }
    #[inline(always)]
    fn keep_last(self, v: __m256, n: usize) -> __m256 {
        self.0.keep_last(v, n)
    }
    #[inline(always)]
    fn sums<const N: usize>(self, v: [__m256; N]) -> [f32; N] {
        let mut out = [0.0; N];
        let (fours, rest) = out.as_chunks_mut::<4>();
        let (sums, single) = v.as_chunks::<4>();
        for (out, v) in fours.iter_mut().zip(sums) {
            *out = self.0.sums(*v);
        }
        for (out, v) in rest.iter_mut().zip(single) {
            [*out] = self.0.sums([*v]);
        }
        out
    }
}

impl<T: Copy> Load<T> for Halved
where
    Avx2: Load<T>,
{
    const BACK: bool = <Avx2 as Load<T>>::BACK;

    #[inline(always)]
    unsafe fn at(row: *const T, i: usize) -> *const T {
        // SAFETY: the caller's promise.
        unsafe { <Avx2 as Load<T>>::at(row, i) }
    }
    #[inline(always)]
    unsafe fn load(self, p: *const T) -> __m256 {
        // SAFETY: the caller's promise.
        unsafe { self.0.load(p) }
    }
    #[inline(always)]
    unsafe fn load_part(self, p: *const T, n: usize, back: bool) -> __m256 {
        // SAFETY: the caller's promise.
        unsafe { self.0.load_part(p, n, back) }
    }
}
