//! What each metric sums, and the distance it makes of the sums. A new metric is an arm in each function here, and a
//! name in `metric`.
//!
//! A row has two sums: `Σ (q − x)²` or `Σ q·x`, and its norm's `Σ x²`, which only cosine computes. A pair has a third,
//! `Σ q²`. A query that meets many rows is prepared instead.

use super::accumulate::Accumulate;
use super::number::Number;
use crate::Metric;
use crate::cell::Cell;
use crate::isa::operations::Token;

/// What a call computes of its query alone, once for all rows.
#[derive(Clone, Copy)]
pub(crate) struct Prepared<N> {
    /// What each row's first sum lacks; see [`Accumulate::CORRECTED`].
    pub(crate) correction: N,
    /// `√Σ q²`.
    norm: f32,
}

impl<N: Number> Prepared<N> {
    /// From `Σ q²`.
    #[inline(always)]
    pub(crate) fn new<S: Token, D: Accumulate<S, Number = N>>(s: S, metric: Metric, squares: D::Sum) -> Self {
        let [dot, diff] = D::corrections(s, squares);
        let correction = if matches!(metric, Metric::L2) { diff } else { dot };
        let [squares, correction] = D::numbers(s, [squares, correction]);
        Self { correction, norm: squares.round(false).sqrt() }
    }
}

/// One step of a row's sums. `PREFETCH` says that rows are prefetched meanwhile. The norm is a reference: the compiler
/// would carry along a value that no step changes.
#[inline(always)]
pub(crate) fn step<S: Token, D: Accumulate<S>, C: Cell, const PREFETCH: bool>(
    s: S,
    mut sum: D::Sum,
    norm: &mut D::Sum,
    q: D::Q,
    x: D::X,
) -> D::Sum {
    match C::METRIC {
        Metric::L2 => sum = D::diff(s, sum, q, x),
        Metric::InnerProduct => sum = D::dot::<PREFETCH>(s, sum, q, x),
        Metric::Cosine => (sum, *norm) = D::dot_and_norm(s, (sum, *norm), q, x),
    }
    sum
}

/// The distances of `N` rows from their sums.
#[inline(always)]
pub(crate) fn finish<S: Token, D: Accumulate<S>, C: Cell, const N: usize>(
    s: S,
    query: Prepared<D::Number>,
    sums: [D::Sum; N],
    norms: [D::Sum; N],
) -> [f32; N] {
    let mut numbers = D::numbers(s, sums);
    if D::CORRECTED {
        for k in 0..N {
            numbers[k] = numbers[k] + query.correction;
        }
    }
    let mut out = [0.0; N];
    match C::METRIC {
        Metric::L2 => {
            for k in 0..N {
                out[k] = numbers[k].round(false);
            }
        }
        Metric::InnerProduct => {
            for k in 0..N {
                out[k] = -numbers[k].round(D::SIGNED);
            }
        }
        Metric::Cosine => {
            let norms = D::numbers(s, norms);
            for k in 0..N {
                out[k] = cosine_distance(numbers[k].round(D::SIGNED), query.norm, norms[k].round(false).sqrt());
            }
        }
    }
    out
}

/// One step of a pair's sums.
#[inline(always)]
pub(crate) fn step_pair<S: Token, D: Accumulate<S>, C: Cell>(
    s: S,
    sum: D::Sum,
    norm: &mut D::Sum,
    squares: &mut D::Sum,
    q: D::Q,
    x: D::X,
) -> D::Sum {
    if matches!(C::METRIC, Metric::L2) {
        return D::diff_pair(s, sum, q, x);
    }
    if matches!(C::METRIC, Metric::Cosine) || D::CORRECTED {
        *squares = D::query_norm(s, *squares, q);
    }
    step::<S, D, C, false>(s, sum, norm, q, x)
}

/// The distance of a pair from its sums.
#[inline(always)]
pub(crate) fn finish_pair<S: Token, D: Accumulate<S>, C: Cell>(
    s: S,
    sum: D::Sum,
    norm: D::Sum,
    squares: D::Sum,
) -> f32 {
    let dot = if D::CORRECTED { D::add(s, sum, D::corrections(s, squares)[0]) } else { sum };
    match C::METRIC {
        Metric::L2 => {
            let [number] = D::numbers(s, [sum]);
            number.round(false)
        }
        Metric::InnerProduct => {
            let [number] = D::numbers(s, [dot]);
            -number.round(D::SIGNED)
        }
        Metric::Cosine => {
            // Four sums of lanes at once cost less than three one by one.
            let [dot, query, row, _] = D::numbers(s, [dot, squares, norm, norm]);
            let (dot, query, row) = (dot.round(D::SIGNED), query.round(false), row.round(false));
            // One square root where the product of the squared norms is normal, which is the usual case.
            let squares = query * row;
            if squares.is_normal() {
                1.0 - dot / squares.sqrt()
            } else {
                cosine_distance(dot, query.sqrt(), row.sqrt())
            }
        }
    }
}

/// One minus a dot product over the product of two norms. The product of the squared norms would leave the range of
/// `f32` too early.
#[inline(always)]
pub(crate) fn cosine_distance(dot: f32, query: f32, row: f32) -> f32 {
    let norms = query * row;
    if norms == 0.0 { 1.0 } else { 1.0 - dot / norms }
}

/// Turns the inner products of queries and rows into distances, in place, with their squared norms.
///
/// # Safety
/// At `out` is a product for each query and row, that of query i and row j of n at `i · n + j`.
#[inline(always)]
pub(crate) unsafe fn distances_from_products<S: Token, D: Accumulate<S>>(
    metric: Metric,
    (queries, rows): (&[D::Number], &[D::Number]),
    out: *mut f32,
) {
    let n = rows.len();
    for i in 0..queries.len() {
        // SAFETY: the caller's promise.
        let line = unsafe { core::slice::from_raw_parts_mut(out.add(i * n), n) };
        let query = queries[i];
        match metric {
            Metric::L2 => {
                for j in 0..n {
                    let product: D::Number = bytemuck::cast(line[j]);
                    let squared = (query - (product + product) + rows[j]).round(false);
                    // Rounding may leave less than 0. NaN stays NaN.
                    line[j] = if squared < 0.0 { 0.0 } else { squared };
                }
            }
            Metric::InnerProduct => {
                for j in 0..n {
                    line[j] = -bytemuck::cast::<f32, D::Number>(line[j]).round(D::SIGNED);
                }
            }
            Metric::Cosine => {
                let norm = query.round(false).sqrt();
                for j in 0..n {
                    let dot = bytemuck::cast::<f32, D::Number>(line[j]).round(D::SIGNED);
                    line[j] = cosine_distance(dot, norm, rows[j].round(false).sqrt());
                }
            }
        }
    }
}
