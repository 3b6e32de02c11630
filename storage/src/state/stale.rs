//! Checks whether a view is current.

use crate::{StorageError, View};

/// Refuses a view that is not the newest.
pub(crate) fn current(view: &View, now: &View) -> Result<(), StorageError> {
    if view.commit() != now.commit() {
        return Err(stale(view, now));
    }
    same_epoch(view, now)
}

/// Refuses a view of another epoch.
pub(crate) fn same_epoch(view: &View, now: &View) -> Result<(), StorageError> {
    if view.epoch() == now.epoch() { Ok(()) } else { Err(stale(view, now)) }
}

fn stale(view: &View, now: &View) -> StorageError {
    StorageError::Stale { found: view.commit(), found_epoch: view.epoch(), current: now.commit(), epoch: now.epoch() }
}
