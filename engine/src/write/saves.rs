//! Decides when the linker thread writes a checkpoint.

use std::time::{Duration, Instant};

use crate::db::Core;

/// Linking of so long, and so many times as long as a checkpoint takes, is worth one: then no more than a tenth is lost to
/// them.
const WORTH: Duration = Duration::from_secs(5);
const TIMES: u32 = 10;

/// What the thread remembers of its checkpoints.
#[derive(Default)]
pub(crate) struct Saves {
    /// How long it has linked since the last one was begun.
    linked: Duration,
    /// How long that took.
    took: Duration,
    failed: bool,
}

impl Saves {
    /// A checkpoint, if it is time for one: what was linked is a good part of the database; or what was found at opening is
    /// being linked, so that another crash does not find all of it undone.
    pub(crate) fn after_linking(&mut self, core: &Core, took: Duration) {
        self.linked += took;
        let is_worth = self.linked > WORTH.max(self.took * TIMES);
        let recovers = core.linker.recovers(&core.snapshot.load());
        // One that failed would fail again: it is given some time.
        let is_due = core.much_is_new() && (is_worth || !self.failed) || recovers && is_worth;
        if !is_due {
            return;
        }
        // As if it failed, in case a listener panics.
        (self.linked, self.failed) = (Duration::ZERO, true);
        let start = Instant::now();
        let saved = core.checkpoint_if_behind();
        self.took = start.elapsed();
        self.failed = saved.is_err();
        if let Err(error) = saved {
            tracing::warn!(%error, "no checkpoint after many rows");
        }
    }
}
