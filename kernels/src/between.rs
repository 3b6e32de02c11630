//! All distances of some rows of a table from some others: what a bulk build asks for.

use crate::{ElementKind, KernelError, Metric, RowDistance, RowTable, table};

/// Singles of a row start this many apart, or a multiple: no vector of any instruction set is left over.
const WIDTH: usize = 16;

/// A squared distance that is a smaller part than this of the squares it was made of has lost too many of its digits.
const SMALL: f32 = 1.0 / 1024.0;

impl RowDistance {
    /// The distance of each of a table's rows that `queries` names from each of those that `rows` names:
    /// `out[i · n + j]` is that of the i-th and the j-th of n rows. `singles` is memory to be used, kept from one
    /// call to the next.
    ///
    /// They are made of inner products, for which a row that is loaded once serves several others; if both lists are the same,
    /// for two distances each. Between rows of `u8` or `i8` they are what [`RowDistance::picked`] finds for a query of
    /// their own type, bit for bit. Rows of other types are read as `f32`. Inner products and cosines are as good as a
    /// query's. Squared L2 is taken less the first query; what is small beside the squares that this leaves is measured
    /// anew, so that of the distance's digits all but the last three are good.
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
    /// [`KernelError::Output`] unless `out` has a place for each pair, [`KernelError::Stride`] and
    /// [`KernelError::Misaligned`] of the table, and [`KernelError::Row`]; nothing is written then.
    pub fn between(
        &self,
        table: &RowTable<'_>,
        queries: &[u32],
        rows: &[u32],
        singles: &mut Vec<f32>,
        out: &mut [f32],
    ) -> Result<(), KernelError> {
        let expected = queries.len().saturating_mul(rows.len());
        if out.len() != expected {
            return Err(KernelError::Output { expected, found: out.len() });
        }
        self.check_table(table)?;
        if let Some(&found) = queries.iter().chain(rows).find(|row| **row >= table.rows()) {
            return Err(KernelError::Row { found, rows: table.rows() });
        }
        if expected == 0 {
            return Ok(());
        }
        let same = queries == rows;
        let named = queries.iter().chain(if same { &[] } else { rows });
        // SAFETY: no row is beyond the table.
        let mut addresses: Vec<*const u8> = named.map(|&row| unsafe { table.row(row) }).collect();
        let (mut dim, mut kind) = (self.dim(), self.row_kind());
        if !matches!(kind, ElementKind::U8 | ElementKind::I8) {
            // SAFETY: the table's rows are as long as a row at least, and aligned.
            unsafe { self.read(&addresses, singles) };
            (dim, kind) = (dim.next_multiple_of(WIDTH), ElementKind::F32);
            addresses = singles.chunks_exact(dim).map(|row| row.as_ptr().cast()).collect();
        }
        let (queries, others) = addresses.split_at(queries.len());
        let rows = if same { queries } else { others };
        let between = table::find_between(self.isa(), kind);
        // SAFETY: `dim` elements lie at each, aligned; `out` has room; the machine has the instruction set.
        unsafe { between(self.metric(), (queries, rows, same), dim, out.as_mut_ptr()) };
        if kind == ElementKind::F32 && self.metric() == Metric::L2 {
            self.measure_small_ones(queries, rows, dim, out);
        }
        Ok(())
    }

    /// Measures those anew that are small beside the squares they were made of, or whose squares left the range of `f32`.
    fn measure_small_ones(&self, queries: &[*const u8], rows: &[*const u8], dim: usize, out: &mut [f32]) {
        let singles = ElementKind::F32;
        let find = |metric| table::find(self.isa(), metric, singles, singles, dim).expect("singles have kernels").pair;
        let (apart, product) = (find(Metric::L2), find(Metric::InnerProduct));
        // SAFETY: `dim` singles lie at each; the machine has the instruction set.
        let limit = |&row: &*const u8| unsafe { -product(row, row, dim) } * SMALL;
        let limits: Vec<f32> = rows.iter().map(limit).collect();
        for (query, line) in queries.iter().zip(out.chunks_exact_mut(rows.len())) {
            let own = limit(query);
            let groups = line.chunks_mut(WIDTH).zip(limits.chunks(WIDTH)).zip(rows.chunks(WIDTH));
            for ((line, limits), rows) in groups {
                // A number that is none, and an infinite limit, are not above.
                let is_good = |(distance, limit): (&f32, &f32)| (*distance > own + limit) & distance.is_finite();
                if line.iter().zip(limits).fold(true, |all, both| all & is_good(both)) {
                    continue;
                }
                for ((distance, limit), &row) in line.iter_mut().zip(limits).zip(rows) {
                    if !is_good((distance, limit)) {
                        // SAFETY: as above.
                        *distance = unsafe { apart(*query, row, dim) };
                    }
                }
            }
        }
    }

    /// Reads rows as singles, each followed by zeroes; for squared L2 less the first.
    ///
    /// # Safety
    /// A row lies at each of `addresses`.
    unsafe fn read(&self, addresses: &[*const u8], singles: &mut Vec<f32>) {
        let width = self.dim().next_multiple_of(WIDTH);
        singles.clear();
        singles.resize(addresses.len() * width, 0.0);
        for (&address, single) in addresses.iter().zip(singles.chunks_exact_mut(width)) {
            // SAFETY: the caller's promise.
            let row = unsafe { core::slice::from_raw_parts(address, self.row_bytes()) };
            self.row_kind().read(row, &mut single[..self.dim()]);
        }
        if self.metric() == Metric::L2 {
            let (first, others) = singles.split_at_mut(width);
            others.chunks_exact_mut(width).for_each(|other| other.iter_mut().zip(&*first).for_each(|(x, c)| *x -= c));
            first.fill(0.0);
        }
    }
}
