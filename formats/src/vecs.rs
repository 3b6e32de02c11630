//! `.fvecs` and its kin: each row is its dimension as i32, then its values. The layout of the
//! TEXMEX and BIGANN collections.

use std::path::Path;

use crate::strided::Layout;
use crate::{FormatError, NumberKind};

/// Bytes before each row.
const HEADER: usize = 4;

/// Checks every row's header in `bytes`, the whole file.
pub(crate) fn layout(path: &Path, bytes: &[u8], kind: NumberKind) -> Result<Layout, FormatError> {
    let first = dimension(path, bytes, 0, 0)?;
    let dim = match usize::try_from(first) {
        Ok(dim) if dim > 0 => dim,
        _ => {
            return Err(FormatError::Dimension { file: path.into(), row: 0, found: first.into(), expected: 1 });
        }
    };
    let stride = HEADER + dim * kind.size();
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

/// What to write before each row.
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
