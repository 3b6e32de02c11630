//! What every processor has, through `wide`: eight lanes of f32, which the compiler maps to the registers of the
//! baseline. The tests compare the other instruction sets with it, too.

use super::entry::{entries, loads, packed, words};
use crate::isa::operations::{Bytes, Nibbles, Simd, Token};
use crate::loops::short_tail;
use half::{bf16, f16};
use wide::{f32x8, i16x16, i32x8, u32x4, u32x8};

/// The token: the baseline needs no proof.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Token for Portable {
    #[inline(always)]
    unsafe fn token() -> Self {
        Self
    }
}

entries!(Portable);

impl Simd for Portable {
    const LANES: usize = 8;
    type F = f32x8;

    #[inline(always)]
    fn zero(self) -> f32x8 {
        f32x8::ZERO
    }
    #[inline(always)]
    fn add(self, a: f32x8, b: f32x8) -> f32x8 {
        a + b
    }
    #[inline(always)]
    fn sub(self, a: f32x8, b: f32x8) -> f32x8 {
        a - b
    }
    #[inline(always)]
    fn mul_add(self, a: f32x8, b: f32x8, c: f32x8) -> f32x8 {
        a * b + c
    }
    #[inline(always)]
    fn keep_last(self, v: f32x8, n: usize) -> f32x8 {
        let mut lanes = v.to_array();
        for lane in lanes.iter_mut().take(8 - n) {
            *lane = 0.0;
        }
        f32x8::new(lanes)
    }
    #[inline(always)]
    fn lane_sums<const N: usize>(self, v: [f32x8; N]) -> [f32; N] {
        let mut out = [0.0; N];
        for i in 0..N {
            out[i] = v[i].reduce_add();
        }
        out
    }
}

/// f16 to f32. The bits are shifted, and one multiplication corrects the exponent, subnormals included. Infinities and
/// NaNs get their exponent afterwards.
#[inline(always)]
fn f16_to_f32(h: [u16; 8]) -> f32x8 {
    let mut wide = [0u32; 8];
    for i in 0..8 {
        wide[i] = u32::from(h[i]);
    }
    let h = u32x8::new(wide);
    let magnitude = (h & u32x8::splat(0x7fff)) << 13;
    let sign = (h & u32x8::splat(0x8000)) << 16;
    let scale = f32x8::splat(f32::from_bits((127 + 112) << 23));
    let finite: u32x8 = bytemuck::cast(bytemuck::cast::<u32x8, f32x8>(magnitude) * scale);
    let special = magnitude & u32x8::splat(0x7c00 << 13);
    let special = special.simd_eq(u32x8::splat(0x7c00 << 13));
    bytemuck::cast((special & (magnitude | u32x8::splat(0x7f80_0000))) | (!special & finite) | sign)
}

loads! { Portable:
    f32, |p| f32x8::new(p.cast::<[f32; 8]>().read_unaligned());
    f16, |p| f16_to_f32(p.cast::<[u16; 8]>().read_unaligned());
    bf16, |p| {
        let v = p.cast::<[u16; 8]>().read_unaligned();
        let mut out = [0.0; 8];
        for i in 0..8 {
            out[i] = f32::from_bits(u32::from(v[i]) << 16);
        }
        f32x8::new(out)
    };
    u8, |p| {
        let v = p.cast::<[u8; 8]>().read_unaligned();
        let mut out = [0; 8];
        for i in 0..8 {
            out[i] = i32::from(v[i]);
        }
        f32x8::from_i32x8(i32x8::new(out))
    };
    i8, |p| {
        let v = p.cast::<[i8; 8]>().read_unaligned();
        let mut out = [0; 8];
        for i in 0..8 {
            out[i] = i32::from(v[i]);
        }
        f32x8::from_i32x8(i32x8::new(out))
    };
}

