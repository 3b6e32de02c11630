//! One query to many rows, wherever they lie.

use crate::arithmetic::accumulate::Accumulate;
use crate::arithmetic::metric_sums::{self, Prepared};
use crate::cell::{Cell, Tuning};
use crate::isa::operations::Token;
use crate::loops::prepare::prepare;
use crate::{Metric, RowTable, prefetch};

/// Where the rows of a call lie.
pub(crate) trait Rows: Copy {
    /// # Safety
    /// `i` is less than the number of rows that the caller promises.
    unsafe fn row(self, i: usize) -> *const u8;
}

/// Rows anywhere, by a list of slices. Only their addresses are read.
#[derive(Clone, Copy)]
pub(crate) struct Gathered(pub(crate) *const *const [u8]);

impl Rows for Gathered {
    #[inline(always)]
    unsafe fn row(self, i: usize) -> *const u8 {
        // SAFETY: the list has an i-th entry.
        unsafe { (*self.0.add(i)).cast() }
    }
}

/// Rows of a table, by a list of slots.
#[derive(Clone, Copy)]
struct Picked<'a> {
    table: &'a RowTable<'a>,
    rows: &'a [u32],
}

impl Rows for Picked<'_> {
    #[inline(always)]
    unsafe fn row(self, i: usize) -> *const u8 {
        // SAFETY: the list has an i-th entry, and the table its row.
        unsafe { self.table.row(*self.rows.get_unchecked(i)) }
    }
}

/// Rows at equal distances in memory.
#[derive(Clone, Copy)]
pub(crate) struct Strided {
    pub(crate) first: *const u8,
    pub(crate) stride: usize,
}

impl Rows for Strided {
    #[inline(always)]
    unsafe fn row(self, i: usize) -> *const u8 {
        // SAFETY: the i-th row lies in the caller's memory.
        unsafe { self.first.add(i * self.stride) }
    }
}

/// One more step of the sums of `N` rows, over the elements from `i`.
///
/// # Safety
/// `LANES` elements from `i` on are readable at `query` and at each of `rows`, on an `S`.
#[inline(always)]
unsafe fn step<S: Token, D: Accumulate<S>, C: Cell, const N: usize, const PREFETCH: bool>(
    s: S,
    mut sums: [D::Sum; N],
    norms: &mut [D::Sum; N],
    query: *const D::Query,
    rows: [*const D::Row; N],
    i: usize,
) -> [D::Sum; N] {
    // SAFETY: the caller's promise.
    unsafe {
        let q = D::query(s, query.add(i));
        if C::TUNING.read_first {
            let mut x = [D::row(s, D::at(rows[0], i)); N];
            for k in 1..N {
                x[k] = D::row(s, D::at(rows[k], i));
            }
            for k in 0..N {
                sums[k] = metric_sums::step::<S, D, C, PREFETCH>(s, sums[k], &mut norms[k], q, x[k]);
            }
        } else {
            for k in 0..N {
                let x = D::row(s, D::at(rows[k], i));
                sums[k] = metric_sums::step::<S, D, C, PREFETCH>(s, sums[k], &mut norms[k], q, x);
            }
        }
    }
    sums
}

/// One query to `N` rows, over `A` accumulators each. With `PREFETCH`, each line of the `next` rows is prefetched while
/// the same line of `rows` is summed, over the first accumulator.
///
/// # Safety
/// `dim` elements are readable at `query` and at each of `rows`, on an `S`.
#[inline(always)]
unsafe fn block<S: Token, D: Accumulate<S>, C: Cell, const N: usize, const A: usize, const PREFETCH: bool>(
    s: S,
    query: *const D::Query,
    rows: [*const D::Row; N],
    next: [*const u8; N],
    dim: usize,
    prepared: Prepared<D::Number>,
) -> [f32; N] {
    let (mut sums, mut norms) = ([[D::zero(s); N]; A], [[D::zero(s); N]; A]);
    let mut i = 0;
    // SAFETY: no step or tail goes beyond dim elements.
    unsafe {
        if PREFETCH {
            if D::LANES <= dim {
                // One cache line of each row at a time. A test for a new line in each step would spill an accumulator
                // of bf16 on AVX2 (docs/experiments/030-bf16-accumulators.md).
                let bytes = D::at(rows[0], D::LANES).addr() - rows[0].addr();
                let steps = (64 / bytes).max(1);
                while i + steps * D::LANES <= dim {
                    for k in 0..N {
                        prefetch::line(D::at(next[k].cast(), i).cast());
                    }
                    for _ in 0..steps {
                        sums[0] = step::<S, D, C, N, PREFETCH>(s, sums[0], &mut norms[0], query, rows, i);
                        i += D::LANES;
                    }
                }
            }
            if i < dim {
                for k in 0..N {
                    prefetch::line(D::at(next[k].cast(), i).cast());
                }
            }
        }
        if A > 1 {
            while i + A * D::LANES <= dim {
                for c in 0..A {
                    sums[c] = step::<S, D, C, N, PREFETCH>(s, sums[c], &mut norms[c], query, rows, i);
                    i += D::LANES;
                }
            }
        }
        while i + D::LANES <= dim {
            sums[0] = step::<S, D, C, N, PREFETCH>(s, sums[0], &mut norms[0], query, rows, i);
            i += D::LANES;
        }
        if i < dim {
            let (n, back) = (dim - i, D::BACK && dim >= D::LANES);
            let q = D::query_tail(s, query.add(i), n, back);
            for k in 0..N {
                let x = D::row_tail(s, D::at(rows[k], i), n, back);
                sums[A - 1][k] = metric_sums::step::<S, D, C, false>(s, sums[A - 1][k], &mut norms[A - 1][k], q, x);
            }
        }
    }
    let (mut all, mut all_norms) = (sums[0], norms[0]);
    for c in 1..A {
        for k in 0..N {
            all[k] = D::add(s, all[k], sums[c][k]);
            all_norms[k] = D::add(s, all_norms[k], norms[c][k]);
        }
    }
    metric_sums::finish::<S, D, C, N>(s, prepared, all, all_norms)
}

