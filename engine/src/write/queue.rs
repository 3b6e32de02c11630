//! Small batches whose callers wait for the writer lock.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use omendb_storage::{IdRef, RowSource};
use parking_lot::{Condvar, Mutex};

use crate::input::batch::{Batch, Existing};
use crate::write::place::Place;
use crate::{BatchError, Id};

/// Bytes of rows of one commit: the storage syncs once for so many.
const MOST: usize = 192 << 10;

/// Batches that wait to be committed.
#[derive(Default)]
pub(crate) struct Queue {
    pub(super) state: Mutex<State>,
    /// A group was committed.
    over: Condvar,
}

#[derive(Default)]
pub(crate) struct State {
    pub(super) waiting: VecDeque<Arc<Waiting>>,
    /// Whether one of the callers commits for others, or waits for the writer's lock to do so.
    is_led: bool,
}

/// A batch that waits, checked, and what became of it.
pub(super) struct Waiting {
    pub(super) rows: Vec<u8>,
    ids: Vec<Id>,
    pub(super) existing: Existing,
    outcome: Mutex<Option<Result<Place, BatchError>>>,
}

impl Waiting {
    pub(super) fn copy(batch: &Batch<'_>, existing: Existing) -> Self {
        let mut rows = vec![0; batch.bytes()];
        batch.fill(0..batch.len(), batch.row_bytes(), &mut rows);
        let ids = (0..batch.len()).map(|row| batch.ids().get(row).into()).collect();
        Waiting { rows, ids, existing, outcome: Mutex::default() }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = IdRef<'_>> {
        self.ids.iter().map(Id::as_ref)
    }

    pub(super) fn tell(&self, outcome: Result<Place, BatchError>) {
        *self.outcome.lock() = Some(outcome);
    }
}

impl Queue {
    /// Whether none waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.state.lock().waiting.is_empty()
    }

    /// Waits until a batch was committed or refused, or its caller is to lead.
    pub(super) fn wait_for(&self, mine: &Waiting) -> Result<Result<Place, BatchError>, Lead<'_>> {
        let mut state = self.state.lock();
        loop {
            if let Some(outcome) = mine.outcome.lock().take() {
                return Ok(outcome);
            }
            if !state.is_led {
                state.is_led = true;
                return Err(Lead(self));
            }
            self.over.wait(&mut state);
        }
    }

    /// The batches that are committed next: no id comes twice, as a commit cannot replace its own rows.
    pub(super) fn first(&self) -> Vec<Arc<Waiting>> {
        let state = self.state.lock();
        let (mut bytes, mut ids) = (0, HashSet::new());
        let fits = |one: &&Arc<Waiting>| {
            bytes += one.rows.len();
            let is_first = ids.is_empty();
            one.ids().all(|id| ids.insert(Id::from(id))) && (is_first || bytes <= MOST)
        };
        state.waiting.iter().take_while(fits).cloned().collect()
    }
}

/// Another leads when this is dropped.
pub(super) struct Lead<'a>(&'a Queue);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.0.state.lock().is_led = false;
        self.0.over.notify_all();
    }
}