macro_rules! bytes {
    ($($type:ty),*) => {$(
        impl Bytes<$type> for Portable {
            const LANES: usize = 16;
            type V = i16x16;
            type I = i32x8;

            #[inline(always)]
            unsafe fn load(self, p: *const $type) -> i16x16 {
                // SAFETY: sixteen elements are readable.
                let v = unsafe { p.cast::<[$type; 16]>().read_unaligned() };
                let mut out = [0; 16];
                for i in 0..16 {
                    out[i] = i16::from(v[i]);
                }
                i16x16::new(out)
            }
            #[inline(always)]
            unsafe fn load_tail(self, p: *const $type, n: usize, _back: bool) -> i16x16 {
                let mut v = [0; 16];
                // SAFETY: n < 16 elements are readable.
                unsafe { short_tail::copy(p.cast(), v.as_mut_ptr().cast(), n) };
                // SAFETY: v has sixteen elements.
                unsafe { Bytes::<$type>::load(self, v.as_ptr()) }
            }
            #[inline(always)]
            fn zero(self) -> i32x8 {
                i32x8::ZERO
            }
            #[inline(always)]
            fn add(self, a: i32x8, b: i32x8) -> i32x8 {
                a + b
            }
            #[inline(always)]
            fn lane_sums<const N: usize>(self, v: [i32x8; N]) -> [u32; N] {
                let mut out = [0; N];
                for i in 0..N {
                    let [low, high]: [u32x4; 2] = bytemuck::cast(v[i]);
                    let [a, b, c, d] = (low + high).to_array();
                    out[i] = a.wrapping_add(b).wrapping_add(c.wrapping_add(d));
                }
                out
            }
            #[inline(always)]
            fn dot(self, sum: [i32x8; 2], q: i16x16, x: i16x16) -> [i32x8; 2] {
                [sum[0] + q.dot(x), sum[1]]
            }
            #[inline(always)]
            fn diff(self, sum: [i32x8; 2], q: i16x16, x: i16x16) -> [i32x8; 2] {
                let d = q - x;
                [sum[0] + d.dot(d), sum[1]]
            }
        }
    )*};
}

bytes!(u8, i8);

packed! { Portable:
    4, |v| {
        let mut out = [0.0; 8];
        for i in 0..8 {
            out[i] = (v >> (4 * i) & 15) as f32;
        }
        f32x8::new(out)
    };
    1, |v| {
        let mut out = [0.0; 8];
        for i in 0..8 {
            out[i] = (v >> i & 1) as f32;
        }
        f32x8::new(out)
    };
}

words!(Portable);

impl Nibbles for Portable {
    const BYTES: usize = 16;
    /// Bytes of either sign.
    type N = [i8; 16];

    #[inline(always)]
    unsafe fn load_nibbles(self, p: *const u8) -> [i8; 16] {
        // SAFETY: sixteen bytes are readable.
        unsafe { p.cast::<[i8; 16]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn load_nibbles_tail(self, p: *const u8, n: usize) -> [i8; 16] {
        let mut v = [0; 16];
        // SAFETY: n < 16 bytes are readable.
        unsafe { short_tail::copy(p, v.as_mut_ptr().cast(), n) };
        v
    }
    #[inline(always)]
    fn dot_nibbles(self, sum: i32x8, [low, high]: [[i8; 16]; 2], x: [i8; 16]) -> i32x8 {
        let [lower, upper] = codes(x);
        sum + widened(low).dot(lower) + widened(high).dot(upper)
    }
    #[inline(always)]
    fn diff_nibbles(self, sum: i32x8, [low, high]: [[i8; 16]; 2], x: [i8; 16]) -> i32x8 {
        let [lower, upper] = codes(x);
        let low: i16x16 = widened(low) - (lower << 3_i32);
        let high: i16x16 = widened(high) - (upper << 3_i32);
        sum + low.dot(low) + high.dot(high)
    }
}

#[inline(always)]
fn widened(v: [i8; 16]) -> i16x16 {
    let mut out = [0; 16];
    for i in 0..16 {
        out[i] = i16::from(v[i]);
    }
    i16x16::new(out)
}

/// The lower and the upper codes of sixteen bytes.
#[inline(always)]
fn codes(v: [i8; 16]) -> [i16x16; 2] {
    let v = widened(v);
    [v & i16x16::splat(15), (v >> 4_i32) & i16x16::splat(15)]
}
