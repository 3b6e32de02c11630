//! One query as the caller holds it: values of any row type.

use omendb_kernels::{Element, ElementKind};

/// One query: as many numbers as the database has dimensions.
///
/// From typed slices, arrays and vectors (`&[f32]`, `&[u8; 4]`, `&Vec<f16>`, …) by `into()`, or from bytes.
#[derive(Debug, Clone, Copy)]
pub struct QueryRef<'a> {
    pub(crate) kind: ElementKind,
    /// Little-endian; the length may be wrong, which the search that takes it says.
    pub(crate) bytes: &'a [u8],
}

impl<'a> QueryRef<'a> {
    /// A query of `kind` numbers, little-endian, from any address.
    pub fn bytes(kind: ElementKind, bytes: &'a [u8]) -> Self {
        QueryRef { kind, bytes }
    }
}

impl<'a, T: Element> From<&'a [T]> for QueryRef<'a> {
    fn from(values: &'a [T]) -> Self {
        QueryRef { kind: T::KIND, bytes: bytemuck::cast_slice(values) }
    }
}

impl<'a, T: Element, const N: usize> From<&'a [T; N]> for QueryRef<'a> {
    fn from(values: &'a [T; N]) -> Self {
        values.as_slice().into()
    }
}

impl<'a, T: Element> From<&'a Vec<T>> for QueryRef<'a> {
    fn from(values: &'a Vec<T>) -> Self {
        values.as_slice().into()
    }
}

impl<'a, T: Element> From<&&'a [T]> for QueryRef<'a> {
    fn from(values: &&'a [T]) -> Self {
        (*values).into()
    }
}
