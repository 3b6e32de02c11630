//! Places among the rows: up to where rows are committed, waited for, or linked.

use omendb_storage::View;

use crate::state::snapshot::Snapshot;

/// A number of slots, of rows that have not been renumbered since.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Place {
    epoch: u64,
    pub(super) slots: u32,
}

impl Place {
    /// The end of the rows.
    pub(crate) fn end(view: &View) -> Self {
        Place { epoch: view.epoch(), slots: view.slots() }
    }

    /// Whether so many slots of `snapshot` are behind this place: in the graph, and not renumbered.
    pub(super) fn is_linked(self, snapshot: &Snapshot) -> bool {
        self.is_of(snapshot) && snapshot.graph.rows() >= self.slots
    }

    pub(super) fn is_of(self, snapshot: &Snapshot) -> bool {
        self.epoch == snapshot.view.epoch()
    }
}

/// Rows that are linked in rounds: those that waited when the first of these began.
#[derive(Clone, Copy)]
pub(crate) struct Stretch {
    pub(crate) from: u32,
    pub(crate) to: Place,
}

impl Stretch {
    /// How many rows.
    pub(crate) fn len(&self) -> u32 {
        self.to.slots - self.from
    }
}
