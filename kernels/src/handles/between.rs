//! All distances of some rows of a table from some others, as a bulk build asks.

use crate::isa::entry::Pair;
use crate::loops::many_to_many::Products;
use crate::{ElementKind, Isa, KernelError, Metric, RowDistance, RowTable, dispatch};

/// Rows that were read as f32 have a multiple of so many elements, with zeros at the end. So no instruction set has a
/// tail.
const MULTIPLE: usize = 16;

/// The least share that a squared distance has of the squares it was computed from. A smaller one has lost too many
/// digits.
const LEAST_SHARE: f32 = 1.0 / 1024.0;

/// The products of `m` with `n` rows, which are contiguous in `rows`, each of `width` f32.
fn multiply((m, n, width): (usize, usize, usize), rows: &[f32], out: &mut [f32]) {
    assert!(rows.len() == (m + n) * width && out.len() == m * n, "whole rows, and room for each product");
    let (queries, rows) = rows.split_at(m * width);
    // SAFETY: `queries` is m × width, `rows` n × width and read transposed, `out` m × n; all row-major.
    unsafe {
        gemm::gemm(
            m,
            n,
            width,
            out.as_mut_ptr(),
            1,
            n as isize,
            false,
            queries.as_ptr(),
            1,
            width as isize,
            rows.as_ptr(),
            width as isize,
            1,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

impl RowDistance {
    /// The distance of each of a table's rows that `queries` names from each of those that `rows` names: `out[i · n +
    /// j]` is that of the i-th and the j-th of n rows. `scratch` is memory that the caller keeps from one call to the
    /// next.
    ///
    /// The distances are computed from inner products. A row that is loaded once serves several others, and two
    /// distances each if both lists are the same. Between rows of `u8` or `i8` they are what [`RowDistance::picked`]
    /// finds for a query of their type, bit for bit. Rows of other types are read as `f32`. Inner products and cosines
    /// err by at most `(dim + 12) · 2⁻²⁴` of the sum of the terms' absolute values. Squared L2 is computed from squares
    /// and products of each row minus the first query, with the same error. A distance below a 1,024th of these squares
    /// is computed again, from the two rows themselves. So a distance loses at most its last three digits, unless all
    /// roundings go the same way.
    ///
    /// ```
    /// use omendb_kernels::{ElementKind, Metric, RowDistance, RowTable};
    ///
    /// let l2 = RowDistance::new(Metric::L2, ElementKind::U8, ElementKind::U8, 2)?;
    /// let table = RowTable::new(vec![&[0, 0, 0, 1, 1, 1, 3, 3]], 2)?;
    /// let mut out = [0.0; 6];
    /// l2.between(&table, &[3, 0], &[3, 0, 2], &mut Vec::new(), &mut out)?;
    /// assert_eq!(out, [0.0, 18.0, 8.0, 18.0, 0.0, 2.0]);
    /// # Ok::<(), omendb_kernels::KernelError>(())
    /// ```
    ///
    /// # Errors
    /// [`KernelError::Output`] unless `out` has room for each pair, [`KernelError::Stride`] and
    /// [`KernelError::Misaligned`] of the table, and [`KernelError::Row`]; nothing is written then.
    pub fn between(
        &self,
        table: &RowTable<'_>,
        queries: &[u32],
        rows: &[u32],
        scratch: &mut Vec<f32>,
        out: &mut [f32],
    ) -> Result<(), KernelError> {
        let expected = queries.len().saturating_mul(rows.len());
        if out.len() != expected {
            return Err(KernelError::Output { expected, found: out.len() });
        }
        table.check(self.row_bytes(), self.row_kind().size())?;
        for named in [queries, rows] {
            if named.iter().any(|row| *row >= table.rows()) {
                return Err(table.lacks(named));
            }
        }
        let at = |named: &[u32]| -> Vec<*const u8> {
            // SAFETY: no row is beyond the table.
            named.iter().map(|&row| unsafe { table.row(row) }).collect()
        };
        let (same, queries) = (queries == rows, at(queries));
        let rows = if same { queries.clone() } else { at(rows) };
        // SAFETY: whole rows, aligned; `out` has room for each pair.
        unsafe { self.all_between(&queries, &rows, same, scratch, out) };
        Ok(())
    }

    /// The distance of each of `queries` from each of `rows`; `same` says that both are the same.
    ///
    /// # Safety
    /// A row lies at each address, aligned; `out` has room for each pair.
    unsafe fn all_between(
        &self,
        queries: &[*const u8],
        rows: &[*const u8],
        same: bool,
        scratch: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        if out.is_empty() {
            return;
        }
        let (metric, kind) = (self.metric(), self.row_kind());
        if matches!(kind, ElementKind::U8 | ElementKind::I8) {
            let between = dispatch::find_between(self.isa(), kind);
            let products = if same { Products::Half } else { Products::All };
            // SAFETY: the caller's promise; the machine has the instruction set.
            return unsafe { between(metric, (queries, rows, products), self.dim(), out.as_mut_ptr()) };
        }
        let width = self.dim().next_multiple_of(MULTIPLE);
        // SAFETY: the caller's promise.
        unsafe { self.read_as_f32(queries.iter().chain(if same { &[] } else { rows }), width, scratch) };
        let read: Vec<*const u8> = scratch.chunks_exact(width).map(|row| row.as_ptr().cast()).collect();
        let (read_queries, others) = read.split_at(queries.len());
        let read_rows = if same { read_queries } else { others };
        let between = dispatch::find_between(self.isa(), ElementKind::F32);
        let products = match same {
            true => Products::Half,
            // A matrix product is faster than the tiles (docs/experiments/023-gemm-between.md). `gemm` detects its
            // instruction set itself, so a forced one does without it.
            false if self.isa() == Isa::best() => {
                multiply((queries.len(), rows.len(), width), scratch, out);
                Products::Given
            }
            false => Products::All,
        };
        // SAFETY: `width` f32 are readable at each address; `out` has room, and holds the products if they are given;
        // the machine has the instruction set.
        unsafe { between(metric, (read_queries, read_rows, products), width, out.as_mut_ptr()) };
        if metric == Metric::L2 {
            let product = self.pair_of(Metric::InnerProduct, ElementKind::F32, width);
            // SAFETY: `width` f32 are readable at each address.
            let limit = |&row: &*const u8| unsafe { -product(row, row, width) } * LEAST_SHARE;
            let limits = |rows: &[*const u8]| rows.iter().map(limit).collect::<Vec<f32>>();
            let of_queries = limits(read_queries);
            let of_rows = if same { of_queries.clone() } else { limits(read_rows) };
            // SAFETY: the caller's promise.
            unsafe { self.compute_small_again((queries, &of_queries), (rows, &of_rows), out) };
        }
    }

    /// The kernel of a pair of rows of `kind`. Every type has one.
    fn pair_of(&self, metric: Metric, kind: ElementKind, dim: usize) -> Pair {
        dispatch::find(self.isa(), metric, kind, kind, dim).expect("rows of one type have kernels").pair
    }

    /// Computes again, from the rows themselves, the distances that are below the limits of their two rows or not
    /// finite.
    ///
    /// # Safety
    /// A row lies at each address, aligned.
    unsafe fn compute_small_again(
        &self,
        (queries, query_limits): (&[*const u8], &[f32]),
        (rows, row_limits): (&[*const u8], &[f32]),
        out: &mut [f32],
    ) {
        let pair = self.pair_of(Metric::L2, self.row_kind(), self.dim());
        for ((&query, own), line) in queries.iter().zip(query_limits).zip(out.chunks_exact_mut(rows.len())) {
            let groups = line.chunks_mut(MULTIPLE).zip(row_limits.chunks(MULTIPLE)).zip(rows.chunks(MULTIPLE));
            for ((line, limits), rows) in groups {
                // NaN and an infinite limit are not above.
                let is_good = |(distance, limit): (&f32, &f32)| (*distance > own + limit) & distance.is_finite();
                if line.iter().zip(limits).fold(true, |all, both| all & is_good(both)) {
                    continue;
                }
                for ((distance, limit), &row) in line.iter_mut().zip(limits).zip(rows) {
                    if !is_good((distance, limit)) {
                        // SAFETY: the caller's promise; the machine has the instruction set.
                        *distance = unsafe { pair(query, row, self.dim()) };
                    }
                }
            }
        }
    }

    /// Reads rows as `width` f32 each, with zeros at the end; for squared L2 minus the first row.
    ///
    /// # Safety
    /// A row lies at each address, aligned.
    unsafe fn read_as_f32<'a>(
        &self,
        addresses: impl Iterator<Item = &'a *const u8> + Clone,
        width: usize,
        scratch: &mut Vec<f32>,
    ) {
        scratch.clear();
        scratch.resize(addresses.clone().count() * width, 0.0);
        for (&address, values) in addresses.zip(scratch.chunks_exact_mut(width)) {
            // SAFETY: the caller's promise.
            let row = unsafe { core::slice::from_raw_parts(address, self.row_bytes()) };
            self.row_kind().read(row, &mut values[..self.dim()]).expect("whole rows, aligned");
        }
        if self.metric() == Metric::L2 {
            let (first, others) = scratch.split_at_mut(width);
            others.chunks_exact_mut(width).for_each(|other| other.iter_mut().zip(&*first).for_each(|(x, c)| *x -= c));
            first.fill(0.0);
        }
    }
}
