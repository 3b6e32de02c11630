//! The loops: one query to one row, and one query to many rows wherever they lie. Written
//! once for all metrics, element types and instruction sets; compiled inside the context of
//! each by the entries in `isa`.

use crate::formula::Formula;
use crate::prefetch;
use crate::sums::Sums;

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

/// Steps of `U` vectors over a query and `N` rows. `SEED`: the query's own sums are taken on
/// the way. `AHEAD`: each line of the rows `next` is asked for as its like is computed on.
///
/// # Safety
/// `dim` elements are readable at `query` and at each of `rows`, on an `S`.
#[inline(always)]
unsafe fn block<S, D, M, const N: usize, const U: usize, const SEED: bool, const AHEAD: bool>(
    s: S,
    query: *const D::Query,
    rows: [*const D::Row; N],
    next: [*const u8; N],
    dim: usize,
    mut seed: M::Seed,
) -> [f32; N]
where
    S: Copy,
    D: Sums<S>,
    M: Formula<S, D>,
{
    let mut sums = [[M::zero(s); N]; U];
    let mut i = 0;
    while i + U * D::LANES <= dim {
        if AHEAD {
            let first = i * size_of::<D::Row>();
            let bytes = U * D::LANES * size_of::<D::Row>();
            // A step shorter than a line asks for a line once in every line's worth of steps.
            if bytes >= 64 || first & 63 < bytes {
                let mut at = first & !63;
                while at < first + bytes {
                    for k in 0..N {
                        prefetch::line(next[k].wrapping_add(at));
                    }
                    at += 64;
                }
            }
        }
        for u in 0..U {
            // SAFETY: i + (u + 1) · LANES <= dim elements are readable.
            unsafe {
                let at = i + u * D::LANES;
                let q = D::query(s, query.add(at));
                if SEED {
                    seed = M::seed(s, seed, q);
                }
                for k in 0..N {
                    sums[u][k] = M::step(s, sums[u][k], q, D::row(s, rows[k].add(at)));
                }
            }
        }
        i += U * D::LANES;
    }
    if U > 1 {
        while i + D::LANES <= dim {
            // SAFETY: i + LANES <= dim elements are readable.
            unsafe {
                let q = D::query(s, query.add(i));
                if SEED {
                    seed = M::seed(s, seed, q);
                }
                for k in 0..N {
                    sums[0][k] = M::step(s, sums[0][k], q, D::row(s, rows[k].add(i)));
                }
            }
            i += D::LANES;
        }
    }
    if i < dim {
        let back = dim >= D::LANES;
        // SAFETY: dim − i elements are readable, and dim in all.
        unsafe {
            let q = D::query_part(s, query.add(i), dim - i, back);
            if SEED {
                seed = M::seed(s, seed, q);
            }
            for k in 0..N {
                let x = D::row_part(s, rows[k].add(i), dim - i, back);
                sums[U - 1][k] = M::step(s, sums[U - 1][k], q, x);
            }
        }
    }
    let mut total = sums[0];
    for u in 1..U {
        for k in 0..N {
            total[k] = M::add(s, total[k], sums[u][k]);
        }
    }
    M::finish(s, seed, total)
}

/// One query to one row.
///
/// # Safety
/// As [`block`], with the row as bytes aligned to its elements.
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
        let seed = M::no_seed(s);
        let [out] =
            block::<S, D, M, 1, 4, true, false>(s, query.cast(), [row.cast()], [row], dim, seed);
        out
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
        let seed = query_seed::<S, D, M>(s, query.cast(), dim);
        let mut i = 0;
        if D::ROWS == 8 {
            i = groups::<S, D, M, R, 8, 1, AHEAD>(s, query, rows, n, dim, out, seed, i);
        }
        i = groups::<S, D, M, R, 4, 1, AHEAD>(s, query, rows, n, dim, out, seed, i);
        groups::<S, D, M, R, 1, 4, false>(s, query, rows, n, dim, out, seed, i);
    }
}

/// Rows from `i` on, `N` at a time, as far as they go; returns the first one left.
///
/// # Safety
/// As [`many`].
#[inline(always)]
#[expect(clippy::too_many_arguments)]
unsafe fn groups<S, D, M, R: Rows, const N: usize, const U: usize, const AHEAD: bool>(
    s: S,
    query: *const u8,
    rows: R,
    n: usize,
    dim: usize,
    out: *mut f32,
    seed: M::Seed,
    mut i: usize,
) -> usize
where
    S: Copy,
    D: Sums<S>,
    M: Formula<S, D>,
{
    while i + N <= n {
        let mut at = [core::ptr::null(); N];
        let mut next = [core::ptr::null(); N];
        for k in 0..N {
            // SAFETY: i + k < n. The last group fetches the last row again, from a cache.
            unsafe {
                at[k] = rows.row(i + k).cast();
                if AHEAD {
                    next[k] = rows.row((i + N + k).min(n - 1));
                }
            }
        }
        // SAFETY: the caller's promise; i + N <= n distances are writable.
        unsafe {
            let got = block::<S, D, M, N, U, false, AHEAD>(s, query.cast(), at, next, dim, seed);
            out.add(i).cast::<[f32; N]>().write_unaligned(got);
        }
        i += N;
    }
    i
}

/// What the query alone contributes to every distance of a call.
///
/// # Safety
/// As [`block`].
#[inline(always)]
unsafe fn query_seed<S, D, M>(s: S, query: *const D::Query, dim: usize) -> M::Seed
where
    S: Copy,
    D: Sums<S>,
    M: Formula<S, D>,
{
    let mut seed = M::no_seed(s);
    if size_of::<M::Seed>() == 0 {
        return seed;
    }
    let mut i = 0;
    // SAFETY: dim elements are readable.
    unsafe {
        while i + D::LANES <= dim {
            seed = M::seed(s, seed, D::query(s, query.add(i)));
            i += D::LANES;
        }
        if i < dim {
            seed = M::seed(
                s,
                seed,
                D::query_part(s, query.add(i), dim - i, dim >= D::LANES),
            );
        }
    }
    seed
}
