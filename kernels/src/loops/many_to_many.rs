//! Many queries to many rows: each load of a row serves several queries.

use crate::Metric;
use crate::arithmetic::accumulate::Accumulate;
use crate::arithmetic::metric_sums::distances_from_products;
use crate::isa::operations::Token;
use crate::loops::prepare::prepare;

/// Which inner products are computed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Products {
    /// Those of every query with every row.
    All,
    /// Half of them: queries and rows are the same.
    Half,
    /// None: they are at `out` already.
    Given,
}

/// The distances of `queries` from `rows`, from inner products: `out[i · n + j]` of query i and row j of n.
///
/// # Safety
/// `dim` elements of one type are readable at each, on an `S`. A distance for each query and row is writable at `out`.
/// If products are `Given`, as many are readable there.
#[inline(always)]
pub(crate) unsafe fn between<S: Token, D: Accumulate<S>, const Q: usize, const R: usize>(
    metric: Metric,
    (queries, rows, products): (&[*const u8], &[*const u8], Products),
    dim: usize,
    out: *mut f32,
) {
    const { assert!(size_of::<D::Number>() == size_of::<f32>(), "a product takes a distance's place") };
    let (same, given) = (products == Products::Half, products == Products::Given);
    let (m, n) = (if given { 0 } else { queries.len() }, rows.len());
    // SAFETY: the caller's promise; indices beyond the last are the last again, and their products are not written.
    unsafe {
        let s = S::token();
        let products = out.cast::<D::Number>();
        let mut i = 0;
        while i < m {
            let mut some = [queries[i].cast(); Q];
            let mut corrections = [prepare::<S, D>(s, Metric::InnerProduct, some[0], dim).correction; Q];
            for a in 1..Q {
                some[a] = queries[(i + a).min(m - 1)].cast();
                corrections[a] = prepare::<S, D>(s, Metric::InnerProduct, some[a], dim).correction;
            }
            let mut j = if same { i } else { 0 };
            while j < n {
                let mut others = [rows[j].cast(); R];
                for b in 1..R {
                    others[b] = rows[(j + b).min(n - 1)].cast();
                }
                let sums = product_sums::<S, D, Q, R>(s, some, others, dim);
                for a in 0..Q {
                    if i + a >= m {
                        break;
                    }
                    let numbers = D::numbers(s, sums[a]);
                    for b in 0..R.min(n - j) {
                        let product = if D::CORRECTED { numbers[b] + corrections[a] } else { numbers[b] };
                        *products.add((i + a) * n + j + b) = product;
                        if same {
                            *products.add((j + b) * n + i + a) = product;
                        }
                    }
                }
                j += R;
            }
            i += Q;
        }
        let of_rows = squared_norms::<S, D>(s, rows, dim);
        if same {
            distances_from_products::<S, D>(metric, (&of_rows, &of_rows), out);
        } else {
            distances_from_products::<S, D>(metric, (&squared_norms::<S, D>(s, queries, dim), &of_rows), out);
        }
    }
}

/// The inner products of `Q` queries with `R` rows.
///
/// # Safety
/// `dim` elements are readable at each, on an `S`.
#[inline(always)]
unsafe fn product_sums<S: Token, D: Accumulate<S>, const Q: usize, const R: usize>(
    s: S,
    queries: [*const D::Query; Q],
    rows: [*const D::Row; R],
    dim: usize,
) -> [[D::Sum; R]; Q] {
    let mut sums = [[D::zero(s); R]; Q];
    let mut i = 0;
    // SAFETY: no step or tail goes beyond dim elements.
    unsafe {
        while i + D::LANES <= dim {
            let mut xs = [D::row(s, D::at(rows[0], i)); R];
            for b in 1..R {
                xs[b] = D::row(s, D::at(rows[b], i));
            }
            for a in 0..Q {
                let q = D::query(s, queries[a].add(i));
                for b in 0..R {
                    sums[a][b] = D::dot::<false>(s, sums[a][b], q, xs[b]);
                }
            }
            i += D::LANES;
        }
        if i < dim {
            let (n, back) = (dim - i, D::BACK && dim >= D::LANES);
            for a in 0..Q {
                let q = D::query_tail(s, queries[a].add(i), n, back);
                for b in 0..R {
                    sums[a][b] = D::dot::<false>(s, sums[a][b], q, D::row_tail(s, D::at(rows[b], i), n, back));
                }
            }
        }
    }
    sums
}

/// `Σ x²` of each row.
///
/// # Safety
/// `dim` elements are readable at each, on an `S`.
#[inline(always)]
unsafe fn squared_norms<S: Token, D: Accumulate<S>>(s: S, rows: &[*const u8], dim: usize) -> Vec<D::Number> {
    let mut norms = Vec::with_capacity(rows.len());
    for k in 0..rows.len() {
        let (row, mut sum, mut i) = (rows[k].cast::<D::Row>(), D::zero(s), 0);
        // SAFETY: no step or tail goes beyond dim elements.
        unsafe {
            while i + D::LANES <= dim {
                sum = D::norm(s, sum, D::row(s, D::at(row, i)));
                i += D::LANES;
            }
            if i < dim {
                let back = D::BACK && dim >= D::LANES;
                sum = D::norm(s, sum, D::row_tail(s, D::at(row, i), dim - i, back));
            }
        }
        let [norm] = D::numbers(s, [sum]);
        norms.push(norm);
    }
    norms
}
