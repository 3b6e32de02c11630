//! AVX2 with FMA and F16C: eight lanes of f32, sixteen bytes widened to 16 bits.

use super::entry::{entries, loads, ops, packed};
use crate::isa::operations::{Bf16Vectors, Bytes, Count, Load, Simd, Token};
use crate::loops::short_tail;
use core::arch::x86_64::*;
use half::{bf16, f16};

pulp::simd_type! {
    /// The features that [`Avx2`] stands for.
    pub(crate) struct Features {
        pub sse3: "sse3",
        pub ssse3: "ssse3",
        pub sse4_1: "sse4.1",
        pub sse4_2: "sse4.2",
        pub popcnt: "popcnt",
        pub avx: "avx",
        pub avx2: "avx2",
        pub bmi1: "bmi1",
        pub bmi2: "bmi2",
        pub fma: "fma",
        pub f16c: "f16c",
        pub lzcnt: "lzcnt",
    }
}

/// The token.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(Features);

impl Token for Avx2 {
    #[inline(always)]
    unsafe fn token() -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { Features::new_unchecked() })
    }
}

entries!(
    Avx2,
    #[target_feature(
        enable = "sse3,ssse3,sse4.1,sse4.2,popcnt,avx,avx2,bmi1,bmi2,fma,f16c,lzcnt"
    )]
);

/// Eight lanes cleared, then eight set. A load at lane n keeps the last n of eight.
static KEEP: [u32; 16] = [0, 0, 0, 0, 0, 0, 0, 0, !0, !0, !0, !0, !0, !0, !0, !0];

impl Simd for Avx2 {
    const LANES: usize = 8;
    type F = __m256;

    ops! {
        fn zero() -> __m256 = _mm256_setzero_ps();
        fn add(a: __m256, b: __m256) -> __m256 = _mm256_add_ps(a, b);
        fn sub(a: __m256, b: __m256) -> __m256 = _mm256_sub_ps(a, b);
        fn mul_add(a: __m256, b: __m256, c: __m256) -> __m256 = _mm256_fmadd_ps(a, b, c);
        // n <= 8: the load lies inside.
        fn keep_last(v: __m256, n: usize) -> __m256 =
            _mm256_and_ps(v, _mm256_loadu_ps(KEEP.as_ptr().add(n).cast()));
    }
    #[inline(always)]
    fn lane_sums<const N: usize>(self, v: [__m256; N]) -> [f32; N] {
        let mut out = [0.0; N];
        // SAFETY: the token; four sums are written where N is 4.
        unsafe {
            if N == 4 {
                let ab = _mm256_hadd_ps(v[0], v[1]);
                let cd = _mm256_hadd_ps(v[2], v[3]);
                let abcd = _mm256_hadd_ps(ab, cd);
                let sum = _mm_add_ps(_mm256_castps256_ps128(abcd), _mm256_extractf128_ps::<1>(abcd));
                _mm_storeu_ps(out.as_mut_ptr(), sum);
            } else {
                for i in 0..N {
                    let v = _mm_add_ps(_mm256_castps256_ps128(v[i]), _mm256_extractf128_ps::<1>(v[i]));
                    let v = _mm_add_ps(v, _mm_movehl_ps(v, v));
                    out[i] = _mm_cvtss_f32(_mm_add_ss(v, _mm_movehdup_ps(v)));
                }
            }
        }
        out
    }
}

impl Load<f32> for Avx2 {
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> __m256 {
        // SAFETY: eight elements are readable.
        unsafe { _mm256_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn load_tail(self, p: *const f32, n: usize, back: bool) -> __m256 {
        // SAFETY: with `back`, the last eight elements of the row; else n, and no others are read.
        unsafe {
            if back {
                return self.keep_last(_mm256_loadu_ps(p.sub(8 - n)), n);
            }
            let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            _mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), lanes))
        }
    }
}

loads! { Avx2:
    f16, |p| _mm256_cvtph_ps(_mm_loadu_si128(p.cast()));
    bf16, |p| {
        // The load repeats the eight elements in both halves of the register. One shuffle moves each to its lane.
        let both = _mm256_broadcastsi128_si256(_mm_loadu_si128(p.cast()));
        let upper = _mm256_setr_epi8(
            -1, -1, 0, 1, -1, -1, 2, 3, -1, -1, 4, 5, -1, -1, 6, 7,
            -1, -1, 8, 9, -1, -1, 10, 11, -1, -1, 12, 13, -1, -1, 14, 15,
        );
        _mm256_castsi256_ps(_mm256_shuffle_epi8(both, upper))
    };
    u8, |p| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(p.cast())));
    i8, |p| _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(p.cast())));
}

