//! VNNI, in 256 and in 512 bits: `vpdpbusd` sums products of unsigned by signed bytes, four to a lane. So one side is
//! shifted by 128, by flipping its upper bit. A further step, or what
//! is computed of the query alone, corrects the sum.
//!
//! Let u be the unsigned and y = u − 128 the signed form of a row: u8 rows are their u, i8 rows their y. Squared
//! differences are the same in both. Let v and p be the two forms of the query:
//!
//! ```text
//! Σ (v − u)²  =  Σ (v − u)(p − y)  =  Σ u·y − (Σ v·y + Σ u·p) + Σ v·p
//! Σ q·x       =  Σ v·y + 128 Σ v              for u8 rows
//!             =  Σ u·p − 128 Σ p              for i8 rows
//! Σ x²        =  Σ u·y + 128 Σ u   for u8,  Σ u·y − 128 Σ y   for i8
//! ```
//!
//! All of it is exact modulo 2³², and the sums themselves are below 2³².
//!
//! Each sum is the difference of two parts. The first part of `Σ q²` is `Σ v·p`, the second ∓128 times the query's sum:
//! what the first two lines need of the query alone.
//!
//! That is four instructions a vector. A pair takes `d = |q − x|` and six instructions for
//! `Σ d² = Σ d·(d − 128) + 128 Σ d`, which lacks nothing (docs/experiments/021-byte-differences.md).

use super::avx2::tail32;
use super::entry::{entries, ops};
use super::{avx2, avx512};
use crate::isa::operations::{Bytes, Token};
use core::arch::x86_64::*;

/// AVX2 with AVX-VNNI.
#[derive(Clone, Copy)]
pub(crate) struct Avx2Vnni(());

impl Token for Avx2Vnni {
    #[inline(always)]
    unsafe fn token() -> Self {
        Self(())
    }
}

entries!(
    Avx2Vnni,
    #[target_feature(
        enable = "sse3,ssse3,sse4.1,sse4.2,popcnt,avx,avx2,bmi1,bmi2,fma,f16c,lzcnt,avxvnni"
    )]
);

/// AVX-512 with AVX-512 VNNI.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Vnni(());

impl Token for Avx512Vnni {
    #[inline(always)]
    unsafe fn token() -> Self {
        Self(())
    }
}

entries!(
    Avx512Vnni,
    #[target_feature(
        enable = "avx2,bmi1,bmi2,fma,f16c,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni"
    )]
);

#[inline(always)]
unsafe fn tail64(p: *const u8, n: usize, _back: bool) -> __m512i {
    // SAFETY: n < 64 bytes are readable, and no others are read.
    unsafe { _mm512_maskz_loadu_epi8(!(!0 << n), p.cast()) }
}

