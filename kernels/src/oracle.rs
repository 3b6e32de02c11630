//! Each metric as its definition reads, in `f64`, one element at a time. Tests compare
//! with it; exact answers come from it.

use crate::{Element, Metric};

/// The distance of two rows, and the magnitude its rounding errors are relative to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exact {
    /// The distance.
    pub distance: f64,
    /// The sum of the absolute values of everything that was added up: an `f32` sum of n
    /// terms in any order is within `n · 2⁻²⁴ · scale` of the distance, to first order.
    pub scale: f64,
}

/// The distance of `query` and `row` by `metric`. Rows of unlike lengths are compared over the shorter one. Callers
/// check lengths.
#[must_use]
pub fn distance<Q: Element, R: Element>(metric: Metric, query: &[Q], row: &[R]) -> f64 {
    exact(metric, query, row).distance
}

/// As [`distance`], with the scale of its rounding errors.
#[must_use]
pub fn exact<Q: Element, R: Element>(metric: Metric, query: &[Q], row: &[R]) -> Exact {
    let (mut squares, mut dot, mut size, mut qq, mut rr) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (q, r) in query.iter().zip(row) {
        let (q, r) = (q.to_f64(), r.to_f64());
        squares += (q - r) * (q - r);
        dot += q * r;
        size += (q * r).abs();
        qq += q * q;
        rr += r * r;
    }
    match metric {
        Metric::L2 => Exact { distance: squares, scale: squares },
        Metric::InnerProduct => Exact { distance: -dot, scale: size },
        Metric::Cosine if qq == 0.0 || rr == 0.0 => Exact { distance: 1.0, scale: 1.0 },
        Metric::Cosine => {
            let norms = (qq * rr).sqrt();
            // The numerator's errors count relative to the norms; those of the norms and of
            // the last subtraction relative to 1.
            Exact { distance: 1.0 - dot / norms, scale: 1.0 + (size + dot.abs()) / norms }
        }
    }
}
