//! A query that is ready for the kernels: aligned to a cache line, in the type that is compared.

use omendb_kernels::ElementKind;

/// One cache line.
#[derive(Clone, Copy, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Line([[u8; 32]; 2]);

/// The numbers of a query or of a row that asks.
pub(crate) struct Probe {
    lines: Vec<Line>,
    bytes: usize,
    kind: ElementKind,
    /// Memory for rows read as f32, where many are compared with each other.
    f32_values: Vec<f32>,
    /// 1 / length, where the metric needs it; otherwise 1.
    pub(crate) inverse_norm: f32,
}

impl Probe {
    pub(crate) fn new() -> Self {
        Probe { lines: Vec::new(), bytes: 0, kind: ElementKind::F32, f32_values: Vec::new(), inverse_norm: 1.0 }
    }

    pub(crate) fn kind(&self) -> ElementKind {
        self.kind
    }

    pub(crate) fn f32_values(&mut self) -> &mut Vec<f32> {
        &mut self.f32_values
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.lines)[..self.bytes]
    }

    /// Room for `values` numbers of `kind`, to be filled.
    pub(crate) fn begin(&mut self, kind: ElementKind, values: usize) -> &mut [u8] {
        self.bytes = values * kind.size();
        self.kind = kind;
        self.lines.resize(self.bytes.div_ceil(size_of::<Line>()), Line::default());
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.bytes]
    }
}
