//! Rows by number: where they lie, said once, so that a call names rows and no addresses.

use crate::KernelError;

/// Rows of one size, numbered from 0, in pieces of memory. All pieces hold the same power of two of rows,
/// but for the last, which may hold fewer.
#[derive(Clone, Debug)]
pub struct RowTable<'a> {
    pieces: Vec<&'a [u8]>,
    stride: usize,
    /// A piece holds at most `1 << shift` rows.
    shift: u32,
    rows: u32,
    /// All bits that are set in the address of some row.
    low: usize,
}

impl<'a> RowTable<'a> {
    /// Rows that start `stride` bytes apart, the first of a piece at its start.
    ///
    /// # Errors
    /// [`KernelError::Stride`] if it is 0, and [`KernelError::Length`] of a piece (named by its position) that
    /// holds no whole number of rows, or another number than its place allows; of the last, if there are more
    /// than `u32` counts.
    pub fn new(pieces: Vec<&'a [u8]>, stride: usize) -> Result<Self, KernelError> {
        if stride == 0 {
            return Err(KernelError::Stride { stride, row_bytes: 1 });
        }
        let full = pieces.first().map_or(0, |piece| piece.len() / stride);
        // One piece alone may hold any number.
        let full = if pieces.len() > 1 { full } else { full.next_power_of_two() };
        let (mut rows, mut low) = (0_usize, stride);
        for (place, piece) in pieces.iter().enumerate() {
            let (found, here) = (piece.len(), piece.len() / stride);
            let fits = here == full || here < full && place + 1 == pieces.len();
            let counted = rows.saturating_add(here);
            if !found.is_multiple_of(stride) || !full.is_power_of_two() || !fits || u32::try_from(counted).is_err() {
                return Err(KernelError::Length { expected: full.saturating_mul(stride), found, row: place });
            }
            rows = counted;
            low |= piece.as_ptr().addr();
        }
        Ok(RowTable { pieces, stride, shift: full.max(1).trailing_zeros(), rows: rows as u32, low })
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Bytes from one row to the next.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// The address of a piece that does not start on a boundary of so many bytes.
    pub(crate) fn misaligned(&self, boundary: usize) -> Option<usize> {
        if self.low.is_multiple_of(boundary) {
            return None;
        }
        self.pieces.iter().map(|piece| piece.as_ptr().addr()).find(|address| !address.is_multiple_of(boundary))
    }

    /// Where a row begins.
    ///
    /// # Safety
    /// `row` is less than [`RowTable::rows`].
    #[inline(always)]
    pub(crate) unsafe fn row(&self, row: u32) -> *const u8 {
        let row = row as usize;
        let (piece, within) = (row >> self.shift, row & ((1 << self.shift) - 1));
        // SAFETY: pieces of 1 << shift rows hold all before `rows`; `stride` bytes of each lie in its piece.
        unsafe { self.pieces.get_unchecked(piece).as_ptr().add(within * self.stride) }
    }
}
