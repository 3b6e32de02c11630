//! Rows move from the buffer into the graph; no count changes, whatever happens here (rule R6).

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError, TryLockError};
use std::time::Instant;

use omendb_graph::{GraphError, Linked, NewRows, Observe, link};
use omendb_kernels::Metric;
use omendb_storage::View;

use crate::centre::Centre;
use crate::db::{Core, install};
use crate::lengths::Lengths;
use crate::progress::Phase;
use crate::snapshot::Snapshot;
use crate::space::Rows;

/// How many times the buffer's limit may wait while another thread links.
const PATIENCE: usize = 64;

impl Core {
    /// Links every row that is committed by now.
    ///
    /// Failing is not an error of the caller: its rows are committed, and searched exactly until
    /// they are linked. The log tells.
    pub(crate) fn link_all(&self) {
        let linking = self.linker.lock().unwrap_or_else(PoisonError::into_inner);
        self.link_locked();
        self.take_out_dead_locked();
        drop(linking);
        // What came meanwhile found the linker taken.
        self.link_if_many();
    }

    /// Links while more rows wait than should. If another thread is linking already, that is enough,
    /// for it looks again when it is done; until so many wait that searching them would be slow.
    pub(crate) fn link_if_many(&self) {
        let limit = self.options.buffer_rows;
        let waiting = || self.snapshot.load().buffered();
        while waiting() > limit {
            let linking = match self.linker.try_lock() {
                Ok(linking) => linking,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) if waiting() > limit.saturating_mul(PATIENCE) => {
                    self.linker.lock().unwrap_or_else(PoisonError::into_inner)
                }
                Err(TryLockError::WouldBlock) => return,
            };
            let rows = self.snapshot.load().graph.rows();
            self.link_locked();
            drop(linking);
            if self.snapshot.load().graph.rows() == rows {
                // It failed, and would again.
                return;
            }
            self.checkpoint_if_much_is_new();
        }
    }

    /// [`Core::link_all`] for a caller that holds the linker's lock.
    pub(crate) fn link_locked(&self) {
        let before = self.snapshot.load_full();
        if before.buffered() == 0 {
            return;
        }
        let start = Instant::now();
        match self.link(&before) {
            Ok(linked) => {
                self.built.rows.fetch_add(before.buffered() as u64, Relaxed);
                self.built.nanoseconds.fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
                self.built.distances.fetch_add(linked.distances, Relaxed);
                self.built.repaired.fetch_add(linked.repaired, Relaxed);
                self.publish_graph(&before, linked.graph);
            }
            Err(GraphError::Cancelled { .. }) => {}
            Err(error) => tracing::error!(%error, "rows stay in the buffer"),
        }
    }

    /// Links the buffer of `before`: copies of rows share their vertices, and rows that are dead by now get none.
    fn link_new(&self, before: &Snapshot, observe: Observe<'_>) -> Result<Linked, GraphError> {
        let (view, kind, graph) = (&before.view, self.options.row_type, &before.graph);
        let (living, dead): (Vec<u32>, Vec<u32>) = (graph.rows()..view.slots()).partition(|&slot| !view.is_dead(slot));
        let copies = {
            // Not held while rows are linked: `stats` asks how large the table is.
            let mut distinct = self.distinct.lock().unwrap_or_else(PoisonError::into_inner);
            let copies = distinct.copies(view, kind, graph, &living);
            if before.buffered() > graph.rows() as usize {
                // Many at once seldom come again.
                distinct.forget();
            }
            copies
        };
        let rows = NewRows { total: view.slots(), copies: &copies, dead: &dead };
        if self.options.metric == Metric::InnerProduct && !graph.has_near() {
            let old = Lengths::of(view, kind, 0..graph.rows());
            // What is sampled stands for all.
            if old.plus(Lengths::sum(view, kind, &living)).are_uneven() {
                let build = |space: &Rows<'_>| link(&graph.emptied(), space, rows, &self.options.build, observe);
                return self.with_space(before, true, build);
            }
        }
        self.with_space(before, graph.has_near(), |space| link(graph, space, rows, &self.options.build, observe))
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
        let kind = self.options.row_type;
        let mut kept = self.centre.lock().unwrap_or_else(PoisonError::into_inner);
        let centre = match kept.take().filter(|centre| centre.epoch == view.epoch()) {
            Some(centre) if centre.products.len() == view.slots() as usize => centre,
            Some(centre) => Arc::new(Arc::unwrap_or_clone(centre).extended(view, kind)),
            None => Arc::new(Centre::of(view, kind, self.options.dim)),
        };
        *kept = Some(Arc::clone(&centre));
        centre
    }

    /// Puts a graph over the rows of `before` in place, unless they are gone by now.
    pub(crate) fn publish_graph(&self, before: &Snapshot, graph: omendb_graph::Graph) {
        self.publish(|_, present| {
            let same_rows = present.view.epoch() == before.view.epoch();
            same_rows.then(|| Snapshot { graph: Arc::new(graph), ..present.clone() })
        });
    }

    fn link(&self, before: &Snapshot) -> Result<Linked, GraphError> {
        let total = before.buffered();
        let listener = &self.options.use_.listener;
        let mut observe = |done: u32| {
            listener.tell(Phase::Link, (done as usize).min(total), total);
            let cleared = self.snapshot.load().view.epoch() != before.view.epoch();
            if cleared || self.closing.load(Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let linking = || self.link_new(before, &mut observe);
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
