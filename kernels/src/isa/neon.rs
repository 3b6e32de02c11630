//! NEON: four lanes of f32, sixteen bytes; with dot products where the processor has them.
//!
//! f16 is converted by `fcvtl` and dot products are `udot` and `sdot`, in assembly: their intrinsics need a nightly
//! compiler. Tails of rows shorter than a vector go through a buffer, others look back into the row.

use super::entry::{entries, loads, ops, packed};
use crate::isa::operations::{Bytes, Count, Nibbles, Simd, Token};
use crate::loops::short_tail;
use core::arch::aarch64::*;
use core::arch::asm;
use half::{bf16, f16};

pulp::simd_type! {
    /// The features that [`Neon`] stands for.
    pub(crate) struct Features {
        pub neon: "neon",
    }
}

pulp::simd_type! {
    /// The features that [`NeonDotprod`] stands for.
    pub(crate) struct DotprodFeatures {
        pub neon: "neon",
        pub dotprod: "dotprod",
    }
}

/// The token.
#[derive(Clone, Copy)]
pub(crate) struct Neon(Features);

impl Token for Neon {
    #[inline(always)]
    unsafe fn token() -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { Features::new_unchecked() })
    }
}

entries!(
    Neon,
    #[target_feature(enable = "neon")]
);

/// The token of the dot product instructions.
#[derive(Clone, Copy)]
pub(crate) struct NeonDotprod(DotprodFeatures);

impl Token for NeonDotprod {
    #[inline(always)]
    unsafe fn token() -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { DotprodFeatures::new_unchecked() })
    }
}

entries!(
    NeonDotprod,
    #[target_feature(enable = "neon,dotprod")]
);

/// Four lanes cleared, then four set. A load at lane n keeps the last n of four.
static KEEP: [u32; 8] = [0, 0, 0, 0, !0, !0, !0, !0];

/// Sixteen bytes cleared, then sixteen set.
static KEEP_BYTES: [u8; 32] = {
    let mut keep = [0; 32];
    let mut i = 16;
    while i < 32 {
        keep[i] = !0;
        i += 1;
    }
    keep
};

impl Simd for Neon {
    const LANES: usize = 4;
    type F = float32x4_t;

    ops! {
        fn zero() -> float32x4_t = vdupq_n_f32(0.0);
        fn add(a: float32x4_t, b: float32x4_t) -> float32x4_t = vaddq_f32(a, b);
        fn sub(a: float32x4_t, b: float32x4_t) -> float32x4_t = vsubq_f32(a, b);
        fn mul_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t =
            vfmaq_f32(c, a, b);
        // n <= 4: the load lies inside.
        fn keep_last(v: float32x4_t, n: usize) -> float32x4_t = vreinterpretq_f32_u32(
            vandq_u32(vreinterpretq_u32_f32(v), vld1q_u32(KEEP.as_ptr().add(n)))
        );
    }
    #[inline(always)]
    fn lane_sums<const N: usize>(self, v: [float32x4_t; N]) -> [f32; N] {
        let mut out = [0.0; N];
        let mut i = 0;
        // SAFETY: the token; four sums are written where four remain.
        unsafe {
            while i + 4 <= N {
                let (ab, cd) = (vpaddq_f32(v[i], v[i + 1]), vpaddq_f32(v[i + 2], v[i + 3]));
                vst1q_f32(out.as_mut_ptr().add(i), vpaddq_f32(ab, cd));
                i += 4;
            }
            while i < N {
                out[i] = vaddvq_f32(v[i]);
                i += 1;
            }
        }
        out
    }
}

/// Four times f16 as f32.
#[inline(always)]
unsafe fn widen(h: uint16x4_t) -> float32x4_t {
    let wide;
    // SAFETY: the caller has NEON; the instruction reads and writes registers alone.
    unsafe {
        asm!("fcvtl {0:v}.4s, {1:v}.4h", out(vreg) wide, in(vreg) h,
            options(pure, nomem, nostack, preserves_flags));
    }
    wide
}

/// Four bytes in the low half of eight.
#[inline(always)]
unsafe fn four(p: *const u8) -> uint8x8_t {
    // SAFETY: four bytes are readable; the caller has NEON.
    unsafe { vreinterpret_u8_u32(vdup_n_u32(p.cast::<u32>().read_unaligned())) }
}

loads! { Neon:
    f32, |p| vld1q_f32(p);
    f16, |p| widen(vld1_u16(p.cast()));
    bf16, |p| vreinterpretq_f32_u32(vshll_n_u16::<16>(vld1_u16(p.cast())));
    u8, |p| vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(four(p)))));
    i8, |p| vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u8(four(p.cast()))))));
}

