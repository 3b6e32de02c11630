//! Rows in memory with a fixed stride.

use half::{bf16, f16};

use crate::NumberKind;

/// The layout of the rows in a file, checked against its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) offset: usize,
    pub(crate) rows: usize,
    pub(crate) dim: usize,
    pub(crate) kind: NumberKind,
    pub(crate) stride: usize,
}

/// A view of rows: row i is the `dim` numbers from byte `i * stride` of `bytes`.
///
/// The first row starts at a multiple of the number's size, and `stride` is a multiple of it, so every row is aligned.
#[derive(Debug, Clone, Copy)]
pub struct Strided<'a> {
    /// From the first byte of the first row to the last byte of the last row.
    pub bytes: &'a [u8],
    /// The number of rows.
    pub rows: usize,
    /// The numbers in a row.
    pub dim: usize,
    /// The type of the numbers.
    pub kind: NumberKind,
    /// The bytes from the start of a row to the start of the next; at least `dim * kind.size()`.
    pub stride: usize,
}

impl<'a> Strided<'a> {
    /// The rows of a whole file.
    pub(crate) fn new(file: &'a [u8], layout: Layout) -> Self {
        let Layout { offset, rows, dim, kind, stride } = layout;
        let length = match rows.checked_sub(1) {
            Some(before_last) => before_last * stride + dim * kind.size(),
            None => 0,
        };
        Self { bytes: &file[offset..offset + length], rows, dim, kind, stride }
    }

    /// The bytes of row `row`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &'a [u8] {
        assert!(row < self.rows, "row {row} of {} rows", self.rows);
        &self.bytes[row * self.stride..][..self.dim * self.kind.size()]
    }

    /// Writes row `row` as f32 to `out`, which is emptied first. Exact for all types except f64 and i32. Of
    /// these, numbers that no f32 equals are rounded.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row_f32(&self, row: usize, out: &mut Vec<f32>) {
        let bytes = self.row(row);
        out.clear();
        match self.kind {
            NumberKind::F64 => {
                let (numbers, _) = bytes.as_chunks();
                out.extend(numbers.iter().map(|&b| f64::from_le_bytes(b) as f32));
            }
            NumberKind::F32 => {
                out.extend(bytes.chunks_exact(4).map(|b| f32::from_le_bytes(four(b))));
            }
            NumberKind::I32 => {
                out.extend(bytes.chunks_exact(4).map(|b| i32::from_le_bytes(four(b)) as f32));
            }
            NumberKind::F16 => {
                out.extend(bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()));
            }
            NumberKind::Bf16 => {
                out.extend(bytes.chunks_exact(2).map(|b| bf16::from_le_bytes([b[0], b[1]]).to_f32()));
            }
            NumberKind::U8 => out.extend(bytes.iter().map(|&b| f32::from(b))),
            NumberKind::I8 => out.extend(bytes.iter().map(|&b| f32::from(b.cast_signed()))),
        }
    }
}

fn four(bytes: &[u8]) -> [u8; 4] {
    [bytes[0], bytes[1], bytes[2], bytes[3]]
}
