//! Whether byte views hold what a call needs.

use crate::{ElementKind, KernelError};

/// Checks that a byte view is `expected` bytes of a kind, aligned.
#[inline]
pub(crate) fn check(bytes: &[u8], expected: usize, kind: ElementKind, row: usize) -> Result<(), KernelError> {
    if bytes.len() != expected {
        return Err(KernelError::Length { expected, found: bytes.len(), row });
    }
    aligned(bytes, kind)
}

#[inline]
fn aligned(bytes: &[u8], kind: ElementKind) -> Result<(), KernelError> {
    let (required, address) = (kind.size(), bytes.as_ptr().addr());
    if !address.is_multiple_of(required) {
        return Err(KernelError::Misaligned { required, address });
    }
    Ok(())
}

/// Checks that a byte view holds `n` rows of a kind, of `row_bytes` each and `stride` apart, aligned.
#[inline]
pub(crate) fn check_rows(
    rows: &[u8],
    stride: usize,
    n: usize,
    row_bytes: usize,
    kind: ElementKind,
) -> Result<(), KernelError> {
    if stride < row_bytes || !stride.is_multiple_of(kind.size()) {
        return Err(KernelError::Stride { stride, row_bytes });
    }
    let Some(last) = n.checked_sub(1) else {
        return Ok(());
    };
    let expected = last.checked_mul(stride).and_then(|b| b.checked_add(row_bytes));
    if expected.is_none_or(|expected| rows.len() < expected) {
        return Err(KernelError::Length { expected: expected.unwrap_or(usize::MAX), found: rows.len(), row: last });
    }
    aligned(rows, kind)
}
