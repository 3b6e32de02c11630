//! Exact neighbours by plain loops, without the engine's code.

use rayon::prelude::*;

/// Row numbers of the `k` nearest rows to each query by squared Euclidean distance, ties by the lower
/// row. Rows and queries are row-major.
pub(crate) fn nearest(rows: &[f32], queries: &[f32], dim: usize, k: usize) -> Vec<Vec<u64>> {
    let of_query = |query: &[f32]| {
        let mut all: Vec<(f32, u64)> =
            rows.chunks_exact(dim).zip(0..).map(|(row, number)| (squared(query, row), number)).collect();
        let k = k.min(all.len());
        let order = |a: &(f32, u64), b: &(f32, u64)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        if k < all.len() {
            all.select_nth_unstable_by(k, order);
        }
        all.truncate(k);
        all.sort_unstable_by(order);
        all.into_iter().map(|(_, number)| number).collect()
    };
    queries.par_chunks_exact(dim).map(of_query).collect()
}

/// Sixteen accumulators, so that the compiler can use vector registers.
pub(crate) fn squared(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<16>();
    let (b, b_rest) = b.as_chunks::<16>();
    let mut lanes = [0f32; 16];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..16 {
            lanes[lane] += (a[lane] - b[lane]) * (a[lane] - b[lane]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| (a - b) * (a - b)).sum();
    lanes.iter().sum::<f32>() + rest
}

/// The share of the expected rows that are found.
pub(crate) fn recall(found: &[Vec<u64>], wanted: &[Vec<u64>]) -> f64 {
    let hits: usize =
        found.iter().zip(wanted).map(|(found, wanted)| found.iter().filter(|id| wanted.contains(id)).count()).sum();
    let of: usize = wanted.iter().map(Vec::len).sum();
    hits as f64 / of.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::{nearest, recall};

    #[test]
    fn the_nearest_are_nearest_and_ties_go_to_the_lower_row() {
        let rows = [3.0, 0.0, 1.0, 0.0, -1.0, 0.0, 2.0, 0.0];
        assert_eq!(nearest(&rows, &[0.0, 0.0, 3.0, 0.0], 2, 3), [[1, 2, 3], [0, 3, 1]]);
        assert_eq!(nearest(&rows, &[0.0, 0.0], 2, 9)[0].len(), 4);
    }

    #[test]
    fn recall_counts_what_was_found() {
        assert_eq!(recall(&[vec![1, 2], vec![9, 4]], &[vec![2, 1], vec![3, 4]]), 0.75);
    }
}
