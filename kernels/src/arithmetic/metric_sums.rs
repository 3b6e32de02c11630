//! What each metric sums, and the distance it makes of the sums. A new metric is an implementation of [`MetricSums`]
//! here and a name in `metric`.

use crate::Metric;
use crate::arithmetic::accumulate::Accumulate;

/// A metric over an arithmetic `D` on instruction set `S`.
pub(crate) trait MetricSums<S: Copy, D: Accumulate<S>>: 'static {
    /// The accumulators of a row.
    type Sum: Copy;
    /// The accumulators of what the query alone contributes.
    type Seed: Copy;
    /// The same as numbers, for a query that meets many rows.
    type QueryTerm: Copy;
    /// [`Accumulate::READ_FIRST`] for the steps of a pair.
    const READ_FIRST_PAIR: bool = false;

    fn zero(s: S) -> Self::Sum;
    fn step(s: S, sum: Self::Sum, q: D::Q, x: D::X) -> Self::Sum;
    /// As `step`, where rows are prefetched.
    #[inline(always)]
    fn step_prefetching(s: S, sum: Self::Sum, q: D::Q, x: D::X) -> Self::Sum {
        Self::step(s, sum, q, x)
    }
    fn add(s: S, a: Self::Sum, b: Self::Sum) -> Self::Sum;

    fn no_seed(s: S) -> Self::Seed;
    fn seed(s: S, seed: Self::Seed, q: D::Q) -> Self::Seed;
    fn add_seeds(s: S, a: Self::Seed, b: Self::Seed) -> Self::Seed;
    fn query_term(s: S, seed: Self::Seed) -> Self::QueryTerm;

    /// Step and seed in one, for a pair.
    #[inline(always)]
    fn step_pair(s: S, sum: Self::Sum, seed: Self::Seed, q: D::Q, x: D::X) -> (Self::Sum, Self::Seed) {
        (Self::step(s, sum, q, x), Self::seed(s, seed, q))
    }
    /// The distance of a pair.
    fn finish_pair(s: S, seed: Self::Seed, sum: Self::Sum) -> f32;
    /// The distances of a group of rows.
    fn finish<const N: usize>(s: S, term: Self::QueryTerm, sums: [Self::Sum; N]) -> [f32; N];
}

/// Squared Euclidean distance.
pub(crate) struct L2;

impl<S: Copy, D: Accumulate<S>> MetricSums<S, D> for L2 {
    type Sum = D::Sum;
    type Seed = D::Seed;
    type QueryTerm = D::Number;

    #[inline(always)]
    fn zero(s: S) -> D::Sum {
        D::zero(s)
    }
    #[inline(always)]
    fn step(s: S, sum: D::Sum, q: D::Q, x: D::X) -> D::Sum {
        D::diff(s, sum, q, x)
    }
    #[inline(always)]
    fn add(s: S, a: D::Sum, b: D::Sum) -> D::Sum {
        D::add(s, a, b)
    }
    #[inline(always)]
    fn no_seed(s: S) -> D::Seed {
        D::no_seed(s)
    }
    #[inline(always)]
    fn seed(s: S, seed: D::Seed, q: D::Q) -> D::Seed {
        D::diff_seed(s, seed, q)
    }
    #[inline(always)]
    fn add_seeds(s: S, a: D::Seed, b: D::Seed) -> D::Seed {
        D::add_seeds(s, a, b)
    }
    #[inline(always)]
    fn query_term(s: S, seed: D::Seed) -> D::Number {
        let [number] = D::lane_sums(s, [D::diff_total(s, seed, D::zero(s))]);
        number
    }
    #[inline(always)]
    fn step_pair(s: S, sum: D::Sum, seed: D::Seed, q: D::Q, x: D::X) -> (D::Sum, D::Seed) {
        (D::diff_pair(s, sum, q, x), seed)
    }
    #[inline(always)]
    fn finish_pair(s: S, seed: D::Seed, sum: D::Sum) -> f32 {
        let [number] = D::lane_sums(s, [D::diff_total(s, seed, sum)]);
        D::unsigned(number)
    }
    #[inline(always)]
    fn finish<const N: usize>(s: S, term: D::Number, sums: [D::Sum; N]) -> [f32; N] {
        let mut totals = [D::norm_total(s, D::zero(s)); N];
        for i in 0..N {
            totals[i] = D::diff_total(s, D::no_seed(s), sums[i]);
        }
        let numbers = D::lane_sums(s, totals);
        let mut out = [0.0; N];
        for i in 0..N {
            out[i] = D::unsigned(D::with_seed(numbers[i], term));
        }
        out
    }
}

