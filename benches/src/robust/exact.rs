//! Exact answers by plain f64 loops, without the engine's code.

use omendb_engine::Metric;
use rayon::prelude::*;

/// What f32 cannot tell apart, as a share of the distance (of squares) or of the product of the lengths.
const ROUNDING: f64 = 1e-6;

/// The distance as the engine's answers have it: squared, negative product, or 1 − cosine.
pub(super) fn distance(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    match metric {
        Metric::L2 => sum(a, b, |a, b| (a - b) * (a - b)),
        Metric::InnerProduct => -product(a, b),
        Metric::Cosine => 1.0 - product(a, b) / lengths(a, b),
    }
}

/// How much further than the last of the k nearest a row may be and still count as one of them: what
/// f32 cannot tell from it.
pub(super) fn slack(metric: Metric, last: f64, query: &[f32], row: &[f32]) -> f64 {
    match metric {
        Metric::L2 => 10.0 * ROUNDING * last,
        Metric::InnerProduct => ROUNDING * lengths(query, row),
        Metric::Cosine => ROUNDING,
    }
}

/// For each query the distance of its `k`-th nearest row, or of the last row where there are fewer.
pub(super) fn last_distances(metric: Metric, rows: &[&[f32]], queries: &[f32], dim: usize, k: usize) -> Vec<f64> {
    let of_query = |query: &[f32]| {
        let mut all: Vec<f64> = rows.iter().map(|row| distance(metric, query, row)).collect();
        let last = k.min(all.len()) - 1;
        *all.select_nth_unstable_by(last, f64::total_cmp).1
    };
    queries.par_chunks_exact(dim).map(of_query).collect()
}

fn product(a: &[f32], b: &[f32]) -> f64 {
    sum(a, b, |a, b| a * b)
}

fn lengths(a: &[f32], b: &[f32]) -> f64 {
    (product(a, a) * product(b, b)).sqrt()
}

/// Eight accumulators, so that the compiler can use vector registers.
fn sum(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0f64; 8];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            sums[lane] += term(f64::from(a[lane]), f64::from(b[lane]));
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(&a, &b)| term(f64::from(a), f64::from(b)));
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_as_defined() {
        let (a, b) = ([3.0, 4.0], [6.0, 8.0]);
        assert_eq!(distance(Metric::L2, &a, &b), 25.0);
        assert_eq!(distance(Metric::InnerProduct, &a, &b), -50.0);
        assert_eq!(distance(Metric::Cosine, &a, &b), 0.0);
    }

    #[test]
    fn the_last_of_few_is_the_furthest() {
        let rows: [&[f32]; 3] = [&[1.0], &[5.0], &[2.0]];
        assert_eq!(last_distances(Metric::L2, &rows, &[0.0, 5.0], 1, 2), [4.0, 9.0]);
        assert_eq!(last_distances(Metric::L2, &rows, &[0.0], 1, 9), [25.0]);
    }
}
