//! One query to one row.

use crate::arithmetic::accumulate::Accumulate;
use crate::arithmetic::metric_sums::MetricSums;

/// One query to one row, over `U` accumulators.
///
/// # Safety
/// `dim` elements are readable at `query` and `row`, on an `S`.
#[inline(always)]
unsafe fn pair_over<S, D, M, const U: usize>(s: S, query: *const D::Query, row: *const D::Row, dim: usize) -> f32
where
    S: Copy,
    D: Accumulate<S>,
    M: MetricSums<S, D>,
{
    let mut sums = [M::zero(s); U];
    let mut seeds = [M::no_seed(s); U];
    let whole = dim - dim % (U * D::LANES);
    let mut i = 0;
    // SAFETY: no step or tail goes beyond dim elements.
    unsafe {
        while i < whole {
            if M::READ_FIRST_PAIR {
                let mut x = [D::row(s, D::at(row, i)); U];
                for u in 1..U {
                    x[u] = D::row(s, D::at(row, i + u * D::LANES));
                }
                for u in 0..U {
                    let q = D::query(s, query.add(i + u * D::LANES));
                    (sums[u], seeds[u]) = M::step_pair(s, sums[u], seeds[u], q, x[u]);
                }
            } else {
                for u in 0..U {
                    let at = i + u * D::LANES;
                    let (q, x) = (D::query(s, query.add(at)), D::row(s, D::at(row, at)));
                    (sums[u], seeds[u]) = M::step_pair(s, sums[u], seeds[u], q, x);
                }
            }
            i += U * D::LANES;
        }
        if U > 1 {
            // Fewer than U steps remain: one for each accumulator but the last.
            for u in 0..U - 1 {
                if i + D::LANES <= dim {
                    let (q, x) = (D::query(s, query.add(i)), D::row(s, D::at(row, i)));
                    (sums[u], seeds[u]) = M::step_pair(s, sums[u], seeds[u], q, x);
                    i += D::LANES;
                }
            }
        }
        if i < dim {
            let (n, back) = (dim - i, D::BACK && dim >= D::LANES);
            let q = D::query_tail(s, query.add(i), n, back);
            let x = D::row_tail(s, D::at(row, i), n, back);
            (sums[U - 1], seeds[U - 1]) = M::step_pair(s, sums[U - 1], seeds[U - 1], q, x);
        }
    }
    let (mut sum, mut seed) = (sums[0], seeds[0]);
    for u in 1..U {
        sum = M::add(s, sum, sums[u]);
        seed = M::add_seeds(s, seed, seeds[u]);
    }
    M::finish_pair(s, seed, sum)
}

/// One query to one row.
///
/// # Safety
/// `dim` elements are readable at `query` and `row`, aligned to them, on an `S`.
#[inline(always)]
pub(crate) unsafe fn pair<S, D, M>(query: *const u8, row: *const u8, dim: usize) -> f32
where
    S: Copy,
    D: Accumulate<S>,
    M: MetricSums<S, D>,
{
    // SAFETY: the caller's promise.
    unsafe {
        let s = D::token();
        // Calls overlap: short rows need few instructions, long ones many accumulators
        // (docs/experiments/033-four-accumulators.md). The hints keep the code of short rows in line. A long row does
        // not notice a taken branch.
        if dim >= 16 * D::LANES {
            core::hint::cold_path();
            pair_over::<S, D, M, 4>(s, query.cast(), row.cast(), dim)
        } else if dim >= 4 * D::LANES {
            core::hint::cold_path();
            pair_over::<S, D, M, 2>(s, query.cast(), row.cast(), dim)
        } else {
            pair_over::<S, D, M, 1>(s, query.cast(), row.cast(), dim)
        }
    }
}
