//! Finds copies by hash and comparison when rows are linked, so that equal rows share one vertex.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use omendb_graph::{Graph, RowCopy};
use omendb_kernels::ElementKind;
use omendb_storage::View;
use rayon::prelude::*;

use crate::input::values;

/// The vertices of a graph, found by what their rows hold.
#[derive(Default)]
pub(crate) struct Distinct {
    table: HashTable<Vertex>,
    hasher: DefaultHashBuilder,
    /// Of which graph: the epoch of its slots, and how many are looked at.
    epoch: u64,
    rows: u32,
}

/// A vertex, and a part of its row's hash, so that growing the table reads no rows.
#[derive(Clone, Copy)]
struct Vertex {
    hash: u32,
    slot: u32,
}

impl Vertex {
    /// The table wants its bits spread over 64.
    fn spread(self) -> u64 {
        u64::from(self.hash) << 32 | u64::from(self.hash)
    }
}

impl Distinct {
    /// Those of the slots `new`, which follow the graph's, whose rows equal that of a vertex, or of a slot before them.
    /// The new ones end at the slot `to`. Takes, once after an opening, a look at all rows.
    pub(crate) fn copies(
        &mut self,
        view: &View,
        kind: ElementKind,
        graph: &Graph,
        new: &[u32],
        to: u32,
    ) -> Vec<RowCopy> {
        if (self.epoch, self.rows) != (view.epoch(), graph.rows()) {
            self.table.clear();
            self.add(view, kind, graph, &graph.vertices().collect::<Vec<u32>>());
        }
        let copies = self.add(view, kind, graph, new);
        (self.epoch, self.rows) = (view.epoch(), to);
        copies
    }

    /// Forgets all; the next call looks at all rows again.
    pub(crate) fn forget(&mut self) {
        *self = Distinct::default();
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.allocation_size()
    }

    fn add(&mut self, view: &View, kind: ElementKind, graph: &Graph, slots: &[u32]) -> Vec<RowCopy> {
        let hasher = &self.hasher;
        let hash =
            |buffer: &mut Vec<u8>, slot: u32| (hasher.hash_one(canonical(kind, view.row(slot), buffer)) >> 32) as u32;
        let hashes: Vec<u32> =
            slots.par_iter().with_min_len(64).map_init(Vec::new, |buffer, &slot| hash(buffer, slot)).collect();
        self.table.reserve(slots.len(), |vertex| vertex.spread());
        let mut copies = Vec::new();
        for (&slot, hash) in slots.iter().zip(hashes) {
            let new = Vertex { hash, slot };
            let same = |other: &Vertex| other.hash == hash && is_equal(kind, view.row(other.slot), view.row(slot));
            match self.table.find_mut(new.spread(), same) {
                // Its own was taken out of the graph.
                Some(other) if !graph.is_vertex(other.slot) => *other = new,
                Some(other) => copies.push(RowCopy { vertex: other.slot, slot }),
                None => {
                    self.table.insert_unique(new.spread(), new, |vertex| vertex.spread());
                }
            }
        }
        copies
    }
}

/// The bytes of a row with every −0 made 0, so that equal values have equal bytes.
fn canonical<'a>(kind: ElementKind, row: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    fn positive<T: bytemuck::Pod + PartialEq + Default>(row: &[u8], negative: T, buffer: &mut Vec<u8>) -> bool {
        let values: &[T] = bytemuck::cast_slice(row);
        if !values.contains(&negative) {
            return false;
        }
        buffer.clear();
        buffer.extend_from_slice(row);
        let values: &mut [T] = bytemuck::pod_align_to_mut::<u8, T>(buffer).1;
        debug_assert_eq!(size_of_val(values), row.len(), "allocated memory is aligned");
        values.iter_mut().filter(|value| **value == negative).for_each(|value| *value = T::default());
        true
    }
    let changed = match kind {
        ElementKind::F32 => positive::<u32>(row, 1 << 31, buffer),
        ElementKind::F16 | ElementKind::Bf16 => positive::<u16>(row, 1 << 15, buffer),
        _ => false,
    };
    if changed { buffer } else { row }
}

fn is_equal(kind: ElementKind, a: &[u8], b: &[u8]) -> bool {
    if a == b || matches!(kind, ElementKind::U8 | ElementKind::I8) {
        return a == b;
    }
    let (mut left, mut right) = (Vec::new(), Vec::new());
    values::read(kind, a, &mut left);
    values::read(kind, b, &mut right);
    left == right
}
