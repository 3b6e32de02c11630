//! Blocks of queries against blocks of rows whose type the compiler knows; the norm of one.

use crate::{Distance, Element, KernelError, Metric};

impl<T: Element> Distance<T> {
    /// `Σ x²` of a row.
    ///
    /// # Errors
    /// [`KernelError::Dimension`].
    pub fn squared_norm(&self, row: &[T]) -> Result<f32, KernelError> {
        let handle = self.bytes();
        let dot = Self::with_isa(Metric::InnerProduct, handle.dim(), handle.isa())?;
        Ok(-dot.pair(row, row)?)
    }

    /// All distances between the contiguous `queries` and `rows` (row-major):
    /// `out[i · n + j]` is that of query i and row j of n; see [`RowDistance::block`](crate::RowDistance::block).
    ///
    /// # Errors
    /// [`KernelError::Length`], in bytes, unless both are whole rows;
    /// [`KernelError::Output`]. Nothing is written then.
    pub fn block(&self, queries: &[T], rows: &[T], out: &mut [f32]) -> Result<(), KernelError> {
        self.bytes().block(bytemuck::cast_slice(queries), bytemuck::cast_slice(rows), out)
    }
}
