//! The rows of a view as the space that the graph searches.

use omendb_graph::Space;
use omendb_kernels::RowTable;
use omendb_storage::View;

use crate::input::query::Probe;
use crate::search::measure::Measure;
use crate::state::derived::per_slot::PerSlot;

/// Bytes of a row that are fetched ahead of its turn.
const FETCHED: usize = 256;

/// A view's rows under one measure.
pub(crate) struct Rows<'a> {
    pub(crate) measure: &'a Measure,
    pub(crate) view: &'a View,
    /// One number per row that is part of the distance, where the measure has them.
    pub(crate) norms: &'a PerSlot,
    table: RowTable<'a>,
    /// The same rows by Euclidean distance, where they have lists by that too.
    near: Option<Box<Rows<'a>>>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(measure: &'a Measure, view: &'a View, norms: &'a PerSlot) -> Self {
        let (mut pieces, mut slot, mut stride) = (Vec::new(), 0, view.row_bytes());
        while slot < view.slots() {
            let (bytes, apart, rows) = view.run(slot);
            pieces.reserve_exact((view.slots() - slot).div_ceil(rows as u32) as usize);
            pieces.push(bytes);
            stride = apart;
            slot += rows as u32;
        }
        let table = RowTable::new(pieces, stride).expect("segments of the same power of two of rows");
        Rows { measure, view, norms, table, near: None }
    }

    /// The same, with lists by `near` beside those by its own measure.
    pub(crate) fn beside(self, near: Rows<'a>) -> Self {
        Rows { near: Some(Box::new(near)), ..self }
    }
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
            let read = self.measure.row().read(row, bytemuck::cast_slice_mut(bytes));
            read.expect("a row of the database");
        }
        if self.measure.has_norms() {
            probe.inverse_norm = self.norms.get(slot);
        }
    }

    fn near(&self) -> Option<&Self> {
        self.near.as_deref()
    }

    #[inline]
    fn fetch(&self, slots: &[u32]) {
        self.table.fetch(slots, self.view.row_bytes().min(FETCHED));
        if self.measure.has_norms() {
            slots.iter().for_each(|&slot| self.norms.fetch(slot));
        }
    }

    #[inline]
    fn distances(&self, probe: &Probe, slots: &[u32], out: &mut [f32]) {
        self.measure.picked(probe, &self.table, slots, out);
        self.measure.finish(probe.inverse_norm, slots.iter().map(|&slot| self.norms.get(slot)), out);
    }

    fn between(&self, probe: &mut Probe, queries: &[u32], slots: &[u32], out: &mut [f32]) {
        self.measure.between(&self.table, queries, slots, probe.f32_values(), out);
        if self.measure.has_norms() {
            let rows: Vec<f32> = slots.iter().map(|&slot| self.norms.get(slot)).collect();
            for (&query, line) in queries.iter().zip(out.chunks_exact_mut(slots.len().max(1))) {
                self.measure.finish(self.norms.get(query), rows.iter().copied(), line);
            }
        }
    }
}
