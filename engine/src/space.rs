//! The rows of a view, as the graph asks about them.

use omendb_graph::Space;
use omendb_kernels::prefetch;
use omendb_storage::View;

use crate::measure::Measure;
use crate::norms::Norms;
use crate::query::Probe;
use crate::values;

/// Rows gathered at a time: their addresses stay on the stack.
const GROUP: usize = 16;

/// Bytes of a row that are fetched ahead of its turn.
const FETCHED: usize = 256;

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
    fn fetch(&self, slot: u32) {
        let row = self.view.row(slot);
        prefetch(&row[..row.len().min(FETCHED)]);
        if self.measure.is_cosine() {
            self.norms.fetch(slot);
        }
    }

    #[inline]
    fn distances(&self, probe: &Probe, slots: &[u32], out: &mut [f32]) {
        let (groups, rest) = slots.as_chunks::<GROUP>();
        let (outs, out_rest) = out.as_chunks_mut::<GROUP>();
        for (group, out) in groups.iter().zip(outs) {
            self.measure.gathered(probe, &group.map(|slot| self.view.row(slot)), out);
        }
        if let Some(&last) = rest.last() {
            let rows: [&[u8]; GROUP] = std::array::from_fn(|i| self.view.row(*rest.get(i).unwrap_or(&last)));
            self.measure.gathered(probe, &rows[..rest.len()], out_rest);
        }
        self.measure.finish(probe, self.norms, slots.iter().copied(), out);
    }
}