/// Negated inner product.
pub(crate) struct InnerProduct;

impl<S: Copy, D: Accumulate<S>> MetricSums<S, D> for InnerProduct {
    type Sum = D::Sum;
    type Seed = D::Seed;
    type QueryTerm = D::Number;
    const READ_FIRST_PAIR: bool = D::READ_FIRST;

    #[inline(always)]
    fn zero(s: S) -> D::Sum {
        D::zero(s)
    }
    #[inline(always)]
    fn step(s: S, sum: D::Sum, q: D::Q, x: D::X) -> D::Sum {
        D::dot(s, sum, q, x)
    }
    #[inline(always)]
    fn step_prefetching(s: S, sum: D::Sum, q: D::Q, x: D::X) -> D::Sum {
        D::dot_prefetching(s, sum, q, x)
    }
    #[inline(always)]
    fn add(s: S, a: D::Sum, b: D::Sum) -> D::Sum {
        D::add(s, a, b)
    }
    #[inline(always)]
    fn no_seed(s: S) -> D::Seed {
        D::no_seed(s)
    }
    #[inline(always)]
    fn seed(s: S, seed: D::Seed, q: D::Q) -> D::Seed {
        D::dot_seed(s, seed, q)
    }
    #[inline(always)]
    fn add_seeds(s: S, a: D::Seed, b: D::Seed) -> D::Seed {
        D::add_seeds(s, a, b)
    }
    #[inline(always)]
    fn query_term(s: S, seed: D::Seed) -> D::Number {
        let [number] = D::lane_sums(s, [D::dot_total(s, seed, D::zero(s))]);
        number
    }
    #[inline(always)]
    fn finish_pair(s: S, seed: D::Seed, sum: D::Sum) -> f32 {
        let [number] = D::lane_sums(s, [D::dot_total(s, seed, sum)]);
        -D::signed(number)
    }
    #[inline(always)]
    fn finish<const N: usize>(s: S, term: D::Number, sums: [D::Sum; N]) -> [f32; N] {
        let mut totals = [D::norm_total(s, D::zero(s)); N];
        for i in 0..N {
            totals[i] = D::dot_total(s, D::no_seed(s), sums[i]);
        }
        let numbers = D::lane_sums(s, totals);
        let mut out = [0.0; N];
        for i in 0..N {
            out[i] = -D::signed(D::with_seed(numbers[i], term));
        }
        out
    }
}

/// One minus the cosine of the angle.
pub(crate) struct Cosine;

/// One minus a dot product over the product of two norms. The product of the squared norms would leave the range of
/// `f32` too early.
#[inline(always)]
pub(crate) fn cosine_distance(dot: f32, query: f32, row: f32) -> f32 {
    let norms = query * row;
    if norms == 0.0 { 1.0 } else { 1.0 - dot / norms }
}

impl<S: Copy, D: Accumulate<S>> MetricSums<S, D> for Cosine {
    /// `Σ q·x` and `Σ x²`.
    type Sum = (D::Sum, D::Sum);
    /// The seed of `Σ q·x`, and `Σ q²`.
    type Seed = (D::Seed, D::Sum);
    /// That of `Σ q·x`, and `√Σ q²`.
    type QueryTerm = (D::Number, f32);

