//! Rows as they come in: numbers in memory, of any type, from any address.

use omendb_kernels::{Element, ElementKind, bf16, f16};

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
/// `[f32; 3]`, …).
pub trait RowValue: Sized {
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

    /// All values as one row, so that a wrong number of them is a wrong dimension.
    pub(crate) fn into_single(self) -> Self {
        match self.place {
            Place::Flat(bytes) => RowsRef { kind: self.kind, place: Place::Single(vec![bytes]) },
            _ => self,
        }
    }
}
