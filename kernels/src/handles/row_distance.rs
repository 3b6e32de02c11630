//! The handle for rows whose element type is known at run time: bytes in, distances out.

use crate::checks::{check, check_rows};
use crate::element::{Element, ElementKind};
use crate::isa::entry::Kernels;
use crate::loops::one_to_many::{Gathered, Strided};
use crate::{Isa, KernelError, MAX_DIM, Metric, RowTable, dispatch, oracle};
use core::fmt;
use half::{bf16, f16};

/// Distances between byte views of rows, by a metric, element types and a dimension that are fixed when it is made. It
/// is `Copy` and holds function pointers compiled for one instruction set. A call costs one indirect jump, however many
/// rows it takes, and another where it compares the lengths of a list of rows.
#[derive(Clone, Copy)]
pub struct RowDistance {
    kernels: Kernels,
    dim: usize,
    metric: Metric,
    query: ElementKind,
    row: ElementKind,
    isa: Isa,
}

impl RowDistance {
    /// Kernels for `query` rows against `row` rows of `dim` elements: the same type on both
    /// sides, or `f32` queries against any. Uses [`Isa::chosen`].
    ///
    /// # Errors
    /// [`KernelError::Empty`], [`KernelError::TooLong`], [`KernelError::Unsupported`], and
    /// those of [`Isa::chosen`].
    pub fn new(metric: Metric, query: ElementKind, row: ElementKind, dim: usize) -> Result<Self, KernelError> {
        Self::with_isa(metric, query, row, dim, Isa::chosen()?)
    }

    /// As [`RowDistance::new`], on an instruction set of the caller's choice.
    ///
    /// # Errors
    /// As [`RowDistance::new`], and [`KernelError::MissingIsa`].
    pub fn with_isa(
        metric: Metric,
        query: ElementKind,
        row: ElementKind,
        dim: usize,
        isa: Isa,
    ) -> Result<Self, KernelError> {
        let isa = isa.required()?;
        match dim {
            0 => return Err(KernelError::Empty),
            1..=MAX_DIM => {}
            _ => return Err(KernelError::TooLong { found: dim }),
        }
        let kernels = dispatch::find(isa, metric, query, row, dim).ok_or(KernelError::Unsupported { query, row })?;
        Ok(Self { kernels, dim, metric, query, row, isa })
    }

    /// The metric.
    #[must_use]
    pub const fn metric(&self) -> Metric {
        self.metric
    }

    /// Elements of a row.
    #[must_use]
    pub const fn dim(&self) -> usize {
        self.dim
    }

    /// The instruction set in use.
    #[must_use]
    pub const fn isa(&self) -> Isa {
        self.isa
    }

    /// Element type of queries.
    #[must_use]
    pub const fn query_kind(&self) -> ElementKind {
        self.query
    }

    /// Element type of rows.
    #[must_use]
    pub const fn row_kind(&self) -> ElementKind {
        self.row
    }

