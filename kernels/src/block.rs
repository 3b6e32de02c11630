//! Blocks of queries against blocks of rows, by matrix product: exact truth and bulk builds.

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
    /// `out[i · n + j]` is that of query i and row j of n.
    ///
    /// Products are taken as singles by a matrix product, squared L2 as
    /// `Σ q² − 2 Σ q·x + Σ x²`: errors are relative to the norms, not to the distance.
    ///
    /// # Errors
    /// [`KernelError::Length`], in bytes, unless both are whole rows;
    /// [`KernelError::Output`].
    pub fn block(&self, queries: &[T], rows: &[T], out: &mut [f32]) -> Result<(), KernelError> {
        let (dim, metric, isa) = (self.bytes().dim(), self.bytes().metric(), self.bytes().isa());
        for side in [queries, rows] {
            if !side.len().is_multiple_of(dim) {
                let size = size_of::<T>();
                let (expected, found) = (side.len().next_multiple_of(dim) * size, size_of_val(side));
                return Err(KernelError::Length { expected, found, row: side.len() / dim });
            }
        }
        let (m, n) = (queries.len() / dim, rows.len() / dim);
        if out.len() != m * n {
            return Err(KernelError::Output { expected: m * n, found: out.len() });
        }
        let singles = |side: &[T]| -> Vec<f32> { side.iter().map(|x| x.to_f32()).collect() };
        let (q, x) = (singles(queries), singles(rows));
        // SAFETY: q is m × dim, x is n × dim and read transposed, out is m × n; all row-major.
        unsafe {
            gemm::gemm(
                m,
                n,
                dim,
                out.as_mut_ptr(),
                1,
                n as isize,
                false,
                q.as_ptr(),
                1,
                dim as isize,
                x.as_ptr(),
                dim as isize,
                1,
                0.0,
                1.0,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
        let squares = |side: &[f32]| -> Result<Vec<f32>, KernelError> {
            let dot = Distance::<f32>::with_isa(Metric::L2, dim, isa)?;
            side.chunks_exact(dim).map(|row| dot.squared_norm(row)).collect()
        };
        let (q, x) = match metric {
            Metric::InnerProduct => (Vec::new(), Vec::new()),
            _ => (squares(&q)?, squares(&x)?),
        };
        for (i, line) in out.chunks_exact_mut(n.max(1)).enumerate() {
            for (j, value) in line.iter_mut().enumerate() {
                *value = match metric {
                    Metric::L2 => match q[i] - 2.0 * *value + x[j] {
                        squared if squared.is_finite() => squared.max(0.0),
                        // A norm beyond f32's range is not the distance's, and NaN is not 0.
                        _ => self.pair(&queries[i * dim..][..dim], &rows[j * dim..][..dim])?,
                    },
                    Metric::InnerProduct => -*value,
                    Metric::Cosine => {
                        let norms = q[i].sqrt() * x[j].sqrt();
                        if norms == 0.0 { 1.0 } else { 1.0 - *value / norms }
                    }
                };
            }
        }
        Ok(())
    }
}
