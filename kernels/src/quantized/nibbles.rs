//! Rows of 4-bit codes against queries of 8 bits, in exact integer sums.
//!
//! A code stands for a place on a grid; what the grid means is the caller's. A byte has two codes, the first in its lower
//! bits. The query is on the grid of the metric:
//!
//! * squared L2: `Σ (q − 8 c)²`. A query value is on a grid eight times as fine, from 0 to 127.
//! * inner product, and cosine of rows of norm 1: `−Σ q·c`. A query value is a weight, from −127 to 127.
//!
//! Each sum is an integer below 2³¹, and is rounded once, to f32. So it is the same on every instruction set.

use crate::isa::entry::Kernels;
use crate::{Isa, KernelError, MAX_DIM, Metric, RowTable, dispatch};
use core::fmt;

/// The least and the largest value of a query, and the largest code.
const LARGEST: (i8, u8) = (127, 15);

/// One cache line of a query.
#[derive(Debug, Clone, Copy, bytemuck::Zeroable, bytemuck::Pod)]
#[repr(C, align(64))]
struct Line([i8; 64]);

/// A query as the kernels of one handle read it; see [`NibbleDistance::prepare`].
///
/// For each step it has a value for the lower code of each byte of the step, then one for each upper code. Zeros fill it up
/// to whole steps.
#[derive(Debug, Clone, Default)]
pub struct NibbleQuery {
    lines: Vec<Line>,
    dim: usize,
    step: usize,
}

/// Distances between queries of 8 bits and rows of 4-bit codes.
#[derive(Clone, Copy)]
pub struct NibbleDistance {
    kernels: Kernels,
    metric: Metric,
    dim: usize,
    /// Bytes of a row that the kernels take at a time.
    step: usize,
    isa: Isa,
}

impl NibbleDistance {
    /// For rows of `dim` codes, on [`Isa::chosen`].
    ///
    /// # Errors
    /// [`KernelError::Empty`], [`KernelError::TooLong`] and those of [`Isa::chosen`].
    pub fn new(metric: Metric, dim: usize) -> Result<Self, KernelError> {
        Self::with_isa(metric, dim, Isa::chosen()?)
    }

    /// The same on an instruction set of the caller's choice.
    ///
    /// # Errors
    /// As [`NibbleDistance::new`], and [`KernelError::MissingIsa`].
    pub fn with_isa(metric: Metric, dim: usize, isa: Isa) -> Result<Self, KernelError> {
        let isa = isa.required()?;
        match dim {
            0 => return Err(KernelError::Empty),
            1..=MAX_DIM => {}
            _ => return Err(KernelError::TooLong { found: dim }),
        }
        let (kernels, step) = dispatch::find_nibbles(isa, metric);
        Ok(Self { kernels, metric, dim, step, isa })
    }

    /// Bytes of a row.
    #[must_use]
    pub const fn row_bytes(&self) -> usize {
        self.dim.div_ceil(2)
    }

    /// The instruction set in use.
    #[must_use]
    pub const fn isa(&self) -> Isa {
        self.isa
    }

    /// What is computed and on what, as in `l2 i8×code4 128 avx512vnni`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} i8×code4 {} {}", self.metric, self.dim, self.isa)
    }

    /// Packs the codes of a row. A code above 15 counts as 15.
    ///
    /// # Errors
    /// [`KernelError::Dimension`]; [`KernelError::Length`] unless `out` is one row. Nothing is written then.
    pub fn pack(&self, codes: &[u8], out: &mut [u8]) -> Result<(), KernelError> {
        self.check_dim(codes.len())?;
        self.check_row(out)?;
        for (byte, pair) in out.iter_mut().zip(codes.chunks(2)) {
            let [lower, upper] = [pair[0], pair.get(1).copied().unwrap_or(0)].map(|code| code.min(LARGEST.1));
            *byte = lower | upper << 4;
        }
        Ok(())
    }

    /// Makes a query of its values, in place of what `query` was. Values outside the metric's range count as the nearest
    /// within it.
    ///
    /// # Errors
    /// [`KernelError::Dimension`]. `query` is unchanged then.
    pub fn prepare(&self, values: &[i8], query: &mut NibbleQuery) -> Result<(), KernelError> {
        self.check_dim(values.len())?;
        let least = if matches!(self.metric, Metric::L2) { 0 } else { -LARGEST.0 };
        let bytes = 2 * self.row_bytes().next_multiple_of(self.step);
        query.lines.clear();
        query.lines.resize(bytes.div_ceil(size_of::<Line>()), Line([0; 64]));
        (query.dim, query.step) = (self.dim, self.step);
        let places: &mut [i8] = bytemuck::cast_slice_mut(&mut query.lines);
        for (step, values) in places.chunks_exact_mut(2 * self.step).zip(values.chunks(2 * self.step)) {
            let (lower, upper) = step.split_at_mut(self.step);
            for ((lower, upper), pair) in lower.iter_mut().zip(upper).zip(values.chunks(2)) {
                *lower = pair[0].max(least);
                *upper = pair.get(1).map_or(0, |value| *value.max(&least));
            }
        }
        Ok(())
    }

    /// The distance of one row.
    ///
    /// # Errors
    /// [`KernelError::Dimension`] for a query that this handle did not prepare; [`KernelError::Length`].
    #[inline]
    pub fn pair(&self, query: &NibbleQuery, row: &[u8]) -> Result<f32, KernelError> {
        let values = self.values(query)?;
        self.check_row(row)?;
        // SAFETY: the query has whole steps, and the row is whole; the machine has the instruction set.
        Ok(unsafe { (self.kernels.pair)(values, row.as_ptr(), self.row_bytes()) })
    }

    /// The distance of each of a table's rows that `rows` names, in the order of `rows`.
    ///
    /// # Errors
    /// As [`NibbleDistance::pair`]; [`KernelError::Output`]; [`KernelError::Stride`] of the table, and
    /// [`KernelError::Row`]. Nothing is written then.
    pub fn picked(
        &self,
        query: &NibbleQuery,
        table: &RowTable<'_>,
        rows: &[u32],
        out: &mut [f32],
    ) -> Result<(), KernelError> {
        let values = self.values(query)?;
        if rows.len() != out.len() {
            return Err(KernelError::Output { expected: rows.len(), found: out.len() });
        }
        table.check(self.row_bytes(), 1)?;
        // SAFETY: the query has whole steps, and the table's rows are as long at least; `out` is as long as `rows`; the
        // machine has the instruction set.
        let done = unsafe { (self.kernels.picked)(values, table, rows, self.row_bytes(), out.as_mut_ptr()) };
        if done { Ok(()) } else { Err(table.lacks(rows)) }
    }

    #[inline]
    fn values(&self, query: &NibbleQuery) -> Result<*const u8, KernelError> {
        self.check_dim(query.dim)?;
        if query.step != self.step {
            return Err(KernelError::Length { expected: self.step, found: query.step, row: 0 });
        }
        Ok(query.lines.as_ptr().cast())
    }

    #[inline]
    fn check_dim(&self, found: usize) -> Result<(), KernelError> {
        let expected = self.dim;
        if found != expected {
            return Err(KernelError::Dimension { expected, found, row: 0 });
        }
        Ok(())
    }

    #[inline]
    fn check_row(&self, row: &[u8]) -> Result<(), KernelError> {
        let (expected, found) = (self.row_bytes(), row.len());
        if found != expected {
            return Err(KernelError::Length { expected, found, row: 0 });
        }
        Ok(())
    }
}

impl fmt::Debug for NibbleDistance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NibbleDistance").field(&self.name()).finish()
    }
}
