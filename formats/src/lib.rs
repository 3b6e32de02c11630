//! Reads common vector files as strided views, and writes them.
//!
//! | ending | holds | layout |
//! |---|---|---|
//! | `.fvecs` `.bvecs` `.ivecs` | f32, u8, i32 | each row: its dimension as i32, then its values |
//! | `.fbin` `.f16bin` `.bf16bin` `.u8bin` `.i8bin` `.ibin` | as named | rows and dimension as u32, then all values row by row |
//! | `.npy` | f64, f32, f16, u8, i8 | NumPy's format: two dimensions, C order, little-endian |
//! | `.jsonl` | f32 and ids | one `{"id": …, "vector": […]}` a line |
//! | `.txt` | ids | one a line |
//!
//! All numbers are little-endian. Files are not trusted: the length is compared with the header before the file is copied. A
//! [`FormatError`] names the file, the position, and the found and the expected value.
//!
//! ```
//! use omendb_formats::{NumberKind, VectorFile, VectorWriter};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("two.fbin");
//! let mut out = VectorWriter::create(&path, 3, NumberKind::F32)?;
//! out.push(None, &[1.0f32, 2.0, 3.0])?;
//! out.push(None, &[4.0f32, 5.0, 6.0])?;
//! out.finish()?;
//!
//! let file = VectorFile::open(&path)?;
//! assert_eq!((file.rows(), file.dim(), file.kind()), (2, 3, NumberKind::F32));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Rows and columns are counted from 0, lines of text from 1.

#![deny(unsafe_code)]

#[cfg(target_endian = "big")]
compile_error!("the files are little-endian and used as they are; this machine is big-endian");

mod bin;
mod error;
mod file;
mod float64;
mod ids;
mod input;
mod jsonl;
mod kind;
mod lines;
mod map;
mod npy;
mod number;
mod strided;
mod target;
mod truth;
mod vecs;
mod writer;

pub use error::FormatError;
pub use file::VectorFile;
pub use ids::{Ids, MAX_ID_BYTES, RowId, read_ids, write_ids};
pub use kind::FileKind;
pub use number::NumberKind;
pub use strided::Strided;
pub use truth::{Truth, read_truth};
pub use writer::{Row, VectorWriter};
