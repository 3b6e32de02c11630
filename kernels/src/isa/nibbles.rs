//! 4-bit codes on x86: masks and shifts split the bytes; `vpmaddubsw` or VNNI's `vpdpbusd` multiplies them.
//!
//! No step of `vpmaddubsw` saturates. A code is at most 15 and a query value at most 127, so two products are at most
//! 3,810, and four 7,620. A difference is at most 127, so two squares are at most 32,258.

use super::avx2::{Avx2, first32};
use super::avx512::Avx512;
use super::entry::ops;
use super::vnni::{Avx2Vnni, Avx512Vnni};
use crate::isa::operations::Nibbles;
use core::arch::x86_64::*;

/// `n < 64` bytes at `p`, and zeros.
#[inline(always)]
unsafe fn first64(p: *const u8, n: usize) -> __m512i {
    // SAFETY: n bytes are read, and no others.
    unsafe { _mm512_maskz_loadu_epi8(!(!0 << n), p.cast()) }
}

macro_rules! nibbles {
    ($($token:ty, $v:ty, $bytes:literal, $load:ident, $tail:path, $splat:ident, $and:ident,
       $left:ident, $right:ident, $sub8:ident, $abs8:ident,
       |$sum:ident, $u:ident, $i:ident| $products:expr, |$square_sum:ident, $d:ident| $squares:expr;)*) => {$(
        impl Nibbles for $token {
            const BYTES: usize = $bytes;
            type N = $v;

            #[inline(always)]
            unsafe fn load_nibbles(self, p: *const u8) -> $v {
                // SAFETY: the caller's promise.
                unsafe { $load(p.cast()) }
            }
            #[inline(always)]
            unsafe fn load_nibbles_tail(self, p: *const u8, n: usize) -> $v {
                // SAFETY: the caller's promise.
                unsafe { $tail(p, n) }
            }
            ops! {
                fn dot_nibbles(sum: $v, q: [$v; 2], x: $v) -> $v = {
                    let fifteen = $splat(15);
                    let ($sum, $u, $i) = (sum, [$and(x, fifteen), $and($right::<4>(x), fifteen)], q);
                    $products
                };
                // A code is shifted to where it counts eightfold. A difference fits a signed byte.
                fn diff_nibbles(sum: $v, q: [$v; 2], x: $v) -> $v = {
                    let mask = $splat(15 << 3);
                    let lower = $abs8($sub8(q[0], $and($left::<3>(x), mask)));
                    let upper = $abs8($sub8(q[1], $and($right::<1>(x), mask)));
                    let ($square_sum, $d) = (sum, [lower, upper]);
                    $squares
                };
            }
        }
    )*};
}

nibbles! {
    Avx2, __m256i, 32, _mm256_loadu_si256, first32, _mm256_set1_epi8,
        _mm256_and_si256, _mm256_slli_epi16, _mm256_srli_epi16, _mm256_sub_epi8, _mm256_abs_epi8,
        |sum, u, i| {
            let pairs = _mm256_add_epi16(_mm256_maddubs_epi16(u[0], i[0]), _mm256_maddubs_epi16(u[1], i[1]));
            _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        },
        |sum, d| {
            let one = _mm256_set1_epi16(1);
            let lower = _mm256_madd_epi16(_mm256_maddubs_epi16(d[0], d[0]), one);
            let upper = _mm256_madd_epi16(_mm256_maddubs_epi16(d[1], d[1]), one);
            _mm256_add_epi32(sum, _mm256_add_epi32(lower, upper))
        };
    Avx512, __m512i, 64, _mm512_loadu_si512, first64, _mm512_set1_epi8,
        _mm512_and_si512, _mm512_slli_epi16, _mm512_srli_epi16, _mm512_sub_epi8, _mm512_abs_epi8,
        |sum, u, i| {
            let pairs = _mm512_add_epi16(_mm512_maddubs_epi16(u[0], i[0]), _mm512_maddubs_epi16(u[1], i[1]));
            _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))
        },
        |sum, d| {
            let one = _mm512_set1_epi16(1);
            let lower = _mm512_madd_epi16(_mm512_maddubs_epi16(d[0], d[0]), one);
            let upper = _mm512_madd_epi16(_mm512_maddubs_epi16(d[1], d[1]), one);
            _mm512_add_epi32(sum, _mm512_add_epi32(lower, upper))
        };
    Avx2Vnni, __m256i, 32, _mm256_loadu_si256, first32, _mm256_set1_epi8,
        _mm256_and_si256, _mm256_slli_epi16, _mm256_srli_epi16, _mm256_sub_epi8, _mm256_abs_epi8,
        |sum, u, i| _mm256_dpbusd_avx_epi32(_mm256_dpbusd_avx_epi32(sum, u[0], i[0]), u[1], i[1]),
        |sum, d| _mm256_dpbusd_avx_epi32(_mm256_dpbusd_avx_epi32(sum, d[0], d[0]), d[1], d[1]);
    Avx512Vnni, __m512i, 64, _mm512_loadu_si512, first64, _mm512_set1_epi8,
        _mm512_and_si512, _mm512_slli_epi16, _mm512_srli_epi16, _mm512_sub_epi8, _mm512_abs_epi8,
        |sum, u, i| _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sum, u[0], i[0]), u[1], i[1]),
        |sum, d| _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sum, d[0], d[0]), d[1], d[1]);
}
