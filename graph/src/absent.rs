//! Slots that are not vertices: copies of another row, and removed rows.
//!
//! Equal rows share one vertex. Otherwise copies fill each other's lists, and every candidate list near them.

/// A row that equals another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowCopy {
    /// The row that is the vertex.
    pub vertex: u32,
    /// The row that equals it.
    pub slot: u32,
}

/// The slots that have no list, sorted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Absent {
    slots: Vec<u32>,
    copies: Vec<RowCopy>,
}

impl Absent {
    /// From removed rows and copies, in any order. No slot is both.
    pub(crate) fn new(mut removed: Vec<u32>, mut copies: Vec<RowCopy>) -> Self {
        copies.sort_unstable();
        removed.extend(copies.iter().map(|copy| copy.slot));
        removed.sort_unstable();
        Absent { slots: removed, copies }
    }

    /// Adds `more` copies and `removed` rows, whose slots are above all present ones.
    pub(crate) fn with(&self, more: &[RowCopy], removed: &[u32]) -> Self {
        let mut with = self.clone();
        with.slots.extend(removed);
        with.slots.extend(more.iter().map(|copy| copy.slot));
        with.slots.sort_unstable();
        with.copies.extend(more);
        with.copies.sort_unstable();
        with
    }

    /// The slots of `range` that are vertices.
    pub(crate) fn vertices(&self, range: std::ops::Range<u32>) -> impl Iterator<Item = u32> + '_ {
        let mut absent = self.slots[self.before(range.start)..].iter().peekable();
        range.filter(move |slot| absent.next_if_eq(&slot).is_none())
    }

    /// How many of the first `rows` slots are vertices.
    pub(crate) fn vertex_count(&self, rows: u32) -> u32 {
        rows - self.before(rows) as u32
    }

    fn before(&self, slot: u32) -> usize {
        self.slots.partition_point(|&absent| absent < slot)
    }

    pub(crate) fn is_vertex(&self, slot: u32) -> bool {
        self.slots.binary_search(&slot).is_err()
    }

    /// The copies of the row in `vertex`, by slot.
    pub(crate) fn copies_of(&self, vertex: u32) -> impl Iterator<Item = u32> + '_ {
        let first = self.copies.partition_point(|copy| copy.vertex < vertex);
        self.copies[first..].iter().take_while(move |copy| copy.vertex == vertex).map(|copy| copy.slot)
    }

    /// All copies, by vertex and slot.
    pub(crate) fn copies(&self) -> &[RowCopy] {
        &self.copies
    }

    /// The removed rows, by slot.
    pub(crate) fn removed(&self) -> impl Iterator<Item = u32> + '_ {
        let mut copies: Vec<u32> = self.copies.iter().map(|copy| copy.slot).collect();
        copies.sort_unstable();
        self.slots.iter().copied().filter(move |slot| copies.binary_search(slot).is_err())
    }

    /// Whether no slot is absent twice, and every copy is one of a vertex.
    pub(crate) fn is_consistent(&self) -> bool {
        self.slots.is_sorted_by(|a, b| a < b) && self.copies.iter().all(|copy| self.is_vertex(copy.vertex))
    }

    /// Whether all slots and vertices are below `rows`.
    pub(crate) fn is_within(&self, rows: u32) -> bool {
        self.slots.last().is_none_or(|&slot| slot < rows) && self.copies.last().is_none_or(|copy| copy.vertex < rows)
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.slots[..]) + size_of_val(&self.copies[..])
    }
}
