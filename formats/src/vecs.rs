//! `.fvecs` and its kin: each row is its dimension as i32, then its values. The layout of the
//! TEXMEX and BIGANN collections.

use std::path::Path;

use crate::bin::no_dimension;
use crate::strided::Layout;
use crate::{FormatError, NumberKind};

/// Bytes before each row.
const HEADER: usize = 4;

/// Checks the header of every row in `bytes`, with which a file of `length` bytes begins.
pub(crate) fn layout(path: &Path, bytes: &[u8], length: u64, kind: NumberKind) -> Result<Layout, FormatError> {
    let first = dimension(path, bytes, 0, 0)?;
    // With the other byte order the rows would fill the file.
    let swapped = u64::from(first.swap_bytes().cast_unsigned());
    let fills = |dim: u64| length.is_multiple_of(HEADER as u64 + dim * kind.size() as u64);
    if !(1..=65_536).contains(&first) && (1..=65_536).contains(&swapped) && fills(swapped) {
        return Err(FormatError::Header {
            file: path.into(),
            offset: 0,
            found: format!("dimension {swapped} in big-endian order"),
            expected: "little-endian numbers".into(),
        });
    }
    let dim = match usize::try_from(first) {
        Ok(dim) if dim > 0 => dim,
        _ => return Err(no_dimension(path, 0, first.into())),
    };
    let stride = HEADER + dim * kind.size();
    if (bytes.len() as u64) < length {
        // Only the head of the file: the first row is checked.
        return Ok(Layout { offset: HEADER, rows: 0, dim, kind, stride });
    }
    let mut rows = 0;
    let mut offset = 0;
    while offset < bytes.len() {
        let found = dimension(path, bytes, rows, offset)?;
        if found != first {
            return Err(FormatError::Dimension {
                file: path.into(),
                row: rows as u64,
                found: found.into(),
                expected: dim as u64,
            });
        }
        if bytes.len() - offset < stride {
            return Err(truncated(path, bytes, rows, offset, stride));
        }
        rows += 1;
        offset += stride;
    }
    Ok(Layout { offset: HEADER, rows, dim, kind, stride })
}

/// The header to write before each row.
pub(crate) fn header(dim: i32) -> [u8; HEADER] {
    dim.to_le_bytes()
}

fn dimension(path: &Path, bytes: &[u8], row: usize, offset: usize) -> Result<i32, FormatError> {
    match bytes[offset..].first_chunk::<HEADER>() {
        Some(header) => Ok(i32::from_le_bytes(*header)),
        None => Err(truncated(path, bytes, row, offset, HEADER)),
    }
}

fn truncated(path: &Path, bytes: &[u8], row: usize, offset: usize, expected: usize) -> FormatError {
    FormatError::Truncated {
        file: path.into(),
        row: row as u64,
        offset: offset as u64,
        found: (bytes.len() - offset) as u64,
        expected: expected as u64,
    }
}
