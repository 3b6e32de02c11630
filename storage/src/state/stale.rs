//! Whether a view is still of the present state.

use crate::{StorageError, View};

/// Refuses a view of which another state has come since.
pub(crate) fn current(view: &View, now: &View) -> Result<(), StorageError> {
    if view.commit() != now.commit() {
        return Err(stale(view, now));
    }
    same_epoch(view, now)
}

/// Refuses a view whose slots mean other rows by now.
pub(crate) fn same_epoch(view: &View, now: &View) -> Result<(), StorageError> {
    if view.epoch() == now.epoch() { Ok(()) } else { Err(stale(view, now)) }
}

fn stale(view: &View, now: &View) -> StorageError {
    StorageError::Stale { found: view.commit(), found_epoch: view.epoch(), current: now.commit(), epoch: now.epoch() }
}
