//! AVX-512 F, BW, CD, DQ, VL: sixteen lanes of f32, 32 bytes widened to 16 bits, tails by mask. With AVX-512 BF16,
//! products of bf16 in one instruction.

use super::entry::{entries, ops, packed};
use crate::isa::operations::{Bf16Vectors, Bytes, Deinterleave, Load, Packed, Simd, Token};
use core::arch::x86_64::*;
use half::{bf16, f16};

pulp::simd_type! {
    /// The features that [`Avx512`] stands for.
    pub(crate) struct Features {
        pub avx2: "avx2",
        pub bmi1: "bmi1",
        pub bmi2: "bmi2",
        pub fma: "fma",
        pub f16c: "f16c",
        pub lzcnt: "lzcnt",
        pub popcnt: "popcnt",
        pub avx512f: "avx512f",
        pub avx512bw: "avx512bw",
        pub avx512cd: "avx512cd",
        pub avx512dq: "avx512dq",
        pub avx512vl: "avx512vl",
    }
}

/// Whether this machine has all of it. pulp has one type for `avx512f` and `avx512vl`. Its check covers both in 0.22.3,
/// which later versions need not do, so `avx512vl` is asked for by name.
pub(crate) fn is_available() -> bool {
    Features::is_available() && std::arch::is_x86_feature_detected!("avx512vl")
}

/// The token, with or without AVX-512 BF16.
#[derive(Clone, Copy)]
pub(crate) struct Avx512With<const BF16: bool>(Features);

pub(crate) type Avx512 = Avx512With<false>;
pub(crate) type Avx512Bf16 = Avx512With<true>;

impl<const BF16: bool> Token for Avx512With<BF16> {
    #[inline(always)]
    unsafe fn token() -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { Features::new_unchecked() })
    }
}

entries!(
    Avx512,
    #[target_feature(
        enable = "avx2,bmi1,bmi2,fma,f16c,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl"
    )]
);

entries!(
    Avx512Bf16,
    #[target_feature(
        enable = "avx2,bmi1,bmi2,fma,f16c,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16"
    )]
);

/// A mask of the first `n < 16` lanes.
#[inline(always)]
fn first16(n: usize) -> __mmask16 {
    !(!0 << n)
}

impl<const BF16: bool> Simd for Avx512With<BF16> {
    const LANES: usize = 16;
    type F = __m512;

    ops! {
        fn zero() -> __m512 = _mm512_setzero_ps();
        fn add(a: __m512, b: __m512) -> __m512 = _mm512_add_ps(a, b);
        fn sub(a: __m512, b: __m512) -> __m512 = _mm512_sub_ps(a, b);
        fn mul_add(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fmadd_ps(a, b, c);
        fn keep_last(v: __m512, n: usize) -> __m512 =
            _mm512_maskz_mov_ps(!first16(16 - n), v);
    }
    #[inline(always)]
    fn lane_sums<const N: usize>(self, v: [__m512; N]) -> [f32; N] {
        let mut out = [0.0; N];
        // SAFETY: the token; as many sums are written as there are.
        unsafe {
            if N == 8 {
                let low = quarters([v[0], v[1], v[2], v[3]]);
                let high = quarters([v[4], v[5], v[6], v[7]]);
                let even = _mm512_unpacklo_ps(low, high);
                let odd = _mm512_unpackhi_ps(low, high);
                // Each 128 bits have parts of low's sum at 0 and 2, of high's at 1 and 3.
                let sum = _mm512_add_ps(even, odd);
                let sum = _mm512_add_ps(sum, _mm512_permute_ps::<0b01_00_11_10>(sum));
                let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0);
                let sum = _mm512_permutexvar_ps(order, sum);
                _mm256_storeu_ps(out.as_mut_ptr(), _mm512_castps512_ps256(sum));
            } else if N == 4 {
                let sum = quarters([v[0], v[1], v[2], v[3]]);
                let sum = _mm512_add_ps(sum, _mm512_permute_ps::<0b01_00_11_10>(sum));
                let sum = _mm512_add_ps(sum, _mm512_permute_ps::<0b10_11_00_01>(sum));
                let order = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
                let sum = _mm512_permutexvar_ps(order, sum);
                _mm_storeu_ps(out.as_mut_ptr(), _mm512_castps512_ps128(sum));
            } else {
                for i in 0..N {
                    out[i] = _mm512_reduce_add_ps(v[i]);
                }
            }
        }
        out
    }
}

