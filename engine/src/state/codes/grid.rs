//! The grid of 4-bit codes: what a code stands for in each column, `x ≈ low + step · code`.
//!
//! All columns have one step, so that the squared Euclidean distance is a sum of squared differences of codes. Codes order
//! rows by it for every metric. Rows that have codes are of about equal norm under the inner product, and of norm 1 under
//! cosine. For a query of the same norm, which may be given to it, all three metrics order them alike. The error of products
//! would grow with the norms, and this one grows with the distance.

use omendb_kernels::{Isa, KernelError, Metric, NibbleDistance, NibbleQuery};
use rayon::prelude::*;

/// The largest code.
const LARGEST: f32 = 15.0;

/// Rounds of fitting: codes by the grid, then the grid by the codes.
const ROUNDS: usize = 10;

/// Query values per step of the grid.
const FINER: f32 = 8.0;

/// The largest query value.
const LARGEST_VALUE: f32 = 127.0;

/// A query outside the grid may lose so many times what rounding loses.
const OUTSIDE: f32 = 4.0;

/// A grid, and the kernels for its codes.
#[derive(Debug)]
pub(crate) struct Grid {
    pub(super) distance: NibbleDistance,
    pub(super) low: Vec<f32>,
    pub(super) step: f32,
    /// The norm that queries are given. 0 under squared L2, where they keep their own.
    pub(super) norm: f32,
}

impl Grid {
    pub(super) fn new(isa: Isa, low: Vec<f32>, step: f32, norm: f32) -> Result<Self, KernelError> {
        Ok(Grid { distance: NibbleDistance::with_isa(Metric::L2, low.len(), isa)?, low, step, norm })
    }

    /// The grid that fits `rows` (of `dim` values each) with least squared error, as far as some rounds of fitting find it.
    /// Runs in the current rayon pool.
    pub(super) fn fitted(metric: Metric, dim: usize, isa: Isa, rows: &[f32]) -> Result<Self, KernelError> {
        let columns: Vec<Vec<f32>> =
            (0..dim).into_par_iter().map(|column| rows.iter().skip(column).step_by(dim).copied().collect()).collect();
        let (mut low, mut step) = (Vec::with_capacity(dim), 0.0f32);
        for column in &columns {
            let least = column.iter().copied().fold(f32::INFINITY, f32::min);
            let most = column.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            low.push(least);
            // Divided first: the difference of two f32 may be beyond f32.
            step = step.max(most / LARGEST - least / LARGEST);
        }
        for _ in 0..ROUNDS {
            // Least squares of x over the codes: Σ (x − x̄)(c − c̄) / Σ (c − c̄)², of all columns together.
            let fits: Vec<[f64; 4]> =
                columns.par_iter().zip(&low).map(|(column, &low)| means(column, low, step)).collect();
            let (mut covariance, mut variance) = (0.0, 0.0);
            for (low, [x, c, product, square]) in low.iter_mut().zip(fits) {
                covariance += product - x * c;
                variance += square - c * c;
                *low = (x - f64::from(step) * c) as f32;
            }
            if variance > 0.0 {
                step = (covariance / variance) as f32;
            }
        }
        let norm = match metric {
            Metric::L2 => 0.0,
            _ => rows.chunks(dim).map(squared_norm).sum::<f32>() / (rows.len() / dim) as f32,
        };
        Self::new(isa, low, step, norm.sqrt())
    }

    pub(super) fn row_bytes(&self) -> usize {
        self.distance.row_bytes()
    }

    /// Writes the packed codes of a row, and returns the squared error. `codes` is memory to be used.
    pub(super) fn encode(&self, row: &[f32], codes: &mut Vec<u8>, out: &mut [u8]) -> f64 {
        codes.clear();
        let (mut error, per_unit) = (0.0, per_unit(self.step));
        codes.extend(row.iter().zip(&self.low).map(|(&x, &low)| {
            let code = code(x, low, per_unit);
            error += (x - low - self.step * code).powi(2);
            code as u8
        }));
        self.distance.pack(codes, out).expect("a row of the grid's dimension");
        f64::from(error)
    }

    /// Prepares a query, unless it is so far outside the grid that codes cannot order rows for it. `values` is memory to be
    /// used.
    pub(crate) fn prepare(&self, query: &[f32], values: &mut Vec<i8>, prepared: &mut NibbleQuery) -> bool {
        let scale = if self.norm > 0.0 { self.norm / squared_norm(query).sqrt() } else { 1.0 };
        let finer = FINER * per_unit(self.step);
        let mut outside = 0.0;
        values.clear();
        values.extend(query.iter().zip(&self.low).map(|(&x, &low)| {
            let place = (x * scale - low) * finer;
            let value = place.clamp(0.0, LARGEST_VALUE);
            outside += (place - value).powi(2);
            rounded(value, LARGEST_VALUE) as i8
        }));
        // Rounding by up to half a step on either side.
        let rounding = FINER.powi(2) / 12.0 * query.len() as f32;
        self.distance.prepare(values, prepared).expect("a query of the grid's dimension");
        // Not if it is NaN.
        outside <= OUTSIDE * rounding
    }
}

/// The means of x, c, x·c and c² of a column.
fn means(column: &[f32], low: f32, step: f32) -> [f64; 4] {
    let per_unit = per_unit(step);
    let mut sums = [0.0; 4];
    for &x in column {
        let (x, c) = (f64::from(x), f64::from(code(x, low, per_unit)));
        sums = [sums[0] + x, sums[1] + c, sums[2] + x * c, sums[3] + c * c];
    }
    sums.map(|sum| sum / column.len() as f64)
}

fn squared_norm(row: &[f32]) -> f32 {
    row.iter().map(|x| x * x).sum()
}

/// The code of a value. `per_unit` is the number of steps in a unit.
#[inline(always)]
fn code(x: f32, low: f32, per_unit: f32) -> f32 {
    rounded((x - low) * per_unit, LARGEST)
}

/// The nearest whole number from 0 to `largest`; 0 for NaN. A call of `round` for each value would take most of the time.
#[inline(always)]
fn rounded(value: f32, largest: f32) -> f32 {
    f32::from((value + 0.5).clamp(0.0, largest) as u8)
}

/// Steps in a unit; 0 if all values are the same.
fn per_unit(step: f32) -> f32 {
    if step > 0.0 { 1.0 / step } else { 0.0 }
}
