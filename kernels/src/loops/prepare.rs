//! What a call computes of its query alone.

use crate::Metric;
use crate::arithmetic::accumulate::Accumulate;
use crate::arithmetic::metric_sums::Prepared;
use crate::isa::operations::Token;

/// Prepares a query that meets many rows. Most need nothing, and are not read.
///
/// # Safety
/// `dim` elements are readable at `query`, on an `S`.
#[inline(always)]
pub(crate) unsafe fn prepare<S: Token, D: Accumulate<S>>(
    s: S,
    metric: Metric,
    query: *const D::Query,
    dim: usize,
) -> Prepared<D::Number> {
    const ACCUMULATORS: usize = 4;
    let mut squares = [D::zero(s); ACCUMULATORS];
    if !D::CORRECTED && !matches!(metric, Metric::Cosine) {
        return Prepared::new::<S, D>(s, metric, squares[0]);
    }
    let mut i = 0;
    // SAFETY: no step or tail goes beyond dim elements.
    unsafe {
        while i + ACCUMULATORS * D::LANES <= dim {
            for c in 0..ACCUMULATORS {
                squares[c] = D::query_norm(s, squares[c], D::query(s, query.add(i)));
                i += D::LANES;
            }
        }
        while i + D::LANES <= dim {
            squares[0] = D::query_norm(s, squares[0], D::query(s, query.add(i)));
            i += D::LANES;
        }
        if i < dim {
            let tail = D::query_tail(s, query.add(i), dim - i, D::BACK && dim >= D::LANES);
            squares[1] = D::query_norm(s, squares[1], tail);
        }
    }
    let [a, b, c, d] = squares;
    Prepared::new::<S, D>(s, metric, D::add(s, D::add(s, a, b), D::add(s, c, d)))
}