macro_rules! bytes {
    ($($token:ident, $v:ty, $lanes:literal, $load:ident, $tail:ident, $zero:ident,
       $splat:ident, $add:ident, $sub:ident, $xor:ident, $dp:ident, $sub8:ident,
       $maxu:ident, $minu:ident, $maxi:ident, $mini:ident, $sums:path;)*) => {$(
        impl $token {
            ops! {
                fn flip(v: $v) -> $v = $xor(v, $splat(-128));
                fn dp(sum: $v, unsigned: $v, signed: $v) -> $v = $dp(sum, unsigned, signed);
                fn splat(value: i8) -> $v = $splat(value);
            }
        }

        impl Bytes<u8> for $token {
            bytes!(@same u8, $token, $v, $lanes, $load, $tail, $zero, $add, $sub, $sub8, $maxu, $minu, $sums,
                |s, x| (x, s.flip(x)));

            #[inline(always)]
            fn dot(self, sum: [$v; 2], q: $v, x: $v) -> [$v; 2] {
                [self.dp(sum[0], q, self.flip(x)), sum[1]]
            }
            /// The second part is `−128 Σ u`: 128 is no signed byte.
            #[inline(always)]
            fn norm(self, sum: [$v; 2], x: $v) -> [$v; 2] {
                [self.dp(sum[0], x, self.flip(x)), self.dp(sum[1], x, self.splat(-128))]
            }
        }

        impl Bytes<i8> for $token {
            bytes!(@same i8, $token, $v, $lanes, $load, $tail, $zero, $add, $sub, $sub8, $maxi, $mini, $sums,
                |s, x| (s.flip(x), x));

            #[inline(always)]
            fn dot(self, sum: [$v; 2], q: $v, x: $v) -> [$v; 2] {
                [self.dp(sum[0], self.flip(x), q), sum[1]]
            }
            /// The second part is `128 Σ y`.
            #[inline(always)]
            fn norm(self, sum: [$v; 2], x: $v) -> [$v; 2] {
                [self.dp(sum[0], self.flip(x), x), self.dp(sum[1], self.splat(-128), x)]
            }
        }
    )*};

    // `$forms` are the unsigned and the signed form of a row.
    (@same $type:ty, $token:ident, $v:ty, $lanes:literal, $load:ident, $tail:ident, $zero:ident,
       $add:ident, $sub:ident, $sub8:ident, $max:ident, $min:ident, $sums:path, |$s:ident, $x:ident| $forms:expr) => {
        const LANES: usize = $lanes;
        const CORRECTED: bool = true;
        type V = $v;
        type I = $v;

        #[inline(always)]
        unsafe fn load(self, p: *const $type) -> $v {
            // SAFETY: LANES elements are readable.
            unsafe { $load(p.cast()) }
        }
        #[inline(always)]
        unsafe fn load_tail(self, p: *const $type, n: usize, back: bool) -> $v {
            // SAFETY: the caller's promise.
            unsafe { $tail(p.cast(), n, back) }
        }
        ops! {
            fn zero() -> $v = $zero();
            fn add(a: $v, b: $v) -> $v = $add(a, b);
            fn total(sum: [$v; 2]) -> $v = $sub(sum[0], sum[1]);
        }
        #[inline(always)]
        fn diff(self, sum: [$v; 2], q: $v, x: $v) -> [$v; 2] {
            let $s = self;
            let (v, p) = {
                let $x = q;
                $forms
            };
            let (u, y) = {
                let $x = x;
                $forms
            };
            [self.dp(sum[0], u, y), self.dp(self.dp(sum[1], v, y), u, p)]
        }
        #[inline(always)]
        fn diff_pair(self, sum: [$v; 2], q: $v, x: $v) -> [$v; 2] {
            // SAFETY: the token.
            let d = unsafe { $sub8($max(q, x), $min(q, x)) };
            [self.dp(sum[0], d, self.flip(d)), self.dp(sum[1], d, self.splat(-128))]
        }
        #[inline(always)]
        fn lane_sums<const N: usize>(self, v: [$v; N]) -> [u32; N] {
            // SAFETY: the token.
            unsafe { $sums(v) }
        }
    };
}

bytes! {
    Avx2Vnni, __m256i, 32, _mm256_loadu_si256, tail32, _mm256_setzero_si256,
        _mm256_set1_epi8, _mm256_add_epi32, _mm256_sub_epi32, _mm256_xor_si256,
        _mm256_dpbusd_avx_epi32, _mm256_sub_epi8,
        _mm256_max_epu8, _mm256_min_epu8, _mm256_max_epi8, _mm256_min_epi8, avx2::lane_sums_i32;
    Avx512Vnni, __m512i, 64, _mm512_loadu_si512, tail64, _mm512_setzero_si512,
        _mm512_set1_epi8, _mm512_add_epi32, _mm512_sub_epi32, _mm512_xor_si512,
        _mm512_dpbusd_epi32, _mm512_sub_epi8,
        _mm512_max_epu8, _mm512_min_epu8, _mm512_max_epi8, _mm512_min_epi8, avx512::lane_sums_i32;
}
