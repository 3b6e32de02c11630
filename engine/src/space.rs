//! The rows of a view, as the graph asks about them.

use omendb_graph::Space;
use omendb_storage::View;

use crate::measure::Measure;
use crate::norms::Norms;
use crate::query::Probe;
use crate::values;

/// Rows gathered at a time: their addresses stay on the stack.
const GROUP: usize = 64;

/// A view's rows under one measure.
pub(crate) struct Rows<'a> {
    pub(crate) measure: &'a Measure,
    pub(crate) view: &'a View,
    pub(crate) norms: &'a Norms,
}

impl Space for Rows<'_> {
    type Probe = Probe;

    fn probe(&self) -> Probe {
        Probe::new()
    }

    fn load(&self, slot: u32, probe: &mut Probe) {
        let (kind, row) = (self.measure.probe_kind(), self.view.row(slot));
        let bytes = probe.begin(kind, self.measure.dim());
        if kind == self.measure.row() {
            bytes.copy_from_slice(row);
        } else {
            values::read_into(self.measure.row(), row, bytemuck::cast_slice_mut(bytes));
        }
        if self.measure.is_cosine() {
            probe.inverse_norm = self.norms.inverse(slot);
        }
    }

    #[inline]
    fn distances(&self, probe: &Probe, slots: &[u32], out: &mut [f32]) {
        let mut rows: [&[u8]; GROUP] = [&[]; GROUP];
        for (slots, out) in slots.chunks(GROUP).zip(out.chunks_mut(GROUP)) {
            for (row, &slot) in rows.iter_mut().zip(slots) {
                *row = self.view.row(slot);
            }
            self.measure.gathered(probe, &rows[..slots.len()], out);
            self.measure.finish(probe, self.norms, slots.iter().copied(), out);
        }
    }
}
