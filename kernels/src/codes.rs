//! Packed codes: rows of 8, 4 or 1 bits an element, each with a line of its own,
//! `x ≈ low + step · code`, against `f32` queries.
//!
//! A row's bytes are its codes, the first in the lowest bits, and then three little-endian
//! `f32`: `low`, `step` and the decoded row's `Σ x²`. A distance is a sum over the codes alone,
//! `Σ q·x = low · Σ q + step · Σ q·code`, and a little arithmetic with what is known of either
//! side: the locally adaptive quantization of Aguerrebere et al. (arXiv 2304.04759, section 3)
//! without its centring. Squared L2 comes as `Σ q² − 2 Σ q·x + Σ x²`: its error is relative to
//! the norms, not to the distance.

use crate::isa::Shapes;
use crate::{Isa, KernelError, MAX_DIM, Metric, table};

/// Bits of an element's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodeBits {
    /// 256 steps between a row's least and greatest element.
    Eight,
    /// 16 steps.
    Four,
    /// Two: the means of what lies below and of what lies above the row's mean.
    One,
}

impl CodeBits {
    /// All widths.
    pub const ALL: [Self; 3] = [Self::Eight, Self::Four, Self::One];

    /// As a number.
    #[must_use]
    pub const fn bits(self) -> usize {
        match self {
            Self::Eight => 8,
            Self::Four => 4,
            Self::One => 1,
        }
    }
}

/// Bytes behind a row's codes.
const TRAILER: usize = 12;

/// A query with what its distances to codes need to know of it.
#[derive(Debug, Clone)]
pub struct CodeQuery {
    values: Vec<f32>,
    sum: f32,
    squares: f32,
}

/// Distances between `f32` queries and rows of packed codes; also makes the codes.
#[derive(Clone, Copy)]
pub struct CodeDistance {
    shapes: Shapes,
    metric: Metric,
    bits: CodeBits,
    dim: usize,
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
        Ok(Self { shapes: table::find_codes(isa, bits), metric, bits, dim, isa })
    }

    /// Bytes of a row of codes.
    #[must_use]
    pub const fn row_bytes(&self) -> usize {
        self.code_bytes() + TRAILER
    }

    /// The instruction set in use.
    #[must_use]
    pub const fn isa(&self) -> Isa {
        self.isa
    }

    const fn code_bytes(&self) -> usize {
        (self.dim * self.bits.bits()).div_ceil(8)
    }

    /// Writes a row's codes.
    ///
    /// # Errors
    /// [`KernelError::Dimension`]; [`KernelError::Length`] unless `out` is one row of codes.
    pub fn encode(&self, row: &[f32], out: &mut [u8]) -> Result<(), KernelError> {
        self.check_values(row)?;
        self.check_codes(out, 0)?;
        let (codes, trailer) = out.split_at_mut(self.code_bytes());
        codes.fill(0);
        let (low, step) = self.line(row);
        let most = ((1u32 << self.bits.bits()) - 1) as f32;
        let (bits, mut squares) = (self.bits.bits(), 0.0);
        for (i, &x) in row.iter().enumerate() {
            let code = if step > 0.0 { ((x - low) / step).round().clamp(0.0, most) } else { 0.0 };
            codes[i * bits / 8] |= (code as u8) << (i * bits % 8);
            let decoded = f64::from(low) + f64::from(step) * f64::from(code);
            squares += decoded * decoded;
        }
        for (place, value) in trailer.chunks_exact_mut(4).zip([low, step, squares as f32]) {
            place.copy_from_slice(&value.to_le_bytes());
        }
        Ok(())
    }

    /// The line that a row's codes lie on.
    fn line(&self, row: &[f32]) -> (f32, f32) {
        let least = row.iter().copied().fold(f32::INFINITY, f32::min);
        let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if self.bits != CodeBits::One {
            return (least, (most - least) / ((1u32 << self.bits.bits()) - 1) as f32);
        }
        let mean = row.iter().sum::<f32>() / row.len() as f32;
        let side = |upper: bool| {
            let of = || row.iter().filter(move |&&x| (x > mean) == upper);
            of().sum::<f32>() / of().count().max(1) as f32
        };
        // A row of one value has nothing above its mean.
        if most > mean { (side(false), side(true) - side(false)) } else { (mean, 0.0) }
    }

    /// What a row of codes stands for.
    ///
    /// # Errors
    /// [`KernelError::Length`].
    pub fn decode(&self, codes: &[u8]) -> Result<Vec<f32>, KernelError> {
        self.check_codes(codes, 0)?;
        let (low, step, _) = self.trailer(codes);
        let (bits, mask) = (self.bits.bits(), u8::MAX >> (8 - self.bits.bits()));
        let value = |i: usize| low + step * f32::from(codes[i * bits / 8] >> (i * bits % 8) & mask);
        Ok((0..self.dim).map(value).collect())
    }

    /// Takes a query's sums, once for all its distances.
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
        let dot = unsafe { (self.shapes.pair)(query.values.as_ptr().cast(), codes.as_ptr(), self.dim) };
        Ok(self.finish(query, codes, -dot))
    }

    /// The distance of each of `rows`, into the same place of `out`.
    ///
    /// # Errors
    /// As [`CodeDistance::pair`], and [`KernelError::Output`]; nothing is written then.
    pub fn gathered(&self, query: &CodeQuery, rows: &[&[u8]], out: &mut [f32]) -> Result<(), KernelError> {
        self.check_values(&query.values)?;
        if rows.len() != out.len() {
            return Err(KernelError::Output { expected: rows.len(), found: out.len() });
        }
        // SAFETY: the machine has the instruction set.
        if !unsafe { self.shapes.fit(rows, self.row_bytes(), 0) } {
            rows.iter().enumerate().try_for_each(|(i, row)| self.check_codes(row, i))?;
        }
        // SAFETY: query and rows are whole, `out` is as long; the machine has the instruction set.
        unsafe {
            let (query, list) = (query.values.as_ptr().cast(), rows.as_ptr().cast());
            (self.shapes.fetching)(query, list, rows.len(), self.dim, out.as_mut_ptr());
        }
        for (distance, codes) in out.iter_mut().zip(rows) {
            *distance = self.finish(query, codes, -*distance);
        }
        Ok(())
    }

    /// A distance from `Σ q·code`.
    #[inline]
    fn finish(&self, query: &CodeQuery, codes: &[u8], dot: f32) -> f32 {
        let (low, step, squares) = self.trailer(codes);
        let dot = low * query.sum + step * dot;
        match self.metric {
            Metric::L2 => query.squares - 2.0 * dot + squares,
            Metric::InnerProduct => -dot,
            Metric::Cosine => {
                let norms = query.squares.sqrt() * squares.sqrt();
                if norms == 0.0 { 1.0 } else { 1.0 - dot / norms }
            }
        }
    }

    #[inline]
    fn trailer(&self, codes: &[u8]) -> (f32, f32, f32) {
        let number = |i: usize| {
            let at = self.code_bytes() + 4 * i;
            f32::from_le_bytes([codes[at], codes[at + 1], codes[at + 2], codes[at + 3]])
        };
        (number(0), number(1), number(2))
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