/// `n < 16` bytes at `p` and zeros; see `Load::load_tail`.
#[inline(always)]
unsafe fn tail16(p: *const u8, n: usize, back: bool) -> uint8x16_t {
    // SAFETY: with `back`, the last sixteen bytes of the row; else n, into a buffer of sixteen.
    unsafe {
        if back {
            vandq_u8(vld1q_u8(p.sub(16 - n)), vld1q_u8(KEEP_BYTES.as_ptr().add(n)))
        } else {
            let mut whole = [0u8; 16];
            short_tail::copy(p, whole.as_mut_ptr(), n);
            vld1q_u8(whole.as_ptr())
        }
    }
}

/// The sum of each vector's lanes.
#[inline(always)]
unsafe fn lane_sums_u32<const N: usize>(v: [uint32x4_t; N]) -> [u32; N] {
    let mut out = [0; N];
    let mut i = 0;
    // SAFETY: the caller has NEON; four sums are written where four remain.
    unsafe {
        while i + 4 <= N {
            let (ab, cd) = (vpaddq_u32(v[i], v[i + 1]), vpaddq_u32(v[i + 2], v[i + 3]));
            vst1q_u32(out.as_mut_ptr().add(i), vpaddq_u32(ab, cd));
            i += 4;
        }
        while i < N {
            out[i] = vaddvq_u32(v[i]);
            i += 1;
        }
    }
    out
}

/// Adds sums of four products of bytes each to four lanes.
macro_rules! dot4 {
    ($instruction:literal, $sum:expr, $a:expr, $b:expr) => {{
        let mut sum: uint32x4_t = $sum;
        asm!(concat!($instruction, " {0:v}.4s, {1:v}.16b, {2:v}.16b"),
            inout(vreg) sum, in(vreg) $a, in(vreg) $b,
            options(pure, nomem, nostack, preserves_flags));
        sum
    }};
}

macro_rules! bytes {
    ($($token:ident, $type:ty, $v:ty, |$p:ident| $cast:expr,
       |$ds:ident, $a:ident, $b:ident| $dot:expr, |$s:ident, $d:ident| $square:expr,
       $distance:ident;)*) => {$(
        impl Bytes<$type> for $token {
            const LANES: usize = 16;
            type V = $v;
            type I = uint32x4_t;

            #[inline(always)]
            unsafe fn load(self, p: *const $type) -> $v {
                // SAFETY: sixteen elements are readable.
                unsafe {
                    let $p = vld1q_u8(p.cast());
                    $cast
                }
            }
            #[inline(always)]
            unsafe fn load_tail(self, p: *const $type, n: usize, back: bool) -> $v {
                // SAFETY: the caller's promise.
                unsafe {
                    let $p = tail16(p.cast(), n, back);
                    $cast
                }
            }
            ops! {
                fn zero() -> uint32x4_t = vdupq_n_u32(0);
                fn add(a: uint32x4_t, b: uint32x4_t) -> uint32x4_t = vaddq_u32(a, b);
                fn dot(sum: [uint32x4_t; 2], q: $v, x: $v) -> [uint32x4_t; 2] = {
                    let ($ds, $a, $b) = (sum[0], q, x);
                    [$dot, sum[1]]
                };
                fn diff(sum: [uint32x4_t; 2], q: $v, x: $v) -> [uint32x4_t; 2] = {
                    // |q − x| fits eight unsigned bits for either sign.
                    let ($s, $d) = (sum[0], $distance(q, x));
                    [$square, sum[1]]
                };
            }
            #[inline(always)]
            fn lane_sums<const N: usize>(self, v: [uint32x4_t; N]) -> [u32; N] {
                // SAFETY: the token.
                unsafe { lane_sums_u32(v) }
            }
        }
    )*};
}

/// The absolute difference of signed bytes, as unsigned bytes.
#[inline(always)]
unsafe fn abs_diff(a: int8x16_t, b: int8x16_t) -> uint8x16_t {
    // SAFETY: the caller has NEON.
    unsafe { vreinterpretq_u8_s8(vabdq_s8(a, b)) }
}

/// Products of unsigned bytes, widened and added in pairs.
#[inline(always)]
unsafe fn widening(sum: uint32x4_t, a: uint8x16_t, b: uint8x16_t) -> uint32x4_t {
    // SAFETY: the caller has NEON.
    unsafe {
        let low = vmull_u8(vget_low_u8(a), vget_low_u8(b));
        vpadalq_u16(vpadalq_u16(sum, low), vmull_high_u8(a, b))
    }
}

/// Products of signed bytes, widened and added in pairs.
#[inline(always)]
unsafe fn widening_signed(sum: uint32x4_t, a: int8x16_t, b: int8x16_t) -> uint32x4_t {
    // SAFETY: the caller has NEON.
    unsafe {
        let low = vmull_s8(vget_low_s8(a), vget_low_s8(b));
        let sum = vpadalq_s16(vreinterpretq_s32_u32(sum), low);
        vreinterpretq_u32_s32(vpadalq_s16(sum, vmull_high_s8(a, b)))
    }
}

