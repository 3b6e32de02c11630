//! The element types rows are made of.

use crate::KernelError;
use crate::handles::row_distance::check;
use core::{fmt, str::FromStr};
use half::slice::HalfFloatSliceExt;
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

    /// Reads elements of this type as `f32`, exactly.
    ///
    /// # Errors
    /// [`KernelError::Length`] unless `bytes` are `out.len()` elements, and [`KernelError::Misaligned`] unless they are
    /// aligned to this type.
    pub fn read(self, bytes: &[u8], out: &mut [f32]) -> Result<(), KernelError> {
        if bytes.is_empty() && out.is_empty() {
            return Ok(());
        }
        check(bytes, out.len() * self.size(), self, 0)?;
        match self {
            Self::F32 => out.copy_from_slice(bytemuck::cast_slice(bytes)),
            Self::F16 => bytemuck::cast_slice::<u8, f16>(bytes).convert_to_f32_slice(out),
            Self::Bf16 => bytemuck::cast_slice::<u8, bf16>(bytes).convert_to_f32_slice(out),
            Self::U8 => out.iter_mut().zip(bytes).for_each(|(out, byte)| *out = f32::from(*byte)),
            Self::I8 => out.iter_mut().zip(bytes).for_each(|(out, byte)| *out = f32::from(*byte as i8)),
        }
        Ok(())
    }
}

impl fmt::Display for ElementKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ElementKind {
    type Err = KernelError;

    fn from_str(name: &str) -> Result<Self, KernelError> {
        Self::ALL.into_iter().find(|k| k.name() == name).ok_or_else(|| KernelError::UnknownName {
            what: "element type",
            name: name.to_owned(),
            known: "f32, f16, bf16, u8, i8",
        })
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
