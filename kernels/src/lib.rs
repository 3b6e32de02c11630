//! Distances between rows of numbers, at the speed of the machine, chosen at run time.
//!
//! ```
//! use omendb_kernels::{Distance, Metric};
//!
//! let cosine = Distance::<f32>::new(Metric::Cosine, 4)?;
//! let (query, rows) = ([1.0, 0.0, 0.0, 0.0], [[2.0, 0.0, 0.0, 0.0], [0.0, 3.0, 0.0, 0.0]]);
//! let mut out = [0.0; 2];
//! cosine.gathered(&query, &[&rows[0], &rows[1]], &mut out)?;
//! assert_eq!(out, [0.0, 1.0]);
//! # Ok::<(), omendb_kernels::KernelError>(())
//! ```
//!
//! # Which handle for what
//!
//! | rows | handle |
//! |---|---|
//! | slices of a type known to the compiler | [`Distance`] |
//! | bytes of a type known at run time | [`RowDistance`] |
//! | codes of 8, 4 or 1 bits, queries of `f32` | [`CodeDistance`] |
//! | codes of 4 bits, queries of 8 | [`NibbleDistance`] |
//! | bits | [`Hamming`] |
//! | two rows, once | [`distance()`], without a handle |
//! | the definitions, in `f64` | [`oracle`] |
//!
//! | rows of a call | method |
//! |---|---|
//! | one | `pair` |
//! | a list of slices | `gathered` |
//! | slots of a [`RowTable`] | `picked` |
//! | contiguous rows | `scan` |
//! | many rows of a table from many | [`RowDistance::between`] |
//!
//! A handle is made once, for a metric and a dimension. It is `Copy`. A call costs one indirect call, for one row or for
//! many, and one more that compares the lengths of a list of rows.
//!
//! # Accuracy
//!
//! * Rows of `u8` and `i8` are summed exactly in integers where the query has their type. Squared L2 and the inner
//!   product are rounded once.
//! * All others are summed in `f32`. The order depends on the instruction set, the shape of the call, the row's position
//!   in it and the dimension, and on nothing else. For rows of f16 on `avx512bf16` it also depends on whether the
//!   processor has AVX-512 FP16. The error is at most `(dim / 4 + 12) · 2⁻²⁴` of the sum of the terms' absolute values,
//!   and usually a small part of it. Squared L2 of codes, and what [`RowDistance::between`] computes, is made
//!   of products; they say how exact it is.
//! * A sum beyond the range of `f32` is infinite, and NaN where terms of both signs leave it. Cosine needs `Σ x²` of
//!   either row between 2⁻¹⁰⁰ and 2¹²⁷, or 0.
//! * Subnormal numbers and ±0 count like others. One exception: between two rows of bf16, `avx512bf16` takes subnormal
//!   elements and subnormal sums of products for 0.
//! * A NaN in either row makes the distance NaN. So does an infinity that meets its like in a difference, or a zero in a
//!   product.

// The loops index several arrays by one index with a constant bound. Iterators would be calls, which the compiler need
// not inline into the functions that enable an instruction set.
#![allow(clippy::needless_range_loop)]

mod arithmetic;
mod cell;
mod checks;
mod dispatch;
mod element;
mod error;
mod handles;
mod isa;
#[cfg(feature = "limits")]
pub mod limits;
mod loops;
mod metric;
mod names;
pub mod oracle;
mod prefetch;
mod quantized;
mod read;
mod row_table;

pub use element::{Element, ElementKind};
pub use error::KernelError;
pub use half::{bf16, f16};
pub use handles::distance::{Distance, distance};
pub use handles::hamming::Hamming;
pub use handles::row_distance::RowDistance;
pub use isa::detect::ISA_VARIABLE;
pub use isa::name::Isa;
pub use metric::Metric;
pub use prefetch::prefetch_ref;
pub use quantized::code_bits::CodeBits;
pub use quantized::codes::{CodeDistance, CodeQuery};
pub use quantized::nibbles::{NibbleDistance, NibbleQuery};
pub use row_table::RowTable;

/// The largest dimension. Up to it, sums of squared differences of bytes fit 32 bits.
pub const MAX_DIM: usize = 65_536;