bytes! {
    Neon, u8, uint8x16_t, |v| v,
        |sum, a, b| widening(sum, a, b), |sum, d| widening(sum, d, d), vabdq_u8;
    Neon, i8, int8x16_t, |v| vreinterpretq_s8_u8(v),
        |sum, a, b| widening_signed(sum, a, b), |sum, d| widening(sum, d, d), abs_diff;
    NeonDotprod, u8, uint8x16_t, |v| v,
        |sum, a, b| dot4!("udot", sum, a, b), |sum, d| dot4!("udot", sum, d, d), vabdq_u8;
    NeonDotprod, i8, int8x16_t, |v| vreinterpretq_s8_u8(v),
        |sum, a, b| dot4!("sdot", sum, a, b), |sum, d| dot4!("udot", sum, d, d), abs_diff;
}

macro_rules! nibbles {
    ($($token:ident, |$ds:ident, $a:ident, $b:ident| $dot:expr, |$s:ident, $d:ident| $square:expr;)*) => {$(
        impl Nibbles for $token {
            const BYTES: usize = 16;
            type N = uint8x16_t;

            #[inline(always)]
            unsafe fn load_nibbles(self, p: *const u8) -> uint8x16_t {
                // SAFETY: sixteen bytes are readable.
                unsafe { vld1q_u8(p) }
            }
            #[inline(always)]
            unsafe fn load_nibbles_tail(self, p: *const u8, n: usize) -> uint8x16_t {
                // SAFETY: the caller's promise.
                unsafe { tail16(p, n, false) }
            }
            ops! {
                fn dot_nibbles(sum: uint32x4_t, q: [uint8x16_t; 2], x: uint8x16_t) -> uint32x4_t = {
                    let codes = [vandq_u8(x, vdupq_n_u8(15)), vshrq_n_u8::<4>(x)];
                    let mut total = sum;
                    for half in 0..2 {
                        let ($ds, $a, $b) =
                            (total, vreinterpretq_s8_u8(q[half]), vreinterpretq_s8_u8(codes[half]));
                        total = $dot;
                    }
                    total
                };
                // A code is shifted to where it counts eightfold.
                fn diff_nibbles(sum: uint32x4_t, q: [uint8x16_t; 2], x: uint8x16_t) -> uint32x4_t = {
                    let mask = vdupq_n_u8(15 << 3);
                    let codes = [vandq_u8(vshlq_n_u8::<3>(x), mask), vandq_u8(vshrq_n_u8::<1>(x), mask)];
                    let mut total = sum;
                    for half in 0..2 {
                        let ($s, $d) = (total, vabdq_u8(q[half], codes[half]));
                        total = $square;
                    }
                    total
                };
            }
        }
    )*};
}

nibbles! {
    Neon, |sum, a, b| widening_signed(sum, a, b), |sum, d| widening(sum, d, d);
    NeonDotprod, |sum, a, b| dot4!("sdot", sum, a, b), |sum, d| dot4!("udot", sum, d, d);
}

packed! { Neon:
    4, |v| {
        let by: [i32; 4] = [0, -4, -8, -12];
        let v = vshlq_u32(vdupq_n_u32(v as u32), vld1q_s32(by.as_ptr()));
        vcvtq_f32_u32(vandq_u32(v, vdupq_n_u32(15)))
    };
}

impl Count for Neon {
    const BYTES: usize = 16;
    type V = uint8x16_t;
    type I = uint32x4_t;

    #[inline(always)]
    unsafe fn load(self, p: *const u8) -> uint8x16_t {
        // SAFETY: sixteen bytes are readable.
        unsafe { vld1q_u8(p) }
    }
    #[inline(always)]
    unsafe fn load_tail(self, p: *const u8, n: usize, back: bool) -> uint8x16_t {
        // SAFETY: the caller's promise.
        unsafe { tail16(p, n, back) }
    }
    ops! {
        fn zero() -> uint32x4_t = vdupq_n_u32(0);
        fn add(a: uint32x4_t, b: uint32x4_t) -> uint32x4_t = vaddq_u32(a, b);
        fn xor(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t = veorq_u8(a, b);
        fn and(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t = vandq_u8(a, b);
        fn count(sum: uint32x4_t, v: uint8x16_t) -> uint32x4_t = vpadalq_u16(sum, vpaddlq_u8(vcntq_u8(v)));
    }
    #[inline(always)]
    fn lane_sums<const N: usize>(self, v: [uint32x4_t; N]) -> [u32; N] {
        // SAFETY: the token.
        unsafe { lane_sums_u32(v) }
    }
}