/// The sum of each vector's lanes.
#[inline(always)]
pub(super) unsafe fn lane_sums_i32<const N: usize>(v: [__m256i; N]) -> [u32; N] {
    let mut out = [0; N];
    // SAFETY: the caller has AVX2; four sums are written where N is 4.
    unsafe {
        if N == 4 {
            let ab = _mm256_hadd_epi32(v[0], v[1]);
            let cd = _mm256_hadd_epi32(v[2], v[3]);
            let abcd = _mm256_hadd_epi32(ab, cd);
            let sum = _mm_add_epi32(_mm256_castsi256_si128(abcd), _mm256_extracti128_si256::<1>(abcd));
            _mm_storeu_si128(out.as_mut_ptr().cast(), sum);
        } else {
            for i in 0..N {
                let v = _mm_add_epi32(_mm256_castsi256_si128(v[i]), _mm256_extracti128_si256::<1>(v[i]));
                let v = _mm_add_epi32(v, _mm_unpackhi_epi64(v, v));
                let v = _mm_add_epi32(v, _mm_shuffle_epi32::<1>(v));
                out[i] = _mm_cvtsi128_si32(v).cast_unsigned();
            }
        }
    }
    out
}

macro_rules! bytes {
    ($($type:ty, $widen:ident;)*) => {$(
        impl Bytes<$type> for Avx2 {
            const LANES: usize = 16;
            type V = __m256i;
            type I = __m256i;

            #[inline(always)]
            unsafe fn load(self, p: *const $type) -> __m256i {
                // SAFETY: sixteen elements are readable.
                unsafe { $widen(_mm_loadu_si128(p.cast())) }
            }
            #[inline(always)]
            unsafe fn load_tail(self, p: *const $type, n: usize, back: bool) -> __m256i {
                // SAFETY: the caller's promise, and the token.
                unsafe { $widen(tail16(p.cast(), n, back)) }
            }
            ops! {
                fn zero() -> __m256i = _mm256_setzero_si256();
                fn add(a: __m256i, b: __m256i) -> __m256i = _mm256_add_epi32(a, b);
                fn dot(sum: [__m256i; 2], q: __m256i, x: __m256i) -> [__m256i; 2] =
                    [_mm256_add_epi32(sum[0], _mm256_madd_epi16(q, x)), sum[1]];
                fn diff(sum: [__m256i; 2], q: __m256i, x: __m256i) -> [__m256i; 2] = {
                    let d = _mm256_sub_epi16(q, x);
                    [_mm256_add_epi32(sum[0], _mm256_madd_epi16(d, d)), sum[1]]
                };
            }
            #[inline(always)]
            fn lane_sums<const N: usize>(self, v: [__m256i; N]) -> [u32; N] {
                // SAFETY: the token.
                unsafe { lane_sums_i32(v) }
            }
        }
    )*};
}

bytes! {
    u8, _mm256_cvtepu8_epi16;
    i8, _mm256_cvtepi8_epi16;
}

/// 32 bytes cleared, then 32 set. A load at a byte offset keeps the last of 16 or 32.
pub(super) static KEEP_BYTES: [u8; 64] = {
    let mut keep = [0; 64];
    let mut i = 32;
    while i < 64 {
        keep[i] = !0;
        i += 1;
    }
    keep
};

/// `n < 16` bytes at `p` and zeros; see `Load::load_tail`.
#[inline(always)]
unsafe fn tail16(p: *const u8, n: usize, back: bool) -> __m128i {
    // SAFETY: with `back`, the last sixteen bytes of the row; else n.
    unsafe {
        if back {
            let v = _mm_loadu_si128(p.sub(16 - n).cast());
            _mm_and_si128(v, _mm_loadu_si128(KEEP_BYTES.as_ptr().add(16 + n).cast()))
        } else {
            short16(p, n)
        }
    }
}

/// `n < 16` bytes at `p` and zeros.
#[inline(always)]
unsafe fn short16(p: *const u8, n: usize) -> __m128i {
    // SAFETY: the caller's promise.
    unsafe {
        let word = short_tail::word(p, n);
        _mm_set_epi64x((word >> 64) as i64, word as i64)
    }
}

