//! The k nearest of many contiguous rows: the exact scan.

use crate::{KernelError, RowDistance};

/// Rows whose distances are held at a time: a page of them.
const CHUNK: usize = 1024;

impl RowDistance {
    /// The `k` nearest of `n` rows that start `stride` bytes apart, as (row number, distance),
    /// the nearest first; of equal distances the lower number first, and NaN never. Fewer than
    /// `k` only if there are no more.
    ///
    /// # Errors
    /// As [`RowDistance::scan`].
    pub fn nearest(
        &self,
        query: &[u8],
        rows: &[u8],
        stride: usize,
        n: usize,
        k: usize,
    ) -> Result<Vec<(usize, f32)>, KernelError> {
        // All of it, before a place is made for the answers.
        self.check_scan(query, rows, stride, n)?;
        let mut distances = [0.0; CHUNK];
        let mut best: Vec<(usize, f32)> = Vec::with_capacity(k.min(n));
        let mut first = 0;
        while first < n {
            let count = CHUNK.min(n - first);
            let chunk = &mut distances[..count];
            self.scan(query, &rows[first * stride..], stride, chunk)?;
            for (i, &distance) in chunk.iter().enumerate() {
                let full = best.len() == k;
                // Rows come in order, so an equal distance never displaces one that is there.
                let nearer = if full { best.last().is_some_and(|last| distance < last.1) } else { !distance.is_nan() };
                if nearer {
                    let place = best.partition_point(|other| other.1 <= distance);
                    if full {
                        best.pop();
                    }
                    best.insert(place, (first + i, distance));
                }
            }
            first += count;
        }
        Ok(best)
    }
}
