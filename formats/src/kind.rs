//! Kinds of files, by their endings.

use std::path::Path;

use crate::{FormatError, NumberKind};

/// A kind of file, known by its ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// `.fvecs`: f32, each row after its dimension.
    Fvecs,
    /// `.bvecs`: u8, each row after its dimension.
    Bvecs,
    /// `.ivecs`: i32, each row after its dimension.
    Ivecs,
    /// `.fbin`: f32 after rows and dimension.
    Fbin,
    /// `.f16bin`: f16 after rows and dimension.
    F16bin,
    /// `.bf16bin`: bf16 after rows and dimension.
    Bf16bin,
    /// `.u8bin`: u8 after rows and dimension.
    U8bin,
    /// `.i8bin`: i8 after rows and dimension.
    I8bin,
    /// `.ibin`: i32 after rows and dimension.
    Ibin,
    /// `.npy`: NumPy's array file.
    Npy,
    /// `.jsonl`: a JSON object a line, with id and vector.
    Jsonl,
    /// `.txt`: an id a line.
    Txt,
}

impl FileKind {
    /// The kinds that hold rows to index.
    pub const ROWS: &[Self] = Self::VECTORS.split_at(9).0;
    /// The kinds that hold row numbers of neighbours.
    pub const NEIGHBOURS: &[Self] = Self::VECTORS.split_at(9).1;
    /// The kinds that hold rows of numbers: rows to index, then neighbours.
    pub const VECTORS: &[Self] = &[
        Self::Fvecs,
        Self::Bvecs,
        Self::Fbin,
        Self::F16bin,
        Self::Bf16bin,
        Self::U8bin,
        Self::I8bin,
        Self::Npy,
        Self::Jsonl,
        Self::Ibin,
        Self::Ivecs,
    ];

    /// The kind that the ending of `path` names (in either case), one of `kinds`.
    ///
    /// # Errors
    /// [`FormatError::Ending`] for any other ending, or none.
    pub fn among(path: &Path, kinds: &[Self]) -> Result<Self, FormatError> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        kinds.iter().copied().find(|kind| ending.as_deref() == Some(kind.ending())).ok_or_else(|| {
            let names: Vec<_> = kinds.iter().map(|kind| format!(".{}", kind.ending())).collect();
            FormatError::Ending {
                file: path.into(),
                found: ending.map_or_else(|| "no ending".into(), |e| format!(".{e}")),
                expected: names.join(" "),
            }
        })
    }

    /// The ending, without the dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Fvecs => "fvecs",
            Self::Bvecs => "bvecs",
            Self::Ivecs => "ivecs",
            Self::Fbin => "fbin",
            Self::F16bin => "f16bin",
            Self::Bf16bin => "bf16bin",
            Self::U8bin => "u8bin",
            Self::I8bin => "i8bin",
            Self::Ibin => "ibin",
            Self::Npy => "npy",
            Self::Jsonl => "jsonl",
            Self::Txt => "txt",
        }
    }

    /// The numbers that files of this kind can hold; none for `.txt`.
    pub fn numbers(self) -> &'static [NumberKind] {
        use NumberKind::{Bf16, F16, F32, F64, I8, I32, U8};
        match self {
            Self::Fvecs | Self::Fbin => &[F32],
            Self::Bvecs | Self::U8bin => &[U8],
            Self::Ivecs | Self::Ibin => &[I32],
            Self::F16bin => &[F16],
            Self::Bf16bin => &[Bf16],
            Self::I8bin => &[I8],
            Self::Npy => &[F32, F16, U8, I8, F64],
            Self::Jsonl => &[F32, F16, Bf16, U8, I8],
            Self::Txt => &[],
        }
    }
}
