//! The handle for rows whose element type is known to the compiler, and a function without one.

use crate::element::Element;
use crate::{Isa, KernelError, Metric, RowDistance};
use core::{fmt, marker::PhantomData};

/// The distance of two rows, by `metric`.
///
/// Each call makes a [`Distance`]: it reads `OMENDB_ISA` and looks up the kernel. For many calls a handle is faster.
///
/// ```
/// use omendb_kernels::{Metric, distance};
///
/// assert_eq!(distance(Metric::L2, &[0.0_f32, 0.0, 1.0], &[2.0_f32, 0.0, 1.0])?, 4.0);
/// assert_eq!(distance(Metric::InnerProduct, &[1_u8, 2], &[3_u8, 4])?, -11.0);
/// # Ok::<(), omendb_kernels::KernelError>(())
/// ```
///
/// # Errors
/// [`KernelError::Dimension`] if the rows have different lengths, and those of [`Distance::new`].
pub fn distance<Q: Element, R: Element>(metric: Metric, query: &[Q], row: &[R]) -> Result<f32, KernelError> {
    Distance::<Q, R>::new(metric, query.len())?.pair(query, row)
}

/// Distances between slices, by a metric and a dimension that are fixed when it is made.
///
/// `Q` is the element type of queries, `R` that of rows: the same, or `f32` queries against
/// any rows.
///
/// ```
/// use omendb_kernels::{Distance, Metric};
///
/// let l2 = Distance::<f32>::new(Metric::L2, 3)?;
/// assert_eq!(l2.pair(&[0.0, 0.0, 1.0], &[2.0, 0.0, 1.0])?, 4.0);
/// # Ok::<(), omendb_kernels::KernelError>(())
/// ```
pub struct Distance<Q: Element, R: Element = Q> {
    rows: RowDistance,
    types: PhantomData<fn(Q, R)>,
}

impl<Q: Element, R: Element> Clone for Distance<Q, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q: Element, R: Element> Copy for Distance<Q, R> {}

impl<Q: Element, R: Element> fmt::Debug for Distance<Q, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Distance").field(&self.rows.name()).finish()
    }
}

impl<Q: Element, R: Element> Distance<Q, R> {
    /// Kernels for rows of `dim` elements, on [`Isa::chosen`].
    ///
    /// # Errors
    /// As [`RowDistance::new`].
    pub fn new(metric: Metric, dim: usize) -> Result<Self, KernelError> {
        Self::with_isa(metric, dim, Isa::chosen()?)
    }

    /// The same on an instruction set of the caller's choice.
    ///
    /// # Errors
    /// As [`RowDistance::with_isa`].
    pub fn with_isa(metric: Metric, dim: usize, isa: Isa) -> Result<Self, KernelError> {
        let rows = RowDistance::with_isa(metric, Q::KIND, R::KIND, dim, isa)?;
        Ok(Self { rows, types: PhantomData })
    }

    /// The same handle for byte views, which also tells metric, dimension and name.
    #[must_use]
    pub const fn bytes(&self) -> &RowDistance {
        &self.rows
    }

    /// The distance of one row.
    ///
    /// # Errors
    /// [`KernelError::Dimension`].
    #[inline]
    pub fn pair(&self, query: &[Q], row: &[R]) -> Result<f32, KernelError> {
        self.check(query.len(), 0)?;
        self.check(row.len(), 0)?;
        // SAFETY: both have as many elements as the handle was made for, aligned by their type.
        Ok(unsafe { self.rows.pair_at(query.as_ptr().cast(), row.as_ptr().cast()) })
    }

    /// The distance of each of `rows`, wherever they lie, in the order of the rows.
    ///
    /// # Errors
    /// [`KernelError::Dimension`] and [`KernelError::Output`]; nothing is written then.
    #[inline]
    pub fn gathered(&self, query: &[Q], rows: &[&[R]], out: &mut [f32]) -> Result<(), KernelError> {
        self.check(query.len(), 0)?;
        if !self.rows.fit(rows, self.rows.dim(), 0) {
            rows.iter().enumerate().try_for_each(|(i, row)| self.check(row.len(), i))?;
        }
        if rows.len() != out.len() {
            return Err(KernelError::Output { expected: rows.len(), found: out.len() });
        }
        // SAFETY: all have as many elements as the handle was made for, aligned by their type; `out` is as long.
        unsafe { self.rows.gathered_at(query.as_ptr().cast(), rows.as_ptr().cast(), rows.len(), out.as_mut_ptr()) };
        Ok(())
    }

    /// The distance of each of the contiguous `rows` (row-major), in their order.
    ///
    /// # Errors
    /// [`KernelError::Dimension`]; [`KernelError::Length`], in bytes, unless `rows` has `out.len()` times the dimension
    /// of elements. Nothing is written then.
    #[inline]
    pub fn scan(&self, query: &[Q], rows: &[R], out: &mut [f32]) -> Result<(), KernelError> {
        self.check(query.len(), 0)?;
        let stride = self.rows.row_bytes();
        let bytes: &[u8] = bytemuck::cast_slice(rows);
        let expected = stride.saturating_mul(out.len());
        if bytes.len() != expected {
            let row = bytes.len() / stride;
            return Err(KernelError::Length { expected, found: bytes.len(), row });
        }
        self.rows.scan(bytemuck::cast_slice(query), bytes, stride, out)
    }

    #[inline]
    fn check(&self, found: usize, row: usize) -> Result<(), KernelError> {
        let expected = self.rows.dim();
        if found != expected {
            return Err(KernelError::Dimension { expected, found, row });
        }
        Ok(())
    }
}
