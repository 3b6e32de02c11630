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
//! [`Distance`] takes slices of a type known to the compiler, [`RowDistance`] byte views of a
//! type known at run time. Either is made once, for a metric and a dimension, and then costs
//! one indirect call each time, for one row or for many (and one more that compares the lengths of a
//! list of rows). [`RowTable`] says where rows lie that are asked for by number.
//!
//! # What the numbers are
//!
//! * `u8` and `i8` rows are summed exactly in integers where the query is of their type; squared L2 and
//!   the inner product are rounded once.
//! * All others are summed in `f32`, in an order that depends on the instruction set, the
//!   shape of the call, the row's place in it and the dimension, and on nothing else (for rows of f16 on
//!   `avx512bf16`, on whether the processor computes in half precision, too). The error is at
//!   most `(dim / 4 + 12) · 2⁻²⁴` of the sum of the terms' absolute values, and in practice a small part
//!   of it. A sum beyond `f32`'s range is infinite, and NaN where terms of both signs leave it; cosine
//!   needs `Σ x²` of either row between 2⁻¹⁰⁰ and 2¹²⁷, or 0. (Squared L2 of codes, and what
//!   [`RowDistance::between`] and [`RowDistance::block`] find, is made of products, and says there how good it is.)
//! * Subnormal numbers and ±0 are numbers like others; but of two rows of bf16, `avx512bf16` takes
//!   subnormal numbers and sums of products that are subnormal for 0. A NaN, or an infinity that meets its
//!   like in a difference or a zero in a product, in either row makes the distance NaN.

// The kernels' loops index several arrays by one constant-bounded index; iterators over them
// would be calls that the instruction set's context is not extended to.
#![allow(clippy::needless_range_loop)]

mod between;
mod block;
mod codes;
mod distance;
mod element;
mod error;
mod few;
mod formula;
mod hamming;
mod isa;
#[cfg(feature = "limits")]
pub mod limits;
mod metric;
mod nearest;
mod op;
pub mod oracle;
mod prefetch;
mod row_distance;
mod row_table;
mod shape;
mod sums;
mod table;
mod tile;

pub use codes::{CodeBits, CodeDistance, CodeQuery};
pub use distance::Distance;
pub use element::{Element, ElementKind};
pub use error::KernelError;
pub use half::{bf16, f16};
pub use hamming::Hamming;
pub use isa::{ISA_VARIABLE, Isa};
pub use metric::Metric;
pub use prefetch::prefetch_ref;
pub use row_distance::RowDistance;
pub use row_table::RowTable;

/// The largest dimension: up to it, sums of squared differences of bytes fit 32 bits.
pub const MAX_DIM: usize = 65_536;
