//! Packed codes: rows of 8, 4 or 1 bits an element, each row with a line of its own, `x ≈ low + step · code`, against
//! `f32` queries.
//!
//! A row's bytes are its codes, the first in the lowest bits, and then three little-endian `f32`: `low`, `step` and
//! `Σ x²` of the decoded row. A distance is a sum over the codes alone, `Σ q·x = low · Σ q + step · Σ q·code`, and a
//! little arithmetic with the sums of query and row. This is the locally adaptive quantization of Aguerrebere et al.
//! (arXiv 2304.04759, section 3) without its centring. Squared L2 is `Σ q² − 2 Σ q·x + Σ x²`: its error is relative to
//! the norms, not to the distance.

use crate::arithmetic::metric_sums::cosine_distance;
use crate::checks::check_rows;
use crate::isa::entry::Kernels;
use crate::loops::one_to_many::{Gathered, Strided};
use crate::{CodeBits, ElementKind, Isa, KernelError, MAX_DIM, Metric, RowTable, dispatch};
use core::fmt;

/// Bytes after a row's codes.
const TRAILER: usize = 12;

/// A query, with its sums.
#[derive(Debug, Clone)]
pub struct CodeQuery {
    values: Vec<f32>,
    sum: f32,
    squares: f32,
}

/// Distances between `f32` queries and rows of packed codes; also makes the codes.
#[derive(Clone, Copy)]
pub struct CodeDistance {
    kernels: Kernels,
    metric: Metric,
    bits: CodeBits,
    dim: usize,
    code_bytes: usize,
    isa: Isa,
}

impl CodeDistance {
    /// For rows of `dim` elements, on [`Isa::chosen`].
    ///
    /// # Errors
    /// [`KernelError::Empty`], [`KernelError::TooLong`] and those of [`Isa::chosen`].
    pub fn new(metric: Metric, bits: CodeBits, dim: usize) -> Result<Self, KernelError> {
        Self::with_isa(metric, bits, dim, Isa::chosen()?)
    }

    /// The same on an instruction set of the caller's choice.
    ///
    /// # Errors
    /// As [`CodeDistance::new`], and [`KernelError::MissingIsa`].
    pub fn with_isa(metric: Metric, bits: CodeBits, dim: usize, isa: Isa) -> Result<Self, KernelError> {
        let isa = isa.required()?;
        match dim {
            0 => return Err(KernelError::Empty),
            1..=MAX_DIM => {}
            _ => return Err(KernelError::TooLong { found: dim }),
        }
        let code_bytes = (dim * bits.bits()).div_ceil(8);
        Ok(Self { kernels: dispatch::find_codes(isa, bits), metric, bits, dim, code_bytes, isa })
    }

    /// Bytes of a row of codes.
    #[must_use]
    pub const fn row_bytes(&self) -> usize {
        self.code_bytes + TRAILER
    }

    /// The instruction set in use.
    #[must_use]
    pub const fn isa(&self) -> Isa {
        self.isa
    }