/// Four vectors folded into one: each 128 bits have four partial sums of one of them.
#[inline(always)]
unsafe fn quarters(v: [__m512; 4]) -> __m512 {
    // SAFETY: the caller has AVX-512.
    unsafe {
        let ab = _mm512_add_ps(
            _mm512_shuffle_f32x4::<0b01_00_01_00>(v[0], v[1]),
            _mm512_shuffle_f32x4::<0b11_10_11_10>(v[0], v[1]),
        );
        let cd = _mm512_add_ps(
            _mm512_shuffle_f32x4::<0b01_00_01_00>(v[2], v[3]),
            _mm512_shuffle_f32x4::<0b11_10_11_10>(v[2], v[3]),
        );
        _mm512_add_ps(_mm512_shuffle_f32x4::<0b10_00_10_00>(ab, cd), _mm512_shuffle_f32x4::<0b11_01_11_01>(ab, cd))
    }
}

/// As `loads!`, with a masked load for the tail.
///
/// `_mm512_cvt_roundph_ps` reads memory; `_mm512_cvtph_ps` becomes a form that cannot. f16 is always converted
/// (docs/experiments/024-f16-arithmetic.md).
macro_rules! masked_loads {
    ($($type:ty, $load:ident, $masked:ident, |$v:ident| $convert:expr;)*) => {$(
        impl Load<$type> for Avx512 {
            #[inline(always)]
            unsafe fn load(self, p: *const $type) -> __m512 {
                // SAFETY: sixteen elements are readable.
                unsafe {
                    let $v = $load(p.cast());
                    $convert
                }
            }
            #[inline(always)]
            unsafe fn load_tail(self, p: *const $type, n: usize, _back: bool) -> __m512 {
                // SAFETY: n elements are readable, and no others are read.
                unsafe {
                    let $v = $masked(first16(n), p.cast());
                    $convert
                }
            }
        }
    )*};
}

masked_loads! {
    f32, _mm512_loadu_ps, _mm512_maskz_loadu_ps, |v| v;
    f16, _mm256_loadu_si256, _mm256_maskz_loadu_epi16, |v| _mm512_cvt_roundph_ps::<_MM_FROUND_CUR_DIRECTION>(v);
    bf16, _mm256_loadu_si256, _mm256_maskz_loadu_epi16,
        |v| _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(v)));
    u8, _mm_loadu_si128, _mm_maskz_loadu_epi8, |v| _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(v));
    i8, _mm_loadu_si128, _mm_maskz_loadu_epi8, |v| _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(v));
}

/// The sum of each vector's lanes: the folds of `lane_sums` over `f32`, in integers.
#[inline(always)]
pub(super) unsafe fn lane_sums_i32<const N: usize>(v: [__m512i; N]) -> [u32; N] {
    let mut out = [0; N];
    // SAFETY: the caller has AVX-512; as many sums are written as there are.
    unsafe {
        if N == 8 {
            let low = quarters_i32([v[0], v[1], v[2], v[3]]);
            let high = quarters_i32([v[4], v[5], v[6], v[7]]);
            let even = _mm512_unpacklo_epi32(low, high);
            let odd = _mm512_unpackhi_epi32(low, high);
            let sum = _mm512_add_epi32(even, odd);
            let sum = _mm512_add_epi32(sum, _mm512_shuffle_epi32::<0b01_00_11_10>(sum));
            let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0);
            let sum = _mm512_permutexvar_epi32(order, sum);
            _mm256_storeu_si256(out.as_mut_ptr().cast(), _mm512_castsi512_si256(sum));
        } else if N == 4 {
            let sum = quarters_i32([v[0], v[1], v[2], v[3]]);
            let sum = _mm512_add_epi32(sum, _mm512_shuffle_epi32::<0b01_00_11_10>(sum));
            let sum = _mm512_add_epi32(sum, _mm512_shuffle_epi32::<0b10_11_00_01>(sum));
            let order = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
            let sum = _mm512_permutexvar_epi32(order, sum);
            _mm_storeu_si128(out.as_mut_ptr().cast(), _mm512_castsi512_si128(sum));
        } else {
            for i in 0..N {
                out[i] = _mm512_reduce_add_epi32(v[i]).cast_unsigned();
            }
        }
    }
    out
}

