//! The loops: one query to one row, and one query to many rows wherever they lie. Written
//! once for all metrics, element types and instruction sets; compiled inside the context of
//! each by the entries in `isa`.

use crate::formula::Formula;
use crate::sums::Sums;
use crate::{RowTable, prefetch};

/// Where the rows of a call lie.
pub(crate) trait Rows: Copy {
    /// # Safety
    /// `i` is less than the number of rows promised by the caller.
    unsafe fn row(self, i: usize) -> *const u8;
}

/// Rows anywhere, by a list of slices (only whose addresses are read).
#[derive(Clone, Copy)]
pub(crate) struct Gathered(pub(crate) *const *const [u8]);

impl Rows for Gathered {
    #[inline(always)]
    unsafe fn row(self, i: usize) -> *const u8 {
        // SAFETY: the list has an i-th entry.
        unsafe { (*self.0.add(i)).cast() }
    }
}

/// Rows of a table, by a list of their numbers.
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

/// Rows at equal distances.
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

/// One query to one row, over `U` chains.
///
/// # Safety
/// `dim` elements are readable at `query` and `row`, on an `S`.
#[inline(always)]
unsafe fn once<S, D, M, const U: usize>(s: S, query: *const D::Query, row: *const D::Row, dim: usize) -> f32
where
    S: Copy,
    D: Sums<S>,
    M: Formula<S, D>,
{
    let mut sums = [M::zero(s); U];
    let mut seeds = [M::no_seed(s); U];
    let whole = dim - dim % (U * D::LANES);
    let mut i = 0;
    // SAFETY: no step or part goes beyond dim elements.
    unsafe {
        while i < whole {
            if M::READ_FIRST_ONCE {
                let mut x = [D::row(s, D::at(row, i)); U];
                for u in 1..U {
                    x[u] = D::row(s, D::at(row, i + u * D::LANES));
                }
                for u in 0..U {
                    let q = D::query(s, query.add(i + u * D::LANES));
                    (sums[u], seeds[u]) = M::once(s, sums[u], seeds[u], q, x[u]);
                }
            } else {
                for u in 0..U {
                    let at = i + u * D::LANES;
                    let (q, x) = (D::query(s, query.add(at)), D::row(s, D::at(row, at)));
                    (sums[u], seeds[u]) = M::once(s, sums[u], seeds[u], q, x);
                }
            }
            i += U * D::LANES;
        }
        if U > 1 {
            // What is left is less than U steps: one for each chain but the last.
            for u in 0..U - 1 {
                if i + D::LANES <= dim {
                    let (q, x) = (D::query(s, query.add(i)), D::row(s, D::at(row, i)));
                    (sums[u], seeds[u]) = M::once(s, sums[u], seeds[u], q, x);
                    i += D::LANES;
                }
            }
        }
        if i < dim {
            let (n, back) = (dim - i, D::BACK && dim >= D::LANES);
            let q = D::query_part(s, query.add(i), n, back);
            let x = D::row_part(s, D::at(row, i), n, back);
            (sums[U - 1], seeds[U - 1]) = M::once(s, sums[U - 1], seeds[U - 1], q, x);
        }
    }
    let (mut sum, mut seed) = (sums[0], seeds[0]);
    for u in 1..U {
        sum = M::add(s, sum, sums[u]);
        seed = M::add_seeds(s, seed, seeds[u]);
    }
    M::finish_once(s, seed, sum)
}

/// The sums of `N` rows with those of the elements from `i` on that one step takes.
///
/// # Safety
/// `LANES` elements from `i` on are readable at `query` and at each of `rows`, on an `S`.
#[inline(always)]
unsafe fn step<S, D, M, const N: usize, const AHEAD: bool>(
    s: S,
    mut sums: [M::Sum; N],
    query: *const D::Query,
    rows: [*const D::Row; N],
    i: usize,
) -> [M::Sum; N]
where
    S: Copy,
    D: Sums<S>,
    M: Formula<S, D>,
{
    // SAFETY: the caller's promise.
    unsafe {
        let q = D::query(s, query.add(i));
        if D::READ_FIRST {
            let mut x = [D::row(s, D::at(rows[0], i)); N];
            for k in 1..N {
                x[k] = D::row(s, D::at(rows[k], i));
            }
            for k in 0..N {
                sums[k] = if AHEAD { M::step_ahead(s, sums[k], q, x[k]) } else { M::step(s, sums[k], q, x[k]) };
            }
        } else {
            for k in 0..N {
                let x = D::row(s, D::at(rows[k], i));
                sums[k] = if AHEAD { M::step_ahead(s, sums[k], q, x) } else { M::step(s, sums[k], q, x) };
            }
        }
    }
    sums
}

