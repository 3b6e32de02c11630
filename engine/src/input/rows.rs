//! Rows as the caller holds them: values of any row type, at any address.

use omendb_kernels::{Element, ElementKind, bf16, f16};

use crate::{QueryRef, SearchError};

/// The rows of a batch, row-major.
///
/// From typed slices (`&[f32]`, `&[u8]`, …) by `into()`, from slices of rows (`&[Vec<f32>]`), or
/// from bytes, as of a mapped file. What is wrong with them, the batch that takes them says.
#[derive(Debug, Clone)]
pub struct RowsRef<'a> {
    pub(crate) kind: ElementKind,
    pub(crate) place: Place<'a>,
}

#[derive(Debug, Clone)]
pub(crate) enum Place<'a> {
    /// One after another, without gaps.
    Flat(&'a [u8]),
    /// `rows` rows that start `stride` bytes apart.
    Strided { bytes: &'a [u8], stride: usize, rows: usize },
    /// Each by itself.
    Single(Vec<&'a [u8]>),
}

impl<'a> RowsRef<'a> {
    /// Rows of `kind` numbers, little-endian, one after another.
    pub fn bytes(kind: ElementKind, bytes: &'a [u8]) -> Self {
        RowsRef { kind, place: Place::Flat(bytes) }
    }

    /// `rows` rows of `kind` numbers, little-endian, starting `stride` bytes apart in `bytes`.
    pub fn strided(kind: ElementKind, bytes: &'a [u8], stride: usize, rows: usize) -> Self {
        RowsRef { kind, place: Place::Strided { bytes, stride, rows } }
    }
}

/// What a slice of rows may hold: numbers, row after row, or whole rows (`Vec<f32>`, `&[f32]`,
/// `[f32; 3]`, …). No other type implements it.
pub trait RowValue: Sized + sealed::Sealed {
    /// The slice as the rows of a batch.
    fn rows(slice: &[Self]) -> RowsRef<'_>;
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl RowValue for $number {
            fn rows(slice: &[Self]) -> RowsRef<'_> {
                RowsRef::bytes(<$number>::KIND, bytemuck::cast_slice(slice))
            }
        }
    )*};
}
numbers!(f32 f16 bf16 u8 i8);

impl<T: Element> RowValue for Vec<T> {
    fn rows(slice: &[Self]) -> RowsRef<'_> {
        RowsRef::each(slice.iter().map(Vec::as_slice))
    }
}

impl<T: Element> RowValue for &[T] {
    fn rows(slice: &[Self]) -> RowsRef<'_> {
        RowsRef::each(slice.iter().copied())
    }
}

impl<T: Element, const N: usize> RowValue for [T; N] {
    fn rows(slice: &[Self]) -> RowsRef<'_> {
        RowsRef::each(slice.iter().map(<[T; N]>::as_slice))
    }
}

impl<'a, T: RowValue> From<&'a [T]> for RowsRef<'a> {
    fn from(rows: &'a [T]) -> Self {
        T::rows(rows)
    }
}

impl<'a, T: RowValue, const N: usize> From<&'a [T; N]> for RowsRef<'a> {
    fn from(rows: &'a [T; N]) -> Self {
        T::rows(rows)
    }
}

impl<'a, T: RowValue> From<&'a Vec<T>> for RowsRef<'a> {
    fn from(rows: &'a Vec<T>) -> Self {
        T::rows(rows)
    }
}

impl<'a> RowsRef<'a> {
    fn each<T: Element>(rows: impl Iterator<Item = &'a [T]>) -> Self {
        RowsRef { kind: T::KIND, place: Place::Single(rows.map(bytemuck::cast_slice).collect()) }
    }

    /// Whether checking it takes less time than waking threads.
    pub(crate) fn is_small(&self) -> bool {
        match &self.place {
            Place::Flat(bytes) | Place::Strided { bytes, .. } => bytes.len() < 1 << 18,
            Place::Single(rows) => rows.len() < 1 << 8,
        }
    }

    /// The rows as queries of `dim` numbers. One of another length is refused by the search that takes it.
    pub(crate) fn queries(&self, dim: usize) -> Result<Vec<QueryRef<'a>>, SearchError> {
        let (kind, row_bytes) = (self.kind, dim * self.kind.size());
        let query = |bytes| QueryRef { kind, bytes };
        match &self.place {
            Place::Flat(bytes) => Ok(bytes.chunks(row_bytes).map(query).collect()),
            &Place::Strided { bytes, stride, rows } => {
                // The last row may end where the bytes end; all others are a stride long.
                let needed =
                    rows.checked_sub(1).map_or(Some(0), |last| last.checked_mul(stride)?.checked_add(row_bytes));
                if needed.is_none_or(|needed| needed > bytes.len()) {
                    return Err(SearchError::Stride { rows, stride, row_bytes, bytes: bytes.len() });
                }
                Ok((0..rows).map(|row| query(&bytes[row * stride..][..row_bytes])).collect())
            }
            Place::Single(rows) => Ok(rows.iter().copied().map(query).collect()),
        }
    }

    /// All values as one row, so that a wrong number of them is a wrong dimension.
    pub(crate) fn into_single(self) -> Self {
        match self.place {
            Place::Flat(bytes) => RowsRef { kind: self.kind, place: Place::Single(vec![bytes]) },
            _ => self,
        }
    }
}

mod sealed {
    use omendb_kernels::{Element, bf16, f16};

    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f16 {}
    impl Sealed for bf16 {}
    impl Sealed for u8 {}
    impl Sealed for i8 {}
    impl<T: Element> Sealed for Vec<T> {}
    impl<T: Element> Sealed for &[T] {}
    impl<T: Element, const N: usize> Sealed for [T; N] {}
}
