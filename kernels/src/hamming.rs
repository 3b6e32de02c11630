//! Hamming distances of packed bits.

use crate::isa::Shapes;
use crate::{Isa, KernelError, MAX_DIM, table};

/// Counts the bits in which two rows of packed bits differ. Bits beyond the dimension in a
/// row's last byte must be equal in all rows (0, say): they are compared like the others.
#[derive(Clone, Copy)]
pub struct Hamming {
    shapes: Shapes,
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
                Ok(Self { shapes: table::find_bits(isa, bytes), bytes, isa })
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

    /// The distance of two rows.
    ///
    /// # Errors
    /// [`KernelError::Length`].
    #[inline]
    pub fn pair(&self, query: &[u8], row: &[u8]) -> Result<f32, KernelError> {
        self.check(query, 0)?;
        self.check(row, 0)?;
        // SAFETY: both are whole rows; the machine has the instruction set.
        Ok(unsafe { (self.shapes.pair)(query.as_ptr(), row.as_ptr(), self.bytes) })
    }

    /// The distance of each of `rows`, into the same place of `out`.
    ///
    /// # Errors
    /// [`KernelError::Length`] and [`KernelError::Output`]; nothing is written then.
    pub fn gathered(&self, query: &[u8], rows: &[&[u8]], out: &mut [f32]) -> Result<(), KernelError> {
        self.check(query, 0)?;
        if rows.len() != out.len() {
            return Err(KernelError::Output { expected: rows.len(), found: out.len() });
        }
        // SAFETY: the machine has the instruction set.
        if !unsafe { self.shapes.fit(rows, self.bytes, 0) } {
            rows.iter().enumerate().try_for_each(|(i, row)| self.check(row, i))?;
        }
        // SAFETY: all are whole rows, `out` is as long; the machine has the instruction set.
        unsafe {
            let list = rows.as_ptr().cast();
            (self.shapes.fetching)(query.as_ptr(), list, rows.len(), self.bytes, out.as_mut_ptr());
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
