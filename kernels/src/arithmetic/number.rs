//! The numbers that sums are: `f32`, or integers modulo 2³².

use bytemuck::Pod;
use core::num::Wrapping;
use core::ops::{Add, Sub};

/// A sum, before it is rounded to `f32`.
pub(crate) trait Number: Pod + Add<Output = Self> + Sub<Output = Self> {
    /// Rounded once. `signed` says that the upper bit of an integer is a sign.
    fn round(self, signed: bool) -> f32;
}

impl Number for f32 {
    #[inline(always)]
    fn round(self, _signed: bool) -> f32 {
        self
    }
}

impl Number for Wrapping<u32> {
    #[inline(always)]
    fn round(self, signed: bool) -> f32 {
        if signed { self.0.cast_signed() as f32 } else { self.0 as f32 }
    }
}