    /// What is computed and on what, as in `l2 f32×code8 128 avx512`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} f32×code{} {} {}", self.metric, self.bits.bits(), self.dim, self.isa)
    }

    /// Writes a row's codes.
    ///
    /// # Errors
    /// [`KernelError::Dimension`]; [`KernelError::Length`] unless `out` is one row of codes; [`KernelError::NotFinite`]
    /// for the first element that is infinite or NaN. Nothing is written then.
    pub fn encode(&self, row: &[f32], out: &mut [u8]) -> Result<(), KernelError> {
        self.check_values(row)?;
        self.check_codes(out, 0)?;
        if let Some(column) = row.iter().position(|x| !x.is_finite()) {
            return Err(KernelError::NotFinite { column, value: row[column].to_string() });
        }
        let (codes, trailer) = out.split_at_mut(self.code_bytes);
        codes.fill(0);
        let (low, step) = self.line(row);
        let most = self.most();
        let (bits, mut squares) = (self.bits.bits(), 0.0);
        for (i, &x) in row.iter().enumerate() {
            // In f64: the difference of two f32 may leave the range of f32.
            let (low, step) = (f64::from(low), f64::from(step));
            let code = if step > 0.0 { ((f64::from(x) - low) / step).round().clamp(0.0, most) } else { 0.0 };
            codes[i * bits / 8] |= (code as u8) << (i * bits % 8);
            let decoded = low + step * code;
            squares += decoded * decoded;
        }
        for (place, value) in trailer.chunks_exact_mut(4).zip([low, step, squares as f32]) {
            place.copy_from_slice(&value.to_le_bytes());
        }
        Ok(())
    }

    /// The largest code.
    fn most(&self) -> f64 {
        f64::from((1u32 << self.bits.bits()) - 1)
    }

    /// The line that a row's codes lie on.
    fn line(&self, row: &[f32]) -> (f32, f32) {
        let values = || row.iter().map(|&x| f64::from(x));
        let least = values().fold(f64::INFINITY, f64::min);
        let most = values().fold(f64::NEG_INFINITY, f64::max);
        let (low, step) = if self.bits != CodeBits::One {
            (least, (most - least) / self.most())
        } else {
            let mean = values().sum::<f64>() / row.len() as f64;
            let side = |upper: bool| {
                let of = || values().filter(move |&x| (x > mean) == upper);
                of().sum::<f64>() / of().count().max(1) as f64
            };
            // A row of one value has no element above its mean.
            if most > mean { (side(false), side(true) - side(false)) } else { (mean, 0.0) }
        };
        // The difference of two means at both ends of f32 is beyond f32.
        (low as f32, step.min(f64::from(f32::MAX)) as f32)
    }

    /// What a row of codes stands for.
    ///
    /// # Errors
    /// [`KernelError::Length`].
    pub fn decode(&self, codes: &[u8]) -> Result<Vec<f32>, KernelError> {
        self.check_codes(codes, 0)?;
        let (low, step, _) = self.trailer(codes);
        let (bits, mask) = (self.bits.bits(), u8::MAX >> (8 - self.bits.bits()));
        let (low, step) = (f64::from(low), f64::from(step));
        let value = |i: usize| (low + step * f64::from(codes[i * bits / 8] >> (i * bits % 8) & mask)) as f32;
        Ok((0..self.dim).map(value).collect())
    }

    /// Computes a query's sums, once for all its distances.
    ///
    /// # Errors
    /// [`KernelError::Dimension`].
    pub fn query(&self, values: &[f32]) -> Result<CodeQuery, KernelError> {
        self.check_values(values)?;
        let sum: f64 = values.iter().map(|&x| f64::from(x)).sum();
        let squares: f64 = values.iter().map(|&x| f64::from(x).powi(2)).sum();
        Ok(CodeQuery { values: values.to_vec(), sum: sum as f32, squares: squares as f32 })
    }

    /// The distance of one row of codes.
    ///
    /// # Errors
    /// [`KernelError::Dimension`] for another handle's query; [`KernelError::Length`].
    #[inline]
    pub fn pair(&self, query: &CodeQuery, codes: &[u8]) -> Result<f32, KernelError> {
        self.check_values(&query.values)?;
        self.check_codes(codes, 0)?;
        // SAFETY: query and codes are whole; the machine has the instruction set.
        let dot = unsafe { (self.kernels.pair)(query.values.as_ptr().cast(), codes.as_ptr(), self.dim) };
        Ok(self.finish(query, codes, -dot))
    }

    /// The distance of each of `rows`, in their order.
    ///
    /// # Errors
    /// As [`CodeDistance::pair`], and [`KernelError::Output`]; nothing is written then.
    pub fn gathered(&self, query: &CodeQuery, rows: &[&[u8]], out: &mut [f32]) -> Result<(), KernelError> {
        self.check_values(&query.values)?;
        if rows.len() != out.len() {
            return Err(KernelError::Output { expected: rows.len(), found: out.len() });
        }
        // SAFETY: the machine has the instruction set.
        if !unsafe { self.kernels.fit(rows, self.row_bytes(), 0) } {
            rows.iter().enumerate().try_for_each(|(i, row)| self.check_codes(row, i))?;
        }
        // SAFETY: query and rows are whole, `out` is as long; the machine has the instruction set.
        unsafe {
            let (query, list) = (query.values.as_ptr().cast(), Gathered(rows.as_ptr().cast()));
            (self.kernels.gathered)(query, list, rows.len(), self.dim, out.as_mut_ptr());
        }
        for (distance, codes) in out.iter_mut().zip(rows) {
            *distance = self.finish(query, codes, -*distance);
        }
        Ok(())
    }

    /// The distance of each of a table's rows of codes that `rows` names, in the order of `rows`.
    ///
    /// # Errors
    /// [`KernelError::Dimension`] for another handle's query; [`KernelError::Output`]; [`KernelError::Stride`] of the
    /// table, and [`KernelError::Row`]. Nothing is written then.
    pub fn picked(
        &self,
        query: &CodeQuery,
        table: &RowTable<'_>,
        rows: &[u32],
        out: &mut [f32],
    ) -> Result<(), KernelError> {
        self.check_values(&query.values)?;
        if rows.len() != out.len() {
            return Err(KernelError::Output { expected: rows.len(), found: out.len() });
        }
        table.check(self.row_bytes(), 1)?;
        let values = query.values.as_ptr().cast();
        // SAFETY: the query is whole, the table's rows are as long at least; `out` is as long as `rows`; the machine
        // has the instruction set.
        if !unsafe { (self.kernels.picked)(values, table, rows, self.dim, out.as_mut_ptr()) } {
            return Err(table.lacks(rows));
        }
        for (distance, &row) in out.iter_mut().zip(rows) {
            *distance = self.finish(query, table.bytes(row), -*distance);
        }
        Ok(())
    }

    /// The distance of each of the `out.len()` rows of codes in `rows`, which start `stride` bytes apart.
    ///
    /// # Errors
    /// [`KernelError::Dimension`] for another handle's query; [`KernelError::Stride`] and [`KernelError::Length`];
    /// nothing is written then.
    pub fn scan(&self, query: &CodeQuery, rows: &[u8], stride: usize, out: &mut [f32]) -> Result<(), KernelError> {
        self.check_values(&query.values)?;
        check_rows(rows, stride, out.len(), self.row_bytes(), ElementKind::U8)?;
        let values = query.values.as_ptr().cast();
        // SAFETY: the query is whole, and out.len() whole rows were found; the machine has the instruction set.
        unsafe {
            let rows = Strided { first: rows.as_ptr(), stride };
            (self.kernels.scan)(values, rows, out.len(), self.dim, out.as_mut_ptr());
        }
        for (i, distance) in out.iter_mut().enumerate() {
            *distance = self.finish(query, &rows[i * stride..], -*distance);
        }
        Ok(())
    }

    /// A distance from `Σ q·code`.
    #[inline]
    fn finish(&self, query: &CodeQuery, codes: &[u8], dot: f32) -> f32 {
        let (low, step, squares) = self.trailer(codes);
        let dot = low * query.sum + step * dot;
        match self.metric {
            Metric::L2 => match query.squares - 2.0 * dot + squares {
                // Rounding may leave less than 0. NaN stays NaN.
                squared if squared < 0.0 => 0.0,
                squared => squared,
            },
            Metric::InnerProduct => -dot,
            Metric::Cosine => cosine_distance(dot, query.squares.sqrt(), squares.sqrt()),
        }
    }

    #[inline]
    fn trailer(&self, codes: &[u8]) -> (f32, f32, f32) {
        let [low, step, squares, ..] = codes[self.code_bytes..].as_chunks().0 else {
            return (f32::NAN, f32::NAN, f32::NAN);
        };
        (f32::from_le_bytes(*low), f32::from_le_bytes(*step), f32::from_le_bytes(*squares))
    }

    #[inline]
    fn check_values(&self, values: &[f32]) -> Result<(), KernelError> {
        let (expected, found) = (self.dim, values.len());
        if found != expected {
            return Err(KernelError::Dimension { expected, found, row: 0 });
        }
        Ok(())
    }

    #[inline]
    fn check_codes(&self, codes: &[u8], row: usize) -> Result<(), KernelError> {
        let (expected, found) = (self.row_bytes(), codes.len());
        if found != expected {
            return Err(KernelError::Length { expected, found, row });
        }
        Ok(())
    }
}

impl fmt::Debug for CodeDistance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CodeDistance").field(&self.name()).finish()
    }
}
