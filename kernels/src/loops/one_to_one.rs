//! One query to one row.

use crate::Metric;
use crate::arithmetic::accumulate::Accumulate;
use crate::arithmetic::metric_sums::{finish_pair, step_pair};
use crate::cell::{Cell, Tuning};
use crate::isa::operations::Token;

/// One query to one row, over `U` accumulators.
///
/// # Safety
/// `dim` elements are readable at `query` and `row`, on an `S`.
#[inline(always)]
unsafe fn pair_over<S: Token, D: Accumulate<S>, C: Cell, const U: usize>(
    s: S,
    query: *const D::Query,
    row: *const D::Row,
    dim: usize,
) -> f32 {
    let read_first = C::TUNING.read_first && matches!(C::METRIC, Metric::InnerProduct);
    let (mut sums, mut norms, mut squares) = ([D::zero(s); U], [D::zero(s); U], [D::zero(s); U]);
    let whole = dim - dim % (U * D::LANES);
    let mut i = 0;
    // SAFETY: no step or tail goes beyond dim elements.
    unsafe {
        while i < whole {
            if read_first {
                let mut x = [D::row(s, D::at(row, i)); U];
                for u in 1..U {
                    x[u] = D::row(s, D::at(row, i + u * D::LANES));
                }
                for u in 0..U {
                    let q = D::query(s, query.add(i + u * D::LANES));
                    sums[u] = step_pair::<S, D, C>(s, sums[u], &mut norms[u], &mut squares[u], q, x[u]);
                }
            } else {
                for u in 0..U {
                    let at = i + u * D::LANES;
                    let (q, x) = (D::query(s, query.add(at)), D::row(s, D::at(row, at)));
                    sums[u] = step_pair::<S, D, C>(s, sums[u], &mut norms[u], &mut squares[u], q, x);
                }
            }
            i += U * D::LANES;
        }
        if U > 1 {
            // Fewer than U steps remain: one for each accumulator but the last.
            for u in 0..U - 1 {
                if i + D::LANES <= dim {
                    let (q, x) = (D::query(s, query.add(i)), D::row(s, D::at(row, i)));
                    sums[u] = step_pair::<S, D, C>(s, sums[u], &mut norms[u], &mut squares[u], q, x);
                    i += D::LANES;
                }
            }
        }
        if i < dim {
            let (n, back) = (dim - i, D::BACK && dim >= D::LANES);
            let q = D::query_tail(s, query.add(i), n, back);
            let x = D::row_tail(s, D::at(row, i), n, back);
            sums[U - 1] = step_pair::<S, D, C>(s, sums[U - 1], &mut norms[U - 1], &mut squares[U - 1], q, x);
        }
    }
    for u in 1..U {
        sums[0] = D::add(s, sums[0], sums[u]);
        norms[0] = D::add(s, norms[0], norms[u]);
        squares[0] = D::add(s, squares[0], squares[u]);
    }
    finish_pair::<S, D, C>(s, sums[0], norms[0], squares[0])
}

/// Marks the branch that calls it as unlikely, as `core::hint::cold_path` of Rust 1.95 does. No call remains in the code.
#[cold]
#[inline]
fn cold_path() {}

/// One query to one row.
///
/// # Safety
/// `dim` elements are readable at `query` and `row`, aligned to them, on an `S`.
#[inline(always)]
pub(crate) unsafe fn pair<S: Token, D: Accumulate<S>, C: Cell>(query: *const u8, row: *const u8, dim: usize) -> f32 {
    // SAFETY: the caller's promise.
    unsafe {
        let s = S::token();
        // Calls overlap: short rows need few instructions, long ones many accumulators. The hints keep the code of short
        // rows in line. A long row does not notice a taken branch.
        if dim >= Tuning::FOUR * D::LANES {
            cold_path();
            pair_over::<S, D, C, 4>(s, query.cast(), row.cast(), dim)
        } else if dim >= Tuning::TWO * D::LANES {
            cold_path();
            pair_over::<S, D, C, 2>(s, query.cast(), row.cast(), dim)
        } else {
            pair_over::<S, D, C, 1>(s, query.cast(), row.cast(), dim)
        }
    }
}