/// One query to `n` rows, several at a time. With `PREFETCH`, the next rows are prefetched meanwhile.
///
/// # Safety
/// As [`pair`](super::one_to_one::pair) for each of `n` rows; `n` distances are writable at `out`.
#[inline(always)]
pub(crate) unsafe fn many<S: Token, D: Accumulate<S>, C: Cell, R: Rows, const PREFETCH: bool>(
    query: *const u8,
    rows: R,
    n: usize,
    dim: usize,
    out: *mut f32,
) {
    // SAFETY: the caller's promise; i counts up to n.
    unsafe {
        let s = S::token();
        let prepared = prepare::<S, D>(s, C::METRIC, query.cast(), dim);
        let mut i = 0;
        if C::TUNING.rows == 8 {
            i = groups::<S, D, C, R, 8, 1, PREFETCH>(s, query, rows, n, dim, out, prepared, i);
        }
        // Two accumulators a row, but one where rows are prefetched (docs/experiments/032-two-accumulators-f32.md) and
        // one for a metric that has two sums.
        let one_sum = !matches!(C::METRIC, Metric::Cosine);
        if C::TUNING.accumulators == 2 && !PREFETCH && one_sum && dim >= Tuning::TWO * D::LANES {
            i = groups::<S, D, C, R, 4, 2, false>(s, query, rows, n, dim, out, prepared, i);
        } else {
            i = groups::<S, D, C, R, 4, 1, PREFETCH>(s, query, rows, n, dim, out, prepared, i);
        }
        // The last rows, one by one. A long row has four accumulators, which hide the latency.
        if dim >= Tuning::FOUR * D::LANES {
            groups::<S, D, C, R, 1, 4, false>(s, query, rows, n, dim, out, prepared, i);
        } else {
            groups::<S, D, C, R, 1, 1, false>(s, query, rows, n, dim, out, prepared, i);
        }
    }
}

/// Rows from `i` on, `N` at a time over `A` accumulators each. Returns the first row that is not computed.
///
/// # Safety
/// As [`many`].
#[inline(always)]
#[expect(clippy::too_many_arguments)]
unsafe fn groups<S: Token, D: Accumulate<S>, C: Cell, R: Rows, const N: usize, const A: usize, const PREFETCH: bool>(
    s: S,
    query: *const u8,
    rows: R,
    n: usize,
    dim: usize,
    out: *mut f32,
    prepared: Prepared<D::Number>,
    mut i: usize,
) -> usize {
    let mut next = [core::ptr::null(); N];
    if PREFETCH && i + N <= n {
        for k in 0..N {
            // SAFETY: i + k < n.
            next[k] = unsafe { rows.row(i + k) };
        }
    }
    while i + N <= n {
        let mut at = [core::ptr::null(); N];
        for k in 0..N {
            // SAFETY: i + k < n. The last group prefetches the last row again, from a cache.
            unsafe {
                if PREFETCH {
                    at[k] = next[k].cast();
                    next[k] = rows.row((i + N + k).min(n - 1));
                } else {
                    at[k] = rows.row(i + k).cast();
                }
            }
        }
        // SAFETY: the caller's promise; i + N <= n distances are writable.
        unsafe {
            let got = block::<S, D, C, N, A, PREFETCH>(s, query.cast(), at, next, dim, prepared);
            out.add(i).cast::<[f32; N]>().write_unaligned(got);
        }
        i += N;
    }
    i
}

/// One query to rows of a table, several at a time, with prefetch. Returns false, and computes nothing, if the table
/// lacks one of the rows.
///
/// # Safety
/// As [`many`] for each of the table's rows; as many distances as `rows` are writable at `out`.
#[inline(always)]
pub(crate) unsafe fn picked<S: Token, D: Accumulate<S>, C: Cell>(
    query: *const u8,
    table: &RowTable<'_>,
    rows: &[u32],
    dim: usize,
    out: *mut f32,
) -> bool {
    let mut most = 0;
    for &row in rows {
        most = most.max(row);
    }
    if most >= table.rows() {
        return rows.is_empty();
    }
    // SAFETY: the caller's promise; no slot is beyond the table.
    unsafe { many::<S, D, C, _, true>(query, Picked { table, rows }, rows.len(), dim, out) };
    true
}

/// Whether each of `n` rows is `len` long, with the bits `low` of its address clear. It is compiled in the instruction
/// set (docs/experiments/034-native-loop.md).
///
/// # Safety
/// `rows` lists `n` of them; none is read.
#[inline(always)]
pub(crate) unsafe fn fit(rows: *const *const [u8], n: usize, len: usize, low: usize) -> bool {
    // SAFETY: the caller's promise.
    let rows = unsafe { core::slice::from_raw_parts(rows, n) };
    let mut wrong = 0;
    for row in rows {
        wrong |= (row.len() ^ len) | (row.addr() & low);
    }
    wrong == 0
}
