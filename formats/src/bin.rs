//! `.fbin` and its kin: rows and dimension as two u32, then all values row by row.
//! The layout of the "big ANN benchmarks" data sets.

use std::path::Path;

use crate::strided::Layout;
use crate::{FormatError, NumberKind};

/// Bytes before the first value.
pub(crate) const HEADER: usize = 8;

/// Reads the header of `bytes`, with which a file of `length` bytes begins.
pub(crate) fn layout(path: &Path, bytes: &[u8], length: u64, kind: NumberKind) -> Result<Layout, FormatError> {
    let Some((header, _)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(FormatError::Header {
            file: path.into(),
            offset: 0,
            found: format!("a file of {} bytes", bytes.len()),
            expected: "8 bytes: rows and dimension, each a little-endian u32".into(),
        });
    };
    let [r0, r1, r2, r3, d0, d1, d2, d3] = *header;
    let rows = u64::from(u32::from_le_bytes([r0, r1, r2, r3]));
    let dim = u64::from(u32::from_le_bytes([d0, d1, d2, d3]));
    let swapped = [[r0, r1, r2, r3], [d0, d1, d2, d3]].map(|field| u64::from(u32::from_be_bytes(field)));
    contiguous(path, length, HEADER, rows, dim, kind).map_err(|error| {
        // With the other byte order the length would match.
        match contiguous(path, length, HEADER, swapped[0], swapped[1], kind) {
            Ok(_) if rows > 0 => FormatError::Header {
                file: path.into(),
                offset: 0,
                found: format!("{} rows × {} in big-endian order", swapped[0], swapped[1]),
                expected: "little-endian numbers".into(),
            },
            _ => error,
        }
    })
}

/// The error of an invalid dimension.
pub(crate) fn no_dimension(path: &Path, offset: u64, found: i64) -> FormatError {
    let (found, expected) = (format!("dimension {found}"), "1 to 65,536".into());
    FormatError::Header { file: path.into(), offset, found, expected }
}

/// The header to write.
pub(crate) fn header(rows: u32, dim: u32) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(&rows.to_le_bytes());
    header[4..].copy_from_slice(&dim.to_le_bytes());
    header
}

/// `rows × dim` numbers without gaps from `offset` to the end of a file of `length` bytes.
pub(crate) fn contiguous(
    path: &Path,
    length: u64,
    offset: usize,
    rows: u64,
    dim: u64,
    kind: NumberKind,
) -> Result<Layout, FormatError> {
    if dim == 0 {
        return Err(no_dimension(path, 4, 0));
    }
    let stride = u128::from(dim) * kind.size() as u128;
    let wrong = |expected| FormatError::Length {
        file: path.into(),
        rows,
        dim,
        kind,
        offset: offset as u64,
        expected,
        found: length,
    };
    // rows and dim are below 2⁶⁴ each: the product may exceed 128 bits, and no file is that long.
    let expected = stride
        .checked_mul(u128::from(rows))
        .and_then(|values| values.checked_add(offset as u128))
        .ok_or_else(|| wrong(u128::MAX))?;
    if expected != u128::from(length) {
        return Err(wrong(expected));
    }
    // A file of no rows may claim any dimension.
    let too_wide = |_| wrong(expected);
    Ok(Layout {
        offset,
        rows: usize::try_from(rows).map_err(too_wide)?,
        dim: usize::try_from(dim).map_err(too_wide)?,
        kind,
        stride: usize::try_from(stride).map_err(too_wide)?,
    })
}