    /// What is computed and on what, as in `l2 f32×u8 128 avx512`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}×{} {} {}", self.metric, self.query, self.row, self.dim, self.isa)
    }

    /// Bytes of a query.
    #[must_use]
    pub const fn query_bytes(&self) -> usize {
        self.dim * self.query.size()
    }

    /// Bytes of a row.
    #[must_use]
    pub const fn row_bytes(&self) -> usize {
        self.dim * self.row.size()
    }

    /// The distance of one row.
    ///
    /// # Errors
    /// [`KernelError::Length`] and [`KernelError::Misaligned`].
    #[inline]
    pub fn pair(&self, query: &[u8], row: &[u8]) -> Result<f32, KernelError> {
        check(query, self.query_bytes(), self.query, 0)?;
        check(row, self.row_bytes(), self.row, 0)?;
        // SAFETY: both were found to be whole rows.
        Ok(unsafe { self.pair_at(query.as_ptr(), row.as_ptr()) })
    }

    /// The distance of each of `rows`, in their order. The next rows are prefetched meanwhile, so rows may lie anywhere
    /// in memory.
    ///
    /// # Errors
    /// [`KernelError::Output`], [`KernelError::Length`] and [`KernelError::Misaligned`]; nothing is written then.
    #[inline]
    pub fn gathered(&self, query: &[u8], rows: &[&[u8]], out: &mut [f32]) -> Result<(), KernelError> {
        self.check_gathered(query, rows, out)?;
        // SAFETY: query and rows were found to be whole rows, and `out` to be as long.
        unsafe { self.gathered_at(query.as_ptr(), rows.as_ptr().cast(), rows.len(), out.as_mut_ptr()) };
        Ok(())
    }

    /// As [`RowDistance::gathered`] for rows in a near cache: without prefetch.
    ///
    /// # Errors
    /// As [`RowDistance::gathered`].
    #[inline]
    pub fn gathered_near(&self, query: &[u8], rows: &[&[u8]], out: &mut [f32]) -> Result<(), KernelError> {
        self.check_gathered(query, rows, out)?;
        // SAFETY: query and rows were found to be whole rows, and `out` to be as long.
        unsafe {
            let list = Gathered(rows.as_ptr().cast());
            (self.kernels.gathered_near)(query.as_ptr(), list, rows.len(), self.dim, out.as_mut_ptr());
        }
        Ok(())
    }

    /// The distance of each of a table's rows that `rows` names, in the order of `rows`: as [`RowDistance::gathered`],
    /// without a list of addresses.
    ///
    /// # Errors
    /// [`KernelError::Length`] and [`KernelError::Misaligned`] of the query, [`KernelError::Output`],
    /// [`KernelError::Stride`] and [`KernelError::Misaligned`] of the table, and [`KernelError::Row`]; nothing is
    /// written then.
    #[inline]
    pub fn picked(&self, query: &[u8], table: &RowTable<'_>, rows: &[u32], out: &mut [f32]) -> Result<(), KernelError> {
        check(query, self.query_bytes(), self.query, 0)?;
        if rows.len() != out.len() {
            return Err(KernelError::Output { expected: rows.len(), found: out.len() });
        }
        table.check(self.row_bytes(), self.row.size())?;
        // SAFETY: the query is a whole row, the table's rows are as long at least, and aligned; `out` is as long as
        // `rows`; the machine has the instruction set.
        let done = unsafe { (self.kernels.picked)(query.as_ptr(), table, rows, self.dim, out.as_mut_ptr()) };
        if done { Ok(()) } else { Err(table.lacks(rows)) }
    }

    /// The distance of each of the `out.len()` rows in `rows`, which start `stride` bytes apart. The bytes after the
    /// last row's last element may be missing.
    ///
    /// # Errors
    /// [`KernelError::Stride`], [`KernelError::Length`] and [`KernelError::Misaligned`]; nothing is written then.
    #[inline]
    pub fn scan(&self, query: &[u8], rows: &[u8], stride: usize, out: &mut [f32]) -> Result<(), KernelError> {
        check(query, self.query_bytes(), self.query, 0)?;
        check_rows(rows, stride, out.len(), self.row_bytes(), self.row)?;
        // SAFETY: the query is a whole row, and out.len() whole rows were found in `rows`.
        unsafe {
            let rows = Strided { first: rows.as_ptr(), stride };
            (self.kernels.scan)(query.as_ptr(), rows, out.len(), self.dim, out.as_mut_ptr());
        }
        Ok(())
    }

    /// The distance of one row, without a check.
    ///
    /// # Safety
    /// `query` and `row` point at [`RowDistance::query_bytes`] and [`RowDistance::row_bytes`] readable bytes, aligned to
    /// their elements.
    #[inline(always)]
    pub(crate) unsafe fn pair_at(&self, query: *const u8, row: *const u8) -> f32 {
        // SAFETY: the caller's promise; the machine has the instruction set.
        unsafe { (self.kernels.pair)(query, row, self.dim) }
    }

    /// As [`RowDistance::gathered`], from a list of slices of any type, without a check. Of each slice only the address
    /// is read.
    ///
    /// # Safety
    /// `query` and `n` slices of `rows` are as [`RowDistance::pair_at`] needs them; `n` distances are writable at `out`.
    #[inline(always)]
    pub(crate) unsafe fn gathered_at(&self, query: *const u8, rows: *const *const [u8], n: usize, out: *mut f32) {
        // SAFETY: the caller's promise; the machine has the instruction set.
        unsafe { (self.kernels.gathered)(query, Gathered(rows), n, self.dim, out) };
    }

    /// The distance by its definition, in `f64`: for exact answers and for tests.
    ///
    /// # Errors
    /// As [`RowDistance::pair`].
    pub fn exact(&self, query: &[u8], row: &[u8]) -> Result<f64, KernelError> {
        check(query, self.query_bytes(), self.query, 0)?;
        check(row, self.row_bytes(), self.row, 0)?;
        Ok(match self.query {
            ElementKind::F32 => self.exact_to::<f32>(query, row),
            ElementKind::F16 => self.exact_to::<f16>(query, row),
            ElementKind::Bf16 => self.exact_to::<bf16>(query, row),
            ElementKind::U8 => self.exact_to::<u8>(query, row),
            ElementKind::I8 => self.exact_to::<i8>(query, row),
        })
    }

    fn exact_to<Q: Element>(&self, query: &[u8], row: &[u8]) -> f64 {
        let query: &[Q] = bytemuck::cast_slice(query);
        match self.row {
            ElementKind::F32 => self.exact_of::<Q, f32>(query, row),
            ElementKind::F16 => self.exact_of::<Q, f16>(query, row),
            ElementKind::Bf16 => self.exact_of::<Q, bf16>(query, row),
            ElementKind::U8 => self.exact_of::<Q, u8>(query, row),
            ElementKind::I8 => self.exact_of::<Q, i8>(query, row),
        }
    }

    fn exact_of<Q: Element, R: Element>(&self, query: &[Q], row: &[u8]) -> f64 {
        oracle::distance(self.metric, query, bytemuck::cast_slice::<u8, R>(row))
    }

    fn check_gathered(&self, query: &[u8], rows: &[&[u8]], out: &[f32]) -> Result<(), KernelError> {
        check(query, self.query_bytes(), self.query, 0)?;
        if rows.len() != out.len() {
            return Err(KernelError::Output { expected: rows.len(), found: out.len() });
        }
        if self.fit(rows, self.row_bytes(), self.row.size() - 1) { Ok(()) } else { self.name_wrong_row(rows) }
    }

    /// As [`Kernels::fit`].
    #[inline(always)]
    pub(crate) fn fit<T>(&self, rows: &[&[T]], len: usize, low: usize) -> bool {
        // SAFETY: the machine has the instruction set.
        unsafe { self.kernels.fit(rows, len, low) }
    }

    #[cold]
    fn name_wrong_row(&self, rows: &[&[u8]]) -> Result<(), KernelError> {
        rows.iter().enumerate().try_for_each(|(i, row)| check(row, self.row_bytes(), self.row, i))
    }
}

impl fmt::Debug for RowDistance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RowDistance").field(&self.name()).finish()
    }
}
