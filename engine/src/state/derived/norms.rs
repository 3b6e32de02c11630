//! The inverse norm of each row, for cosine.
//!
//! Rows are stored as they came, so each distance is multiplied by the inverse norm.

use std::io::{self, Write};
use std::sync::Arc;

use omendb_kernels::{ElementKind, Metric};
use omendb_storage::View;

use crate::Config;
use crate::input::values;
use crate::state::derived::Column;
use crate::state::derived::per_slot::PerSlot;

/// Values written at a time.
const PIECE: usize = 1 << 14;

/// 1 / |row| for each slot.
pub(crate) struct InverseNorms {
    kind: ElementKind,
    values: PerSlot,
}

impl InverseNorms {
    pub(crate) fn empty(config: &Config) -> Option<Arc<dyn Column>> {
        let column = || InverseNorms { kind: config.row_type, values: PerSlot::default() };
        (config.metric == Metric::Cosine).then(|| Arc::new(column()) as Arc<dyn Column>)
    }

    pub(crate) fn values(&self) -> &PerSlot {
        &self.values
    }

    fn with(&self, values: PerSlot) -> Arc<dyn Column> {
        Arc::new(InverseNorms { kind: self.kind, values })
    }

    /// The inverse norms of rows, computed.
    fn computed<'v>(&self, view: &'v View, slots: impl Iterator<Item = u32> + 'v) -> impl Iterator<Item = f32> + 'v {
        let (kind, mut row) = (self.kind, Vec::new());
        slots.map(move |slot| {
            row.clear();
            values::read(kind, view.row(slot), &mut row);
            values::inverse_norm(values::squared_length(&row))
        })
    }
}

impl Column for InverseNorms {
    fn name(&self) -> &'static str {
        "norms"
    }

    fn len(&self) -> u32 {
        self.values.len()
    }

    fn extended(&self, view: &View) -> Arc<dyn Column> {
        self.with(self.values.extended(self.computed(view, self.len()..view.slots())))
    }

    fn reordered(&self, order: &[u32]) -> Arc<dyn Column> {
        self.with(PerSlot::default().extended(order.iter().map(|&slot| self.values.get(slot))))
    }

    /// Little-endian, one after another.
    fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        let (mut values, mut bytes) = (self.values.iter(), Vec::with_capacity(4 * PIECE));
        loop {
            bytes.clear();
            bytes.extend(values.by_ref().take(PIECE).flat_map(f32::to_le_bytes));
            if bytes.is_empty() {
                return Ok(());
            }
            out.write_all(&bytes)?;
        }
    }

    fn read_from(&self, bytes: &[u8]) -> Option<Arc<dyn Column>> {
        let (words, rest) = bytes.as_chunks();
        let values = words.iter().map(|&word| f32::from_le_bytes(word));
        let can_be = values.clone().all(|inverse| inverse.is_finite() && inverse > 0.0) && rest.is_empty();
        can_be.then(|| self.with(PerSlot::default().extended(values)))
    }

    fn wrong(&self, view: &View) -> Vec<u32> {
        let computed = view.living().zip(self.computed(view, view.living()));
        computed.filter(|&(slot, inverse)| inverse != self.values.get(slot)).map(|(slot, _)| slot).collect()
    }

    fn bytes(&self) -> usize {
        self.values.bytes()
    }
}
