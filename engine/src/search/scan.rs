//! Computes the distance of every row.

use omendb_storage::View;

use crate::db::Core;
use crate::search::options::SearchStats;
use crate::search::scratch::SearchScratch;
use crate::search::top::Top;
use crate::state::snapshot::Snapshot;

/// Rows measured at a time.
const BLOCK: usize = 256;

/// So many deleted rows in a row are worth a new call.
const SKIPPED: u32 = 4;

impl Core {
    /// Looks at every row from `first` on.
    pub(super) fn scan(
        &self,
        snapshot: &Snapshot,
        first: u32,
        keep: &impl Fn(u32) -> bool,
        scratch: &mut SearchScratch,
        top: &mut Top<'_>,
        stats: &mut SearchStats,
    ) {
        let SearchScratch { probe, distances, .. } = scratch;
        let (view, norms) = (&snapshot.view, snapshot.norms());
        let mut slot = first;
        while slot < view.slots() {
            if view.is_dead(slot) {
                slot += 1;
                continue;
            }
            let (bytes, stride, rows) = view.run(slot);
            let now = living_run(view, slot, rows.min(BLOCK) as u32);
            distances.resize(now, 0.0);
            self.measure.scan(probe, &bytes[..now * stride], stride, distances);
            let slots = slot..slot + now as u32;
            let inverses = slots.clone().map(|slot| norms.get(slot));
            self.measure.finish(probe.inverse_norm, inverses, distances);
            for (slot, &distance) in slots.zip(distances.iter()) {
                if top.wants(distance) && keep(slot) {
                    top.offer(distance, slot);
                }
            }
            stats.distances += now as u64;
            slot += now as u32;
        }
    }
}

/// How many rows from `slot` on, at most `most`, are measured together: up to where several dead ones follow each other.
fn living_run(view: &View, slot: u32, most: u32) -> usize {
    let mut dead = 0;
    for next in slot..slot + most {
        dead = if view.is_dead(next) { dead + 1 } else { 0 };
        if dead == SKIPPED {
            return (next + 1 - SKIPPED - slot) as usize;
        }
    }
    (most - dead) as usize
}