/// `n < 32` bytes at `p` and zeros; see `Load::load_tail`.
#[inline(always)]
pub(super) unsafe fn tail32(p: *const u8, n: usize, back: bool) -> __m256i {
    // SAFETY: with `back`, the last 32 bytes of the row; else n bytes, or of 16 and more the first sixteen and the last
    // sixteen.
    unsafe {
        if back {
            let v = _mm256_loadu_si256(p.sub(32 - n).cast());
            _mm256_and_si256(v, _mm256_loadu_si256(KEEP_BYTES.as_ptr().add(n).cast()))
        } else {
            match n.checked_sub(16) {
                None => _mm256_zextsi128_si256(short16(p, n)),
                Some(more) => _mm256_set_m128i(tail16(p.add(16), more, true), _mm_loadu_si128(p.cast())),
            }
        }
    }
}

/// `n < 32` bytes at `p` in their order, and zeros.
#[inline(always)]
pub(super) unsafe fn first32(p: *const u8, n: usize) -> __m256i {
    // SAFETY: n bytes are read, and no others.
    unsafe {
        match n.checked_sub(16) {
            None => _mm256_zextsi128_si256(short16(p, n)),
            Some(more) => _mm256_set_m128i(short16(p.add(16), more), _mm_loadu_si128(p.cast())),
        }
    }
}

impl Bf16Vectors for Avx2 {
    type B = __m256i;

    #[inline(always)]
    unsafe fn load_bf16(self, p: *const bf16) -> __m256i {
        // SAFETY: sixteen elements are readable.
        unsafe { _mm256_loadu_si256(p.cast()) }
    }
    #[inline(always)]
    unsafe fn load_bf16_tail(self, p: *const bf16, n: usize, back: bool) -> __m256i {
        // SAFETY: the caller's promise, in bytes.
        unsafe { tail32(p.cast(), 2 * n, back) }
    }
    ops! {
        fn even(v: __m256i) -> __m256 = _mm256_castsi256_ps(_mm256_slli_epi32::<16>(v));
        fn odd(v: __m256i) -> __m256 =
            _mm256_castsi256_ps(_mm256_and_si256(v, _mm256_set1_epi32(!0xffff)));
    }
}

packed! { Avx2:
    4, |v| {
        // The bits of element i, shifted down by 4 i.
        let v = _mm256_set1_epi32(v as i32);
        let v = _mm256_srlv_epi32(v, _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28));
        _mm256_cvtepi32_ps(_mm256_and_si256(v, _mm256_set1_epi32(15)))
    };
    1, |v| {
        // The bit of element i, shifted to its lane's lowest bit, selects 0 or 1. Bit 1 of the lane does not
        // matter: the table repeats.
        let v = _mm256_srlv_epi32(_mm256_set1_epi8(v as i8), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
        _mm256_permutevar_ps(_mm256_setr_ps(0., 1., 0., 1., 0., 1., 0., 1.), v)
    };
}

impl Count for Avx2 {
    const BYTES: usize = 32;
    type V = __m256i;
    /// Four lanes of 64 bits.
    type I = __m256i;

    #[inline(always)]
    unsafe fn load(self, p: *const u8) -> __m256i {
        // SAFETY: 32 bytes are readable.
        unsafe { _mm256_loadu_si256(p.cast()) }
    }
    #[inline(always)]
    unsafe fn load_tail(self, p: *const u8, n: usize, back: bool) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe { tail32(p, n, back) }
    }
    ops! {
        fn zero() -> __m256i = _mm256_setzero_si256();
        fn add(a: __m256i, b: __m256i) -> __m256i = _mm256_add_epi64(a, b);
        fn xor(a: __m256i, b: __m256i) -> __m256i = _mm256_xor_si256(a, b);
        fn and(a: __m256i, b: __m256i) -> __m256i = _mm256_and_si256(a, b);
        // Counts of four bits by lookup in a register (Mula, Kurz and Lemire 2016).
        fn count(sum: __m256i, v: __m256i) -> __m256i = {
            let table = _mm256_setr_epi8(
                0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
                0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
            );
            let low = _mm256_and_si256(v, _mm256_set1_epi8(15));
            let high = _mm256_and_si256(_mm256_srli_epi16::<4>(v), _mm256_set1_epi8(15));
            let counts =
                _mm256_add_epi8(_mm256_shuffle_epi8(table, low), _mm256_shuffle_epi8(table, high));
            _mm256_add_epi64(sum, _mm256_sad_epu8(counts, _mm256_setzero_si256()))
        };
    }
    #[inline(always)]
    fn lane_sums<const N: usize>(self, v: [__m256i; N]) -> [u32; N] {
        // SAFETY: the token. No count reaches 32 bits, so the upper halves are 0.
        unsafe { lane_sums_i32(v) }
    }
}
