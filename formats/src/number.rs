//! The types of the numbers in files.

use std::fmt;

/// The type of the numbers in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NumberKind {
    /// f64: 64-bit IEEE numbers. [`VectorFile::converted`](crate::VectorFile::converted) makes rows to index of them.
    F64,
    /// f32: 32-bit IEEE numbers.
    F32,
    /// f16: 16-bit IEEE numbers.
    F16,
    /// bf16: the upper 16 bits of an f32.
    Bf16,
    /// Unsigned bytes.
    U8,
    /// Signed bytes.
    I8,
    /// 32-bit integers: neighbours, never rows to index.
    I32,
}

impl NumberKind {
    /// The bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::U8 | Self::I8 => 1,
        }
    }
}

impl fmt::Display for NumberKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F64 => "f64",
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::I32 => "i32",
        })
    }
}
