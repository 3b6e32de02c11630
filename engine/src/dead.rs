//! Dead rows leave the graph, before a compaction: a search would walk through them for nothing.

use std::sync::TryLockError;
use std::sync::atomic::Ordering::Relaxed;

use crate::db::{Core, install};
use crate::snapshot::Snapshot;

/// The graph is looked at when so large a part of its vertices died since the last look, and at least so many rows.
const PART: u32 = 32;
const LEAST: u32 = 32;

impl Core {
    /// Takes dead rows out of the graph if many died since that was done. If another thread works on the graph, that looks
    /// when it is done.
    pub(crate) fn take_out_dead(&self) {
        if !self.many_died(&self.snapshot.load()) {
            return;
        }
        match self.linker.try_lock() {
            Ok(_linking) => self.take_out_dead_locked(),
            Err(TryLockError::Poisoned(poisoned)) => {
                let _linking = poisoned.into_inner();
                self.take_out_dead_locked();
            }
            Err(TryLockError::WouldBlock) => {}
        }
    }

    /// [`Core::take_out_dead`] for a caller that holds the linker's lock.
    pub(crate) fn take_out_dead_locked(&self) {
        let before = self.snapshot.load_full();
        if !self.many_died(&before) {
            return;
        }
        let view = &before.view;
        self.dead_seen.store(view.slots() - view.live(), Relaxed);
        let is_alive = |slot: u32| !view.is_dead(slot);
        let without =
            || self.with_linking_space(&before, |rows| before.graph.without_dead(rows, is_alive, &self.options.build));
        match install(&self.link_pool, without) {
            Ok(None) => {}
            Ok(Some(graph)) => self.publish_graph(&before, graph),
            Err(error) => tracing::error!(%error, "dead rows stay in the graph"),
        }
    }

    fn many_died(&self, snapshot: &Snapshot) -> bool {
        let dead = snapshot.view.slots() - snapshot.view.live();
        let seen = self.dead_seen.load(Relaxed);
        // Fewer than were seen: the rows have other slots by now.
        let more = if dead < seen { dead } else { dead - seen };
        more >= (snapshot.graph.vertex_count() / PART).max(LEAST)
    }
}
