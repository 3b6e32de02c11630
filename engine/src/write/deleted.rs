//! Deleted rows leave the graph before a compaction. A search would otherwise pass through them.

use std::sync::atomic::Ordering::Relaxed;

use crate::db::{Core, install};
use crate::state::snapshot::Snapshot;

/// The graph is looked at when so large a part of its vertices died since the last look, and at least so many rows.
const PART: u32 = 32;
const LEAST: u32 = 32;

impl Core {
    /// Takes deleted rows out of the graph, where that helps; for the thread that links.
    ///
    /// Others may copy the graph, reconnect its rows or compact it meanwhile: it is only read, and the new one is a graph of
    /// its own, whose rows are reconnected in it.
    pub(crate) fn take_out_dead(&self) {
        let before = self.snapshot.load_full();
        let view = &before.view;
        let is_alive = |slot: u32| !view.is_dead(slot);
        let without =
            || self.with_linking_space(&before, |rows| before.graph.without_dead(rows, is_alive, &self.config.build));
        match install(&self.link_pool, without) {
            Ok(None) => {}
            Ok(Some(graph)) => {
                let _turn = self.linker.turn.lock();
                self.publish_graph(&before, graph);
            }
            Err(error) => tracing::error!(%error, "deleted rows stay in the graph"),
        }
    }

    /// Whether many rows died since the graph was last looked at for them.
    pub(crate) fn many_died(&self, snapshot: &Snapshot) -> bool {
        let dead = snapshot.view.slots() - snapshot.view.live();
        let seen = self.dead_seen.load(Relaxed);
        // Fewer than were seen: the rows have other slots by now.
        let more = if dead < seen { dead } else { dead - seen };
        more >= (snapshot.graph.vertex_count() / PART).max(LEAST)
    }

    /// The graph is looked at for the rows that are dead by now.
    pub(crate) fn saw_dead(&self, snapshot: &Snapshot) {
        self.dead_seen.store(snapshot.view.slots() - snapshot.view.live(), Relaxed);
    }
}
