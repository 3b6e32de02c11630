//! Rows by slot: a table says once where they lie, and calls name slots instead of addresses.

use crate::{KernelError, prefetch};
use core::fmt;

/// Rows of one size, with slots from 0, in pieces of memory. All pieces hold the same power of two of rows. The last
/// may hold fewer.
///
/// ```
/// use omendb_kernels::{ElementKind, Metric, RowDistance, RowTable};
///
/// let l2 = RowDistance::new(Metric::L2, ElementKind::U8, ElementKind::U8, 2)?;
/// // Five rows of two bytes, two to a piece.
/// let table = RowTable::new(vec![&[0, 0, 0, 1], &[1, 0, 1, 1], &[2, 2]], 2)?;
/// let mut out = [0.0; 3];
/// l2.picked(&[0, 0], &table, &[4, 0, 3], &mut out)?;
/// assert_eq!(out, [8.0, 0.0, 2.0]);
/// # Ok::<(), omendb_kernels::KernelError>(())
/// ```
#[derive(Clone)]
pub struct RowTable<'a> {
    pieces: Vec<&'a [u8]>,
    stride: usize,
    /// A piece holds at most `1 << shift` rows.
    shift: u32,
    rows: u32,
    /// The addresses of all pieces and the stride, combined by or. Bits that are clear below 2^b mean that every row
    /// starts on a multiple of 2^b.
    address_bits: usize,
}

impl<'a> RowTable<'a> {
    /// Rows that start `stride` bytes apart, the first of a piece at its start.
    ///
    /// # Errors
    /// [`KernelError::Stride`] if `stride` is 0. [`KernelError::Piece`] for the first piece that holds no whole number
    /// of rows, or another number than its position allows, or more than `u32` can count.
    pub fn new(pieces: Vec<&'a [u8]>, stride: usize) -> Result<Self, KernelError> {
        if stride == 0 {
            return Err(KernelError::Stride { stride, row_bytes: 1 });
        }
        let first = pieces.first().map_or(0, |piece| piece.len() / stride);
        // A single piece may hold any number.
        let most = if pieces.len() > 1 { first } else { first.next_power_of_two() };
        let (mut rows, mut address_bits) = (0_u32, stride);
        for (piece, bytes) in pieces.iter().enumerate() {
            let here = bytes.len() / stride;
            let fits = here == most || here < most && piece + 1 == pieces.len();
            let counted = u32::try_from(here).ok().and_then(|here| rows.checked_add(here));
            rows = match counted {
                Some(rows) if fits && most.is_power_of_two() && bytes.len().is_multiple_of(stride) => rows,
                _ => return Err(KernelError::Piece { piece, found: bytes.len(), stride }),
            };
            if here > 0 {
                address_bits |= bytes.as_ptr().addr();
            }
        }
        Ok(RowTable { pieces, stride, shift: most.trailing_zeros(), rows, address_bits })
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

    /// Prefetches the first `bytes` of each of `rows`.
    #[inline]
    pub fn fetch(&self, rows: &[u32], bytes: usize) {
        for &row in rows {
            let (piece, within) = self.place(row);
            if let Some(piece) = self.pieces.get(piece) {
                // A prefetch never faults, whatever the address.
                let row = piece.as_ptr().wrapping_add(within * self.stride);
                (0..bytes).step_by(prefetch::LINE).for_each(|at| prefetch::line(row.wrapping_add(at)));
            }
        }
    }

    /// Checks that rows have at least `row_bytes` and start on multiples of `required` bytes.
    #[inline]
    pub(crate) fn check(&self, row_bytes: usize, required: usize) -> Result<(), KernelError> {
        let stride = self.stride;
        if stride < row_bytes || !stride.is_multiple_of(required) {
            return Err(KernelError::Stride { stride, row_bytes });
        }
        if self.address_bits.is_multiple_of(required) {
            return Ok(());
        }
        let mut addresses = self.pieces.iter().map(|piece| piece.as_ptr().addr());
        match addresses.find(|address| !address.is_multiple_of(required)) {
            Some(address) => Err(KernelError::Misaligned { required, address }),
            None => Ok(()),
        }
    }

    /// The error for `rows`, one of which the table lacks.
    #[cold]
    pub(crate) fn lacks(&self, rows: &[u32]) -> KernelError {
        KernelError::Row { found: rows.iter().copied().max().unwrap_or_default(), rows: self.rows }
    }

    /// The bytes from a row's first to its piece's last.
    ///
    /// # Panics
    /// If the table has no such row.
    pub(crate) fn bytes(&self, row: u32) -> &'a [u8] {
        let (piece, within) = self.place(row);
        &self.pieces[piece][within * self.stride..]
    }

    /// The piece that a row is in, and the number of rows before it there.
    #[inline(always)]
    fn place(&self, row: u32) -> (usize, usize) {
        let row = row as usize;
        (row >> self.shift, row & ((1 << self.shift) - 1))
    }

    /// Where a row begins.
    ///
    /// # Safety
    /// `row` is less than [`RowTable::rows`].
    #[inline(always)]
    pub(crate) unsafe fn row(&self, row: u32) -> *const u8 {
        debug_assert!(row < self.rows, "no row {row} in a table of {}", self.rows);
        let (piece, within) = self.place(row);
        // SAFETY: the row is below `rows`, so its piece exists and holds `stride` bytes of it.
        unsafe { self.pieces.get_unchecked(piece).as_ptr().add(within * self.stride) }
    }
}

impl fmt::Debug for RowTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RowTable { pieces, stride, rows, .. } = self;
        write!(f, "RowTable {{ rows: {rows}, stride: {stride}, pieces: {} }}", pieces.len())
    }
}
