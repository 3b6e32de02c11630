//! What is indexed and what is asked.

use omendb_engine::{ElementKind, f16};

/// Queries of a kind, where it does not say otherwise.
pub(super) const ASKED: usize = 200;

/// Rows and queries, row-major. Every value is one that `element` has.
pub(super) struct Data {
    pub(super) dim: usize,
    /// Neighbours asked for.
    pub(super) k: usize,
    /// The type that the rows are stored in.
    pub(super) element: ElementKind,
    pub(super) rows: Vec<f32>,
    pub(super) queries: Vec<f32>,
    /// Rows that go when regions are emptied.
    pub(super) doomed: Vec<usize>,
}

impl Data {
    /// Nothing yet, of `dim` values a row; `k` neighbours will be asked for.
    pub(super) fn new(dim: usize, k: usize) -> Self {
        Self { dim, k, element: ElementKind::F32, rows: Vec::new(), queries: Vec::new(), doomed: Vec::new() }
    }

    /// Appends a row.
    pub(super) fn add(&mut self, row: impl IntoIterator<Item = f64>) {
        self.rows.extend(row.into_iter().map(|value| value as f32));
    }

    /// Appends a query.
    pub(super) fn ask(&mut self, query: impl IntoIterator<Item = f64>) {
        self.queries.extend(query.into_iter().map(|value| value as f32));
    }

    /// Appends one of the rows, as it is, as a query.
    pub(super) fn ask_row(&mut self, row: usize) {
        self.queries.extend_from_slice(&self.rows[row * self.dim..][..self.dim]);
    }

    /// How many rows there are.
    pub(super) fn count(&self) -> usize {
        self.rows.len() / self.dim
    }

    /// One of the rows.
    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.rows[row * self.dim..][..self.dim]
    }

    /// The rows in another order.
    pub(super) fn reordered(mut self, order: &[usize]) -> Self {
        self.rows = order.iter().flat_map(|&row| self.row(row).to_vec()).collect();
        self
    }

    /// As u8: `middle` and `scale` bring most values into range, the others are clamped.
    pub(super) fn u8(self, scale: f32, middle: f32) -> Self {
        self.of(ElementKind::U8, |value| (value * scale + middle).round().clamp(0.0, 255.0))
    }

    /// As i8.
    pub(super) fn i8(self, scale: f32) -> Self {
        self.of(ElementKind::I8, |value| (value * scale).round().clamp(-128.0, 127.0))
    }

    /// As f16.
    pub(super) fn f16(self) -> Self {
        self.of(ElementKind::F16, |value| f16::from_f32(value).to_f32())
    }

    fn of(mut self, element: ElementKind, value: impl Fn(f32) -> f32) -> Self {
        self.element = element;
        self.rows.iter_mut().chain(&mut self.queries).for_each(|place| *place = value(*place));
        self
    }
}
