//! The k nearest of many contiguous rows: the exact scan.

use core::cmp::Ordering;

use crate::{CodeDistance, CodeQuery, Hamming, KernelError, RowDistance};

/// Rows whose distances are computed at a time: a page of them.
const CHUNK: usize = 1024;

impl RowDistance {
    /// The `k` nearest of `n` rows that start `stride` bytes apart, as (slot, distance), the nearest first. Of equal
    /// distances the lower slot comes first. NaN never is among them. There are fewer than `k` only if there are no
    /// more.
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
        // All rows are checked before memory is reserved for the answers.
        self.check_scan(query, rows, stride, n)?;
        nearest(n, k, |first, out| self.scan(query, &rows[first * stride..], stride, out))
    }
}

impl CodeDistance {
    /// The `k` nearest of `n` rows of codes; see [`RowDistance::nearest`].
    ///
    /// # Errors
    /// As [`CodeDistance::scan`].
    pub fn nearest(
        &self,
        query: &CodeQuery,
        rows: &[u8],
        stride: usize,
        n: usize,
        k: usize,
    ) -> Result<Vec<(usize, f32)>, KernelError> {
        self.check_scan(query, rows, stride, n)?;
        nearest(n, k, |first, out| self.scan(query, &rows[first * stride..], stride, out))
    }
}

impl Hamming {
    /// The `k` nearest of `n` rows of bits; see [`RowDistance::nearest`].
    ///
    /// # Errors
    /// As [`Hamming::scan`].
    pub fn nearest(
        &self,
        query: &[u8],
        rows: &[u8],
        stride: usize,
        n: usize,
        k: usize,
    ) -> Result<Vec<(usize, f32)>, KernelError> {
        self.check_scan(query, rows, stride, n)?;
        nearest(n, k, |first, out| self.scan(query, &rows[first * stride..], stride, out))
    }
}

/// The `k` nearest of `n` rows. `measure` writes the distances of the rows from the slot that it gets.
///
/// Rows nearer than the k-th so far are kept, up to 2 k. Then the farther half is dropped. So a row costs few
/// comparisons, in any order.
fn nearest(
    n: usize,
    k: usize,
    mut measure: impl FnMut(usize, &mut [f32]) -> Result<(), KernelError>,
) -> Result<Vec<(usize, f32)>, KernelError> {
    let k = k.min(n);
    if k == 0 {
        return Ok(Vec::new());
    }
    // No distance is NaN, and -0 equals 0.
    let by_distance =
        |a: &(usize, f32), b: &(usize, f32)| a.1.partial_cmp(&b.1).unwrap_or(Ordering::Equal).then(a.0.cmp(&b.0));
    let mut distances = [0.0; CHUNK];
    let mut best: Vec<(usize, f32)> = Vec::with_capacity((2 * k).min(n));
    // The k-th so far. Rows come in order, so an equal one is not nearer.
    let mut bound = None;
    for first in (0..n).step_by(CHUNK) {
        let chunk = &mut distances[..CHUNK.min(n - first)];
        measure(first, chunk)?;
        for (i, &distance) in chunk.iter().enumerate() {
            if bound.map_or(!distance.is_nan(), |bound| distance < bound) {
                best.push((first + i, distance));
                if best.len() == 2 * k {
                    let (_, kth, _) = best.select_nth_unstable_by(k - 1, by_distance);
                    bound = Some(kth.1);
                    best.truncate(k);
                }
            }
        }
    }
    best.sort_unstable_by(by_distance);
    best.truncate(k);
    Ok(best)
}
