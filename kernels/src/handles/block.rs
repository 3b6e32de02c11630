//! Typed blocks of queries against blocks of rows; the squared norms of rows.

use crate::{Distance, Element, KernelError, Metric};

impl<T: Element> Distance<T> {
    /// `Σ x²` of each of the contiguous `rows` (row-major), in the order of the rows.
    ///
    /// # Errors
    /// [`KernelError::Length`], in bytes, unless `rows` has `out.len()` times the dimension of elements; nothing is
    /// written then.
    pub fn squared_norms(&self, rows: &[T], out: &mut [f32]) -> Result<(), KernelError> {
        let handle = self.bytes();
        let (expected, found) = (handle.row_bytes().saturating_mul(out.len()), size_of_val(rows));
        if found != expected {
            return Err(KernelError::Length { expected, found, row: found / handle.row_bytes() });
        }
        let dot = handle.pair_of(Metric::InnerProduct, T::KIND, handle.dim());
        for (norm, row) in out.iter_mut().zip(rows.chunks_exact(handle.dim())) {
            let row = row.as_ptr().cast();
            // SAFETY: a whole row, aligned by its type; the machine has the handle's instruction set.
            *norm = -unsafe { dot(row, row, handle.dim()) };
        }
        Ok(())
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
