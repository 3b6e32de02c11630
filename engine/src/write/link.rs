//! Moves rows from the buffer into the graph. No count changes, even if it fails (rule R6).

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use omendb_graph::{GraphError, Linked, NewRows, Observe, link};
use omendb_kernels::Metric;
use omendb_storage::View;

use crate::db::{Core, install};
use crate::progress::Phase;
use crate::state::centroid::Centre;
use crate::state::norm_spread::Lengths;
use crate::state::snapshot::Snapshot;
use crate::state::space::Rows;
use crate::write::place::Stretch;

impl Core {
    /// Links the rows of the buffer up to the slot `to`, for a caller that holds the linker's lock; how long that took,
    /// without what is looked at when they are linked.
    pub(crate) fn link_round(&self, before: &Snapshot, to: u32, stretch: Stretch) -> Option<Duration> {
        let start = Instant::now();
        let mut linking = Duration::ZERO;
        match self.link(before, to, stretch, &mut || linking = start.elapsed()) {
            Ok(linked) => {
                self.built.rows.fetch_add(u64::from(to - before.graph.rows()), Relaxed);
                self.built.nanoseconds.fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
                self.built.distances.fetch_add(linked.distances, Relaxed);
                self.built.repaired.fetch_add(linked.repaired, Relaxed);
                self.publish_graph(before, linked.graph);
                return Some(linking);
            }
            Err(GraphError::Cancelled { .. }) => {}
            Err(error) => tracing::error!(%error, "rows stay in the buffer"),
        }
        None
    }

    /// Links rows of the buffer of `before`: copies of rows share their vertices, and rows that are dead by now get none.
    fn link_new(&self, before: &Snapshot, to: u32, observe: Observe<'_>) -> Result<Linked, GraphError> {
        let (view, kind, graph) = (&before.view, self.config.row_type, &before.graph);
        let (living, dead): (Vec<u32>, Vec<u32>) = (graph.rows()..to).partition(|&slot| !view.is_dead(slot));
        let copies = {
            // Not held while rows are linked: `stats` asks how large the table is.
            let mut distinct = self.distinct.lock().unwrap_or_else(PoisonError::into_inner);
            let copies = distinct.copies(view, kind, graph, &living, to);
            if to - graph.rows() > graph.rows() {
                // Many at once seldom come again.
                distinct.forget();
            }
            copies
        };
        let rows = NewRows { total: to, copies: &copies, dead: &dead };
        if self.config.metric == Metric::InnerProduct && !graph.has_near() {
            let old = Lengths::of(view, kind, 0..graph.rows());
            // What is sampled stands for all.
            if old.plus(Lengths::sum(view, kind, &living)).are_uneven() {
                let build = |space: &Rows<'_>| link(&graph.emptied(), space, rows, &self.config.build, observe);
                return self.with_space(before, true, build);
            }
        }
        self.with_space(before, graph.has_near(), |space| link(graph, space, rows, &self.config.build, observe))
    }

    /// Calls `work` with the rows of a state as its graph is linked by.
    pub(crate) fn with_linking_space<T>(&self, snapshot: &Snapshot, work: impl FnOnce(&Rows<'_>) -> T) -> T {
        self.with_space(snapshot, snapshot.graph.has_near(), work)
    }

    fn with_space<T>(&self, snapshot: &Snapshot, has_near: bool, work: impl FnOnce(&Rows<'_>) -> T) -> T {
        let near = snapshot.rows(&self.linking);
        if !has_near {
            return work(&near);
        }
        let centre = self.centre(&snapshot.view);
        work(&Rows::new(&self.centred, &snapshot.view, &centre.products).beside(near))
    }

    /// The centre of the rows, which stays where it is while they keep their slots.
    fn centre(&self, view: &View) -> Arc<Centre> {
        let kind = self.config.row_type;
        let new = || Arc::new(Centre::of(view, kind, self.config.dim));
        if self.pool.is_of_parent() {
            // The lock may have been held at the fork.
            return new();
        }
        let kept = || self.centre.lock().unwrap_or_else(PoisonError::into_inner);
        // Not held while values are computed: a thread of the pool that waits for others may come here again.
        let known = kept().clone().filter(|centre| centre.epoch == view.epoch());
        let centre = match known {
            Some(centre) if centre.products.len() >= view.slots() => return centre,
            Some(centre) => Arc::new(Arc::unwrap_or_clone(centre).extended(view, kind)),
            None => new(),
        };
        let before = kept().replace(Arc::clone(&centre));
        drop(before);
        centre
    }

    /// Puts a graph over the rows of `before` in place, unless they are gone by now; for a caller that holds the linker's
    /// lock.
    pub(crate) fn publish_graph(&self, before: &Snapshot, graph: omendb_graph::Graph) {
        let codes = self.encoded(before, &graph);
        // The index stays as it is. Read, it keeps writers from publishing in between, and nobody from looking up ids: not
        // even a process that is forked just now, where it stays locked for ever.
        let _index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let present = self.snapshot.load();
        if present.view.epoch() == before.view.epoch() {
            self.snapshot.store(Arc::new(Snapshot { graph: Arc::new(graph), codes, ..(**present).clone() }));
        }
    }

    fn link(
        &self,
        before: &Snapshot,
        to: u32,
        stretch: Stretch,
        on_batch: &mut (dyn FnMut() + Send),
    ) -> Result<Linked, GraphError> {
        let (linked, total) = (before.graph.rows() - stretch.from, stretch.len());
        let listener = &self.use_.listener;
        let mut observe = |done: u32| {
            on_batch();
            listener.tell(Phase::Link, (linked + done).min(total) as usize, total as usize);
            let cleared = self.snapshot.load().view.epoch() != before.view.epoch();
            if cleared || self.closing.load(Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let linking = || self.link_new(before, to, &mut observe);
        let attempt = catch_unwind(AssertUnwindSafe(|| install(&self.link_pool, linking)));
        attempt.unwrap_or_else(|panic| {
            let what = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let what = what.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            tracing::error!(what, "linking failed; its rows stay in the buffer");
            install(&self.link_pool, || before.graph.withdraw());
            Err(GraphError::Cancelled { done: 0 })
        })
    }
}
