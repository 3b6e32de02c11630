//! Answers one query: graph and buffer as planned, then order, then ids.

use omendb_graph::Neighbour;
use omendb_kernels::Metric;
use omendb_storage::IdRef;

use crate::db::Core;
use crate::input::query::Probe;
use crate::search::options::{Hit, SearchOptions, SearchStats};
use crate::search::plan::Plan;
use crate::search::scratch::SearchScratch;
use crate::search::top::Top;
use crate::state::snapshot::Snapshot;

/// Rows beyond k that an exact search measures again in f64: f32 may order near ties wrongly.
const EXACT_MARGIN: usize = 32;

/// Cosine distances that differ by less are the same to f32: it rounds near 1, whatever is left of it.
const COSINE_NOISE: f32 = 1e-6;

impl Core {
    /// Answers the query that is the scratch's probe.
    pub(super) fn answer(
        &self,
        snapshot: &Snapshot,
        options: &SearchOptions,
        plan: Plan,
        scratch: &mut SearchScratch,
    ) -> (Vec<Hit>, SearchStats) {
        let view = &snapshot.view;
        let k = options.k.min(view.live() as usize);
        let mut stats = SearchStats::default();
        let keep = |slot: u32| !view.is_dead(slot) && options.filter.as_ref().is_none_or(|keep| keep(view.id(slot)));
        let cosine = self.config.metric == Metric::Cosine;
        let mut top = Top::new(view, k).with_spare(if options.exact || cosine { EXACT_MARGIN } else { 0 });
        let linked = match plan {
            Plan::Nothing => return (Vec::new(), stats),
            Plan::Scan => false,
            Plan::Graph { width } => self.search_graph(snapshot, width, &keep, scratch, &mut top, &mut stats),
        };
        let first = if linked { snapshot.graph.rows() } else { 0 };
        self.scan(snapshot, first, &keep, scratch, &mut top, &mut stats);
        let found = top.into_found();
        // f32 cannot tell rows apart whose directions hardly differ.
        let undecided = |last: &Neighbour, next: &Neighbour| cosine && next.distance - last.distance < COSINE_NOISE;
        if options.exact || found.get(k).is_some_and(|next| undecided(&found[k - 1], next)) {
            return (self.decide(snapshot, &scratch.probe, found, k), stats);
        }
        let hit = |near: Neighbour| Hit { id: view.id(near.slot).into(), distance: self.shown(near.distance) };
        (found.into_iter().take(k).map(hit).collect(), stats)
    }

    /// The k nearest candidates by their distance in f64.
    fn decide(&self, snapshot: &Snapshot, probe: &Probe, found: Vec<Neighbour>, k: usize) -> Vec<Hit> {
        let view = &snapshot.view;
        let exact = |near: Neighbour| (self.measure.exact(probe, view.row(near.slot)), view.id(near.slot));
        let mut measured: Vec<(f64, IdRef<'_>)> = found.into_iter().map(exact).collect();
        measured.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        measured.truncate(k);
        let hit = |(distance, id): (f64, IdRef<'_>)| Hit { id: id.into(), distance: self.shown(distance as f32) };
        measured.into_iter().map(hit).collect()
    }

    /// Rounding may leave a cosine just beyond 1 or -1; no distance is shown below 0 or above 2 for it.
    fn shown(&self, distance: f32) -> f32 {
        if self.config.metric == Metric::Cosine { distance.clamp(0.0, 2.0) } else { distance }
    }
}