    #[inline(always)]
    fn zero(s: S) -> Self::Sum {
        (D::zero(s), D::zero(s))
    }
    #[inline(always)]
    fn step(s: S, sum: Self::Sum, q: D::Q, x: D::X) -> Self::Sum {
        D::dot_and_norm(s, sum, q, x)
    }
    #[inline(always)]
    fn add(s: S, a: Self::Sum, b: Self::Sum) -> Self::Sum {
        (D::add(s, a.0, b.0), D::add(s, a.1, b.1))
    }
    #[inline(always)]
    fn no_seed(s: S) -> Self::Seed {
        (D::no_seed(s), D::zero(s))
    }
    #[inline(always)]
    fn seed(s: S, seed: Self::Seed, q: D::Q) -> Self::Seed {
        (D::dot_seed(s, seed.0, q), D::query_norm(s, seed.1, q))
    }
    #[inline(always)]
    fn add_seeds(s: S, a: Self::Seed, b: Self::Seed) -> Self::Seed {
        (D::add_seeds(s, a.0, b.0), D::add(s, a.1, b.1))
    }
    #[inline(always)]
    fn query_term(s: S, seed: Self::Seed) -> Self::QueryTerm {
        let dot = D::dot_total(s, seed.0, D::zero(s));
        let [dot, norm] = D::lane_sums(s, [dot, D::norm_total(s, seed.1)]);
        (dot, D::unsigned(norm).sqrt())
    }
    #[inline(always)]
    fn finish_pair(s: S, seed: Self::Seed, sum: Self::Sum) -> f32 {
        let dot = D::dot_total(s, seed.0, sum.0);
        let (query, row) = (D::norm_total(s, seed.1), D::norm_total(s, sum.1));
        // Four sums of lanes at once cost less than three one by one.
        let [dot, query, row, _] = D::lane_sums(s, [dot, query, row, row]);
        let (query, row) = (D::unsigned(query), D::unsigned(row));
        // One square root where the product of the squared norms is normal, which is the usual case.
        let squares = query * row;
        if squares.is_normal() {
            1.0 - D::signed(dot) / squares.sqrt()
        } else {
            cosine_distance(D::signed(dot), query.sqrt(), row.sqrt())
        }
    }
    #[inline(always)]
    fn finish<const N: usize>(s: S, term: Self::QueryTerm, sums: [Self::Sum; N]) -> [f32; N] {
        let mut dots = [D::norm_total(s, D::zero(s)); N];
        let mut norms = dots;
        for i in 0..N {
            dots[i] = D::dot_total(s, D::no_seed(s), sums[i].0);
            norms[i] = D::norm_total(s, sums[i].1);
        }
        let dots = D::lane_sums(s, dots);
        let norms = D::lane_sums(s, norms);
        let mut out = [0.0; N];
        for i in 0..N {
            let dot = D::signed(D::with_seed(dots[i], term.0));
            out[i] = cosine_distance(dot, term.1, D::unsigned(norms[i]).sqrt());
        }
        out
    }
}

/// Turns the inner products of queries and rows into distances, in place, with their squared norms.
///
/// # Safety
/// At `out` is a product for each query and row, that of query i and row j of n at `i · n + j`.
#[inline(always)]
pub(crate) unsafe fn distances_from_products<S: Copy, D: Accumulate<S>>(
    metric: Metric,
    (queries, rows): (&[D::Number], &[D::Number]),
    out: *mut f32,
) {
    let n = rows.len();
    for i in 0..queries.len() {
        // SAFETY: the caller's promise.
        let line = unsafe { core::slice::from_raw_parts_mut(out.add(i * n), n) };
        match metric {
            Metric::L2 => {
                for j in 0..n {
                    line[j] = D::unsigned(D::squared_distance(queries[i], D::number(line[j].to_bits()), rows[j]));
                }
            }
            Metric::InnerProduct => {
                for j in 0..n {
                    line[j] = -D::signed(D::number(line[j].to_bits()));
                }
            }
            Metric::Cosine => {
                let query = D::unsigned(queries[i]).sqrt();
                for j in 0..n {
                    line[j] =
                        cosine_distance(D::signed(D::number(line[j].to_bits())), query, D::unsigned(rows[j]).sqrt());
                }
            }
        }
    }
}