/// One query to `N` rows, over `C` chains each. `AHEAD`: each line of the rows `next` is asked
/// for as its like is computed on, and the lines are summed over the first chain.
///
/// # Safety
/// `dim` elements are readable at `query` and at each of `rows`, on an `S`.
#[inline(always)]
unsafe fn block<S, D, M, const N: usize, const C: usize, const AHEAD: bool>(
    s: S,
    query: *const D::Query,
    rows: [*const D::Row; N],
    next: [*const u8; N],
    dim: usize,
    known: M::Known,
) -> [f32; N]
where
    S: Copy,
    D: Sums<S>,
    M: Formula<S, D>,
{
    let mut sums = [[M::zero(s); N]; C];
    let mut i = 0;
    // SAFETY: no step or part goes beyond dim elements.
    unsafe {
        if AHEAD {
            if D::LANES <= dim {
                // A line of each row at a time. To ask in each step whether it begins a new line spilled a
                // sum in every step of bfloats on AVX2, where no register is to spare.
                let bytes = D::at(rows[0], D::LANES).addr() - rows[0].addr();
                let steps = (64 / bytes).max(1);
                while i + steps * D::LANES <= dim {
                    for k in 0..N {
                        prefetch::line(D::at(next[k].cast(), i).cast());
                    }
                    for _ in 0..steps {
                        sums[0] = step::<S, D, M, N, AHEAD>(s, sums[0], query, rows, i);
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
        if C > 1 {
            while i + C * D::LANES <= dim {
                for c in 0..C {
                    sums[c] = step::<S, D, M, N, AHEAD>(s, sums[c], query, rows, i);
                    i += D::LANES;
                }
            }
        }
        while i + D::LANES <= dim {
            sums[0] = step::<S, D, M, N, AHEAD>(s, sums[0], query, rows, i);
            i += D::LANES;
        }
        if i < dim {
            let (n, back) = (dim - i, D::BACK && dim >= D::LANES);
            let q = D::query_part(s, query.add(i), n, back);
            for k in 0..N {
                sums[C - 1][k] = M::step(s, sums[C - 1][k], q, D::row_part(s, D::at(rows[k], i), n, back));
            }
        }
    }
    let mut all = sums[0];
    for c in 1..C {
        for k in 0..N {
            all[k] = M::add(s, all[k], sums[c][k]);
        }
    }
    M::finish(s, known, all)
}

/// One query to one row.
///
/// # Safety
/// `dim` elements are readable at `query` and `row`, aligned to them, on an `S`.
#[inline(always)]
pub(crate) unsafe fn pair<S, D, M>(query: *const u8, row: *const u8, dim: usize) -> f32
where
    S: Copy,
    D: Sums<S>,
    M: Formula<S, D>,
{
    // SAFETY: the caller's promise.
    unsafe {
        let s = D::token();
        // Calls overlap, so that short rows want few instructions and long ones many chains. The
        // hints put the short ones in line: a branch taken is nothing to a long row.
        if dim >= 16 * D::LANES {
            core::hint::cold_path();
            once::<S, D, M, 4>(s, query.cast(), row.cast(), dim)
        } else if dim >= 4 * D::LANES {
            core::hint::cold_path();
            once::<S, D, M, 2>(s, query.cast(), row.cast(), dim)
        } else {
            once::<S, D, M, 1>(s, query.cast(), row.cast(), dim)
        }
    }
}

/// One query to `n` rows, several at a time. `AHEAD`: while some are computed on, the next
/// are fetched.
///
/// # Safety
/// As [`pair`] for each of `n` rows; `n` distances are writable at `out`.
#[inline(always)]
pub(crate) unsafe fn many<S, D, M, R: Rows, const AHEAD: bool>(
    query: *const u8,
    rows: R,
    n: usize,
    dim: usize,
    out: *mut f32,
) where
    S: Copy,
    D: Sums<S>,
    M: Formula<S, D>,
{
    // SAFETY: the caller's promise; i counts up to n.
    unsafe {
        let s = D::token();
        let known = know::<S, D, M>(s, query.cast(), dim);
        let mut i = 0;
        if D::ROWS == 8 {
            i = groups::<S, D, M, R, 8, 1, AHEAD>(s, query, rows, n, dim, out, known, i);
        }
        // A formula with two sums a row has as many chains. Where rows are fetched, the memory is waited
        // for and not the sums: searches were 0 to 2 % slower with two.
        if D::CHAINS == 2 && !AHEAD && size_of::<M::Sum>() == size_of::<D::Sum>() && dim >= 4 * D::LANES {
            i = groups::<S, D, M, R, 4, 2, false>(s, query, rows, n, dim, out, known, i);
        } else {
            i = groups::<S, D, M, R, 4, 1, AHEAD>(s, query, rows, n, dim, out, known, i);
        }
        // Those left over one by one, the long ones over chains of their own: over one, each of their steps
        // would wait for the last.
        if dim >= 16 * D::LANES {
            groups::<S, D, M, R, 1, 4, false>(s, query, rows, n, dim, out, known, i);
        } else {
            groups::<S, D, M, R, 1, 1, false>(s, query, rows, n, dim, out, known, i);
        }
    }
}

/// Rows from `i` on, `N` at a time over `C` chains each, as far as they go; returns the first one left.
///
/// # Safety
/// As [`many`].
#[inline(always)]
#[expect(clippy::too_many_arguments)]
unsafe fn groups<S, D, M, R: Rows, const N: usize, const C: usize, const AHEAD: bool>(
    s: S,
    query: *const u8,
    rows: R,
    n: usize,
    dim: usize,
    out: *mut f32,
    known: M::Known,
    mut i: usize,
) -> usize
where
    S: Copy,
    D: Sums<S>,
    M: Formula<S, D>,
{
    let mut next = [core::ptr::null(); N];
    if AHEAD && i + N <= n {
        for k in 0..N {
            // SAFETY: i + k < n.
            next[k] = unsafe { rows.row(i + k) };
        }
    }
    while i + N <= n {
        let mut at = [core::ptr::null(); N];
        for k in 0..N {
            // SAFETY: i + k < n. The last group fetches the last row again, from a cache.
            unsafe {
                if AHEAD {
                    at[k] = next[k].cast();
                    next[k] = rows.row((i + N + k).min(n - 1));
                } else {
                    at[k] = rows.row(i + k).cast();
                }
            }
        }
        // SAFETY: the caller's promise; i + N <= n distances are writable.
        unsafe {
            let got = block::<S, D, M, N, C, AHEAD>(s, query.cast(), at, next, dim, known);
            out.add(i).cast::<[f32; N]>().write_unaligned(got);
        }
        i += N;
    }
    i
}

/// One query to rows of a table, several at a time, while the next are fetched; false, and nothing
/// computed, if one is named that the table does not have.
///
/// # Safety
/// As [`many`] for each of the table's rows; as many distances as `rows` are writable at `out`.
#[inline(always)]
pub(crate) unsafe fn picked<S, D, M>(
    query: *const u8,
    table: &RowTable<'_>,
    rows: &[u32],
    dim: usize,
    out: *mut f32,
) -> bool
where
    S: Copy,
    D: Sums<S>,
    M: Formula<S, D>,
{
    let mut most = 0;
    for &row in rows {
        most = most.max(row);
    }
    if most >= table.rows() {
        return rows.is_empty();
    }
    // SAFETY: the caller's promise; no number is beyond the table.
    unsafe { many::<S, D, M, _, true>(query, Picked { table, rows }, rows.len(), dim, out) };
    true
}

/// Whether each of `n` rows is `len` long, with the bits `low` of its address clear: a loop among
/// those here because, compiled for the baseline, it takes a fifth of a short row's time.
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

/// What the query alone contributes to every distance of a call.
///
/// # Safety
/// `dim` elements are readable at `query`, on an `S`.
#[inline(always)]
pub(crate) unsafe fn know<S, D, M>(s: S, query: *const D::Query, dim: usize) -> M::Known
where
    S: Copy,
    D: Sums<S>,
    M: Formula<S, D>,
{
    const CHAINS: usize = 4;
    let mut seeds = [M::no_seed(s); CHAINS];
    let mut i = 0;
    if size_of::<M::Seed>() == 0 {
        return M::know(s, seeds[0]);
    }
    // SAFETY: no step or part goes beyond dim elements.
    unsafe {
        while i + CHAINS * D::LANES <= dim {
            for c in 0..CHAINS {
                seeds[c] = M::seed(s, seeds[c], D::query(s, query.add(i)));
                i += D::LANES;
            }
        }
        while i + D::LANES <= dim {
            seeds[0] = M::seed(s, seeds[0], D::query(s, query.add(i)));
            i += D::LANES;
        }
        if i < dim {
            seeds[1] = M::seed(s, seeds[1], D::query_part(s, query.add(i), dim - i, D::BACK && dim >= D::LANES));
        }
    }
    let [a, b, c, d] = seeds;
    M::know(s, M::add_seeds(s, M::add_seeds(s, a, b), M::add_seeds(s, c, d)))
}