#[inline(always)]
unsafe fn quarters_i32(v: [__m512i; 4]) -> __m512i {
    // SAFETY: the caller has AVX-512.
    unsafe {
        let ab = _mm512_add_epi32(
            _mm512_shuffle_i32x4::<0b01_00_01_00>(v[0], v[1]),
            _mm512_shuffle_i32x4::<0b11_10_11_10>(v[0], v[1]),
        );
        let cd = _mm512_add_epi32(
            _mm512_shuffle_i32x4::<0b01_00_01_00>(v[2], v[3]),
            _mm512_shuffle_i32x4::<0b11_10_11_10>(v[2], v[3]),
        );
        _mm512_add_epi32(_mm512_shuffle_i32x4::<0b10_00_10_00>(ab, cd), _mm512_shuffle_i32x4::<0b11_01_11_01>(ab, cd))
    }
}

macro_rules! bytes {
    ($($type:ty, $widen:ident;)*) => {$(
        impl Bytes<$type> for Avx512 {
            const LANES: usize = 32;
            type V = __m512i;
            type I = __m512i;

            #[inline(always)]
            unsafe fn load(self, p: *const $type) -> __m512i {
                // SAFETY: 32 elements are readable.
                unsafe { $widen(_mm256_loadu_si256(p.cast())) }
            }
            #[inline(always)]
            unsafe fn load_tail(self, p: *const $type, n: usize, _back: bool) -> __m512i {
                // SAFETY: n < 32 elements are readable, and no others are read.
                unsafe { $widen(_mm256_maskz_loadu_epi8(!(!0 << n), p.cast())) }
            }
            ops! {
                fn zero() -> __m512i = _mm512_setzero_si512();
                fn add(a: __m512i, b: __m512i) -> __m512i = _mm512_add_epi32(a, b);
                fn dot(sum: [__m512i; 2], q: __m512i, x: __m512i) -> [__m512i; 2] =
                    [_mm512_add_epi32(sum[0], _mm512_madd_epi16(q, x)), sum[1]];
                fn diff(sum: [__m512i; 2], q: __m512i, x: __m512i) -> [__m512i; 2] = {
                    let d = _mm512_sub_epi16(q, x);
                    [_mm512_add_epi32(sum[0], _mm512_madd_epi16(d, d)), sum[1]]
                };
            }
            #[inline(always)]
            fn lane_sums<const N: usize>(self, v: [__m512i; N]) -> [u32; N] {
                // SAFETY: the token.
                unsafe { lane_sums_i32(v) }
            }
        }
    )*};
}

bytes! {
    u8, _mm512_cvtepu8_epi16;
    i8, _mm512_cvtepi8_epi16;
}

/// `vdpbf16ps` sums products of bf16, two to a lane. It takes subnormal elements and sums for 0.
impl<const BF16: bool> Bf16Vectors for Avx512With<BF16> {
    type B = __m512i;

