//! Hamming distances of packed bits.

use crate::checks::check_rows;
use crate::isa::entry::Kernels;
use crate::loops::one_to_many::{Gathered, Strided};
use crate::{ElementKind, Isa, KernelError, MAX_DIM, RowTable, dispatch};
use core::fmt;

/// Counts the bits in which two rows of packed bits differ. Bits beyond the dimension in a row's last byte are compared
/// like the others, so they must be equal in all rows (0, say).
#[derive(Clone, Copy)]
pub struct Hamming {
    kernels: Kernels,
    bytes: usize,
    isa: Isa,
}

impl Hamming {
    /// For rows of `bits` bits, on [`Isa::chosen`].
    ///
    /// # Errors
    /// [`KernelError::Empty`], [`KernelError::TooLong`] and those of [`Isa::chosen`].
    pub fn new(bits: usize) -> Result<Self, KernelError> {
        Self::with_isa(bits, Isa::chosen()?)
    }

    /// The same on an instruction set of the caller's choice.
    ///
    /// # Errors
    /// As [`Hamming::new`], and [`KernelError::MissingIsa`].
    pub fn with_isa(bits: usize, isa: Isa) -> Result<Self, KernelError> {
        let isa = isa.required()?;
        match bits {
            0 => Err(KernelError::Empty),
            1..=MAX_DIM => {
                let bytes = bits.div_ceil(8);
                Ok(Self { kernels: dispatch::find_bits(isa, bytes), bytes, isa })
            }
            _ => Err(KernelError::TooLong { found: bits }),
        }
    }

    /// Bytes of a row.
    #[must_use]
    pub const fn row_bytes(&self) -> usize {
        self.bytes
    }

    /// The instruction set in use.
    #[must_use]
    pub const fn isa(&self) -> Isa {
        self.isa
    }

    /// What is computed and on what, as in `hamming bit×bit 128 avx512bf16`, of whole bytes.
    #[must_use]
    pub fn name(&self) -> String {
        format!("hamming bit×bit {} {}", 8 * self.bytes, self.isa)
    }

    /// The distance of two rows.
    ///
    /// # Errors
    /// [`KernelError::Length`].
    #[inline]
    pub fn pair(&self, query: &[u8], row: &[u8]) -> Result<f32, KernelError> {
        self.check(query, 0)?;
        self.check(row, 0)?;
        // SAFETY: both are whole rows; the machine has the instruction set.
        Ok(unsafe { (self.kernels.pair)(query.as_ptr(), row.as_ptr(), self.bytes) })
    }

    /// The distance of each of `rows`, in their order.
    ///
    /// # Errors
    /// [`KernelError::Length`] and [`KernelError::Output`]; nothing is written then.
    pub fn gathered(&self, query: &[u8], rows: &[&[u8]], out: &mut [f32]) -> Result<(), KernelError> {
        self.check(query, 0)?;
        if rows.len() != out.len() {
            return Err(KernelError::Output { expected: rows.len(), found: out.len() });
        }
        // SAFETY: the machine has the instruction set.
        if !unsafe { self.kernels.fit(rows, self.bytes, 0) } {
            rows.iter().enumerate().try_for_each(|(i, row)| self.check(row, i))?;
        }
        // SAFETY: all are whole rows, `out` is as long; the machine has the instruction set.
        unsafe {
            let list = Gathered(rows.as_ptr().cast());
            (self.kernels.gathered)(query.as_ptr(), list, rows.len(), self.bytes, out.as_mut_ptr());
        }
        Ok(())
    }

    /// The distance of each of a table's rows that `rows` names, in the order of `rows`.
    ///
    /// # Errors
    /// [`KernelError::Length`] of the query; [`KernelError::Output`]; [`KernelError::Stride`] of the table, and
    /// [`KernelError::Row`]. Nothing is written then.
    pub fn picked(&self, query: &[u8], table: &RowTable<'_>, rows: &[u32], out: &mut [f32]) -> Result<(), KernelError> {
        self.check(query, 0)?;
        if rows.len() != out.len() {
            return Err(KernelError::Output { expected: rows.len(), found: out.len() });
        }
        table.check(self.bytes, 1)?;
        // SAFETY: the query is a whole row, the table's rows are as long at least; `out` is as long as `rows`; the
        // machine has the instruction set.
        let done = unsafe { (self.kernels.picked)(query.as_ptr(), table, rows, self.bytes, out.as_mut_ptr()) };
        if done { Ok(()) } else { Err(table.lacks(rows)) }
    }

    /// The distance of each of the `out.len()` rows in `rows`, which start `stride` bytes apart.
    ///
    /// # Errors
    /// [`KernelError::Length`] and [`KernelError::Stride`]; nothing is written then.
    pub fn scan(&self, query: &[u8], rows: &[u8], stride: usize, out: &mut [f32]) -> Result<(), KernelError> {
        let n = out.len();
        self.check(query, 0)?;
        check_rows(rows, stride, n, self.bytes, ElementKind::U8)?;
        // SAFETY: the query is a whole row, and n whole rows were found; the machine has the instruction set.
        unsafe {
            let rows = Strided { first: rows.as_ptr(), stride };
            (self.kernels.scan)(query.as_ptr(), rows, n, self.bytes, out.as_mut_ptr());
        }
        Ok(())
    }

    #[inline]
    fn check(&self, bytes: &[u8], row: usize) -> Result<(), KernelError> {
        if bytes.len() != self.bytes {
            return Err(KernelError::Length { expected: self.bytes, found: bytes.len(), row });
        }
        Ok(())
    }
}

impl fmt::Debug for Hamming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hamming").field(&self.name()).finish()
    }
}
