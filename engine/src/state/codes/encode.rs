//! Codes as the bytes of a checkpoint, little-endian: the number of rows that the grid was fitted to (u32), whether the codes
//! are used (u32), their number (u32), the mean squared error (f64), step and norm of the grid (f32), low of each
//! column (f32), then the packed rows.

use std::io::{self, Write};
use std::sync::Arc;

use super::grid::Grid;
use super::{Codes, Source};

impl Codes {
    /// Writes the blob of a checkpoint.
    pub(crate) fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.fitted.to_le_bytes())?;
        out.write_all(&u32::from(self.is_used).to_le_bytes())?;
        out.write_all(&self.len.to_le_bytes())?;
        out.write_all(&self.error.to_le_bytes())?;
        for value in [self.grid.step, self.grid.norm].iter().chain(&self.grid.low) {
            out.write_all(&value.to_le_bytes())?;
        }
        (0..self.len).try_for_each(|slot| out.write_all(self.row(slot)))
    }

    /// Codes from a blob. None if the bytes cannot be those of `source`.
    pub(crate) fn read_from(bytes: &[u8], source: Source<'_>) -> Option<Codes> {
        let (fitted, rest) = bytes.split_first_chunk()?;
        let (is_used, rest) = rest.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (error, rest) = rest.split_first_chunk()?;
        let [fitted, is_used, len] = [fitted, is_used, len].map(|word: &[u8; 4]| u32::from_le_bytes(*word));
        let error = f64::from_le_bytes(*error);
        let (grid, rows) = rest.split_at_checked(4 * (2 + source.dim))?;
        let grid: Vec<f32> = grid.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
        let can_be = grid.iter().all(|value| value.is_finite())
            && error >= 0.0
            && is_used <= 1
            && (is_used == 1 || len == 0)
            && len <= source.view.slots()
            && source.pays();
        if !can_be {
            return None;
        }
        let (step, norm) = (grid[0], grid[1]);
        let grid = Grid::new(source.isa, grid[2..].to_vec(), step, norm).ok()?;
        let row_bytes = grid.row_bytes();
        if rows.len() != len as usize * row_bytes {
            return None;
        }
        let mut codes = Codes { grid: Arc::new(grid), fitted, error, is_used: is_used == 1, chunks: Vec::new(), len };
        let chunks = rows.chunks(codes.chunk_rows() * row_bytes);
        codes.chunks = chunks.map(|rows| codes.chunk_of(rows.chunks_exact(row_bytes))).collect();
        Some(codes)
    }
}