    #[inline(always)]
    unsafe fn load_bf16(self, p: *const bf16) -> __m512i {
        // SAFETY: 32 elements are readable.
        unsafe { _mm512_loadu_si512(p.cast()) }
    }
    #[inline(always)]
    unsafe fn load_bf16_tail(self, p: *const bf16, n: usize, _back: bool) -> __m512i {
        // SAFETY: n < 32 elements are readable, and no others are read.
        unsafe { _mm512_maskz_loadu_epi16(!(!0 << n), p.cast()) }
    }
    ops! {
        fn even(v: __m512i) -> __m512 = _mm512_castsi512_ps(_mm512_slli_epi32::<16>(v));
        fn odd(v: __m512i) -> __m512 =
            _mm512_castsi512_ps(_mm512_and_si512(v, _mm512_set1_epi32(!0xffff)));
    }
    #[inline(always)]
    fn dot_bf16(self, sum: __m512, q: __m512i, x: __m512i) -> __m512 {
        if !BF16 {
            let even = self.mul_add(self.even(q), self.even(x), sum);
            return self.mul_add(self.odd(q), self.odd(x), even);
        }
        // SAFETY: the token. A cast of the same bits, which bytemuck does not offer for `__m512bh`.
        unsafe {
            let (q, x) = (core::mem::transmute::<__m512i, __m512bh>(q), core::mem::transmute::<__m512i, __m512bh>(x));
            _mm512_dpbf16_ps(sum, q, x)
        }
    }
    #[inline(always)]
    fn dot_bf16_two(self, sum: [__m512; 2], q: __m512i, x: __m512i) -> [__m512; 2] {
        if BF16 {
            return [self.dot_bf16(sum[0], q, x), sum[1]];
        }
        [self.mul_add(self.even(q), self.even(x), sum[0]), self.mul_add(self.odd(q), self.odd(x), sum[1])]
    }
}

/// Elements 0, 2, 4 … and elements 1, 3, 5 … of two vectors.
#[inline(always)]
unsafe fn deinterleave(a: __m512, b: __m512) -> [__m512; 2] {
    // SAFETY: the caller has AVX-512.
    unsafe {
        let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
        [_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b)]
    }
}

impl Deinterleave for Avx512 {
    #[inline(always)]
    unsafe fn load_deinterleaved(self, p: *const f32) -> [__m512; 2] {
        // SAFETY: 32 elements are readable.
        unsafe { deinterleave(_mm512_loadu_ps(p), _mm512_loadu_ps(p.add(16))) }
    }
    #[inline(always)]
    unsafe fn load_deinterleaved_tail(self, p: *const f32, n: usize, _back: bool) -> [__m512; 2] {
        let mask: __mmask32 = !(!0 << n);
        // SAFETY: n < 32 elements are readable, and no others are read.
        unsafe {
            let low = _mm512_maskz_loadu_ps(mask as __mmask16, p);
            deinterleave(low, _mm512_maskz_loadu_ps((mask >> 16) as __mmask16, p.wrapping_add(16)))
        }
    }
}

packed! { Avx512:
    1, |v| _mm512_maskz_mov_ps(v as __mmask16, _mm512_set1_ps(1.0));
}

/// Sixteen elements of four bits as f32. Each selects one of sixteen values in a register, which takes half the time of
/// a conversion.
#[inline(always)]
unsafe fn nibbles(v: __m128i) -> __m512 {
    // SAFETY: the caller has AVX-512.
    unsafe {
        let word = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
        let by = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
        let all = _mm512_setr_ps(0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15.);
        let v = _mm512_permutexvar_epi32(word, _mm512_castsi128_si512(v));
        _mm512_permutexvar_ps(_mm512_srlv_epi32(v, by), all)
    }
}

/// Without `packed!`, which would move the bytes through a general register (docs/experiments/036-nibbles-avx512.md).
impl Load<Packed<4>> for Avx512 {
    const BACK: bool = false;

    #[inline(always)]
    unsafe fn at(row: *const Packed<4>, i: usize) -> *const Packed<4> {
        // SAFETY: the caller's promise; i elements are whole bytes.
        unsafe { row.add(i / 2) }
    }
    #[inline(always)]
    unsafe fn load(self, p: *const Packed<4>) -> __m512 {
        // SAFETY: eight bytes are readable.
        unsafe { nibbles(_mm_loadl_epi64(p.cast())) }
    }
    #[inline(always)]
    unsafe fn load_tail(self, p: *const Packed<4>, n: usize, _back: bool) -> __m512 {
        // SAFETY: n < 16 elements are readable, and no others are read. The bits of the last byte beyond them meet
        // zeros of the query.
        unsafe { nibbles(_mm_maskz_loadu_epi8(first16(n.div_ceil(2)), p.cast())) }
    }
}
