//! What the linker thread and its callers share.

use omendb_storage::View;
use parking_lot::{Condvar, FairMutex, Mutex};

use crate::state::snapshot::Snapshot;
use crate::write::place::Place;

/// What is shared with the thread.
pub(crate) struct Linker {
    /// Held for one round, or while a graph is written or compacted. Fair: who asks has it after the present round.
    pub(crate) turn: FairMutex<()>,
    pub(super) state: Mutex<State>,
    /// There may be something to do.
    pub(super) work: Condvar,
    /// A round is over, or a look for deleted rows.
    pub(super) over: Condvar,
    /// The rows that were found at opening: nobody is throttled for them.
    found: Place,
}

#[derive(Default)]
pub(super) struct State {
    /// Up to where callers wait for rows to be linked, whatever the buffer's limit.
    pub(super) asked: Vec<Place>,
    /// Where the rows ended when linking failed; until it is done again.
    pub(super) failed: Option<Place>,
    /// How many times it failed.
    pub(super) failures: u64,
    /// Whether rows are linked anew for a compaction: nothing else is linked meanwhile.
    pub(super) is_compacting: bool,
    /// Whether deleted rows are being taken out, and how many times that was done.
    pub(super) taking_out: bool,
    pub(super) taken_out: u64,
}

impl Linker {
    pub(crate) fn new(view: &View) -> Self {
        Linker {
            turn: FairMutex::new(()),
            state: Mutex::default(),
            work: Condvar::new(),
            over: Condvar::new(),
            found: Place::end(view),
        }
    }

    /// Whether rows wait in the buffer that were found there at opening.
    pub(crate) fn recovers(&self, snapshot: &Snapshot) -> bool {
        self.found.is_of(snapshot) && !self.found.is_linked(snapshot)
    }

    /// While it lives, the buffer is bounded by making writers wait.
    pub(super) fn compacting(&self) -> Compacting<'_> {
        self.state.lock().is_compacting = true;
        Compacting { linker: self }
    }

    /// How many of the slots before `place` wait to be linked, those that were found at opening apart.
    pub(super) fn waiting(&self, place: Place, snapshot: &Snapshot) -> usize {
        if !place.is_of(snapshot) {
            return 0;
        }
        let found = if self.found.is_of(snapshot) { self.found.slots } else { 0 };
        place.slots.saturating_sub(snapshot.graph.rows().max(found)) as usize
    }
}

/// See [`Linker::compacting`].
pub(super) struct Compacting<'a> {
    linker: &'a Linker,
}

impl Drop for Compacting<'_> {
    fn drop(&mut self) {
        self.linker.state.lock().is_compacting = false;
        self.linker.over.notify_all();
    }
}
