//! The element types rows are made of.

use core::fmt;
use half::{bf16, f16};

/// The element type of a row, known at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ElementKind {
    /// f32: IEEE 754, 32 bits.
    F32,
    /// f16: IEEE 754, 16 bits.
    F16,
    /// bf16: the upper 16 bits of an f32.
    Bf16,
    /// Unsigned bytes.
    U8,
    /// Signed bytes.
    I8,
}

impl ElementKind {
    /// All element types.
    pub const ALL: [Self; 5] = [Self::F32, Self::F16, Self::Bf16, Self::U8, Self::I8];

    /// Bytes of one element, which is also its alignment.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::U8 | Self::I8 => 1,
        }
    }

    /// The name in options, files and tables: `f32`, `f16`, `bf16`, `u8`, `i8`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::U8 => "u8",
            Self::I8 => "i8",
        }
    }
}

impl fmt::Display for ElementKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

mod sealed {
    pub trait Sealed {}
}

/// An element type of rows: `f32`, [`struct@f16`], [`bf16`], `u8`, `i8`.
pub trait Element: bytemuck::Pod + Send + Sync + sealed::Sealed {
    /// The same type, as a value.
    const KIND: ElementKind;

    /// The number, exactly.
    fn to_f64(self) -> f64;

    /// The number, exactly: every element type is a subset of `f32`.
    fn to_f32(self) -> f32;
}

macro_rules! element {
    ($($type:ty, $kind:ident;)*) => {$(
        impl sealed::Sealed for $type {}
        impl Element for $type {
            const KIND: ElementKind = ElementKind::$kind;

            #[inline]
            fn to_f64(self) -> f64 {
                self.into()
            }

            #[inline]
            fn to_f32(self) -> f32 {
                self.into()
            }
        }
    )*};
}

element! {
    f32, F32;
    f16, F16;
    bf16, Bf16;
    u8, U8;
    i8, I8;
}
