//! A query's way: made ready, asked of the graph and of the buffer, decided, given its ids.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use omendb_graph::{Neighbour, Scratch};
use omendb_kernels::{Element, ElementKind, Metric};
use omendb_storage::{IdRef, View};
use rayon::prelude::*;

use crate::calibrate;
use crate::db::{Core, install};
use crate::query::Probe;
use crate::snapshot::Snapshot;
use crate::top::Top;
use crate::values::{self, Fit, MAX_SQUARED, MIN_SQUARED, Shortness};
use crate::{Db, Id, SearchError};

/// Rows measured at a time when rows are looked at one after another.
const SCAN: usize = 256;

/// So many dead rows in a row are worth a new call.
const SKIPPED: u32 = 4;

/// Rows beyond k that an exact search measures again in f64: f32 may order near ties wrongly.
const EXACT_MARGIN: usize = 32;

/// Cosine distances that differ by less are the same to f32: it rounds near 1, whatever is left of it.
const COSINE_NOISE: f32 = 1e-6;

/// A row that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Its id.
    pub id: Id,
    /// Squared Euclidean distance, negative inner product, or 1 − cosine: smaller is nearer.
    pub distance: f32,
}

/// What a search cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchStats {
    /// Distances computed.
    pub distances: u64,
    /// Rows of the graph expanded.
    pub hops: u64,
}

type Filter = Arc<dyn Fn(IdRef<'_>) -> bool + Send + Sync>;

/// How wide the walk through the graph is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Effort {
    Width(usize),
    Recall(f64),
}

/// How to search.
#[derive(Clone)]
pub struct SearchOptions {
    pub(crate) k: usize,
    pub(crate) effort: Effort,
    pub(crate) exact: bool,
    pub(crate) filter: Option<Filter>,
}

impl SearchOptions {
    /// The width of a search that is told none.
    pub const DEFAULT_WIDTH: usize = 64;

    /// The `k` nearest rows.
    pub fn new(k: usize) -> Self {
        SearchOptions { k, effort: Effort::Width(Self::DEFAULT_WIDTH), exact: false, filter: None }
    }

    /// How many candidates the search keeps: more find more of the nearest, and take longer.
    /// [`Self::DEFAULT_WIDTH`] unless told; never less than k. Takes the place of a target recall.
    /// (The `ef` of HNSW libraries, the `L` of DiskANN.)
    pub fn width(mut self, width: usize) -> Self {
        self.effort = Effort::Width(width);
        self
    }

    /// As wide as it takes to find this share of the k nearest rows, 0.95 say, on average over
    /// queries that are like the rows: see [`Db::width_for`]. Takes the place of a width.
    pub fn target_recall(mut self, recall: f64) -> Self {
        self.effort = Effort::Recall(recall);
        self
    }

    /// Whether to look at every row instead: slow, and certain up to the order of rows whose
    /// distances differ by less than f32 can tell (of k + 32 rows, f64 decides).
    pub fn exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }

    /// Only rows whose id `keep` accepts. Few accepted rows make a search slower, not worse.
    /// What `keep` looks into moves into it: a set of ids, say, in an `Arc`.
    pub fn filter(mut self, keep: impl Fn(IdRef<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.filter = Some(Arc::new(keep));
        self
    }
}

impl fmt::Debug for SearchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SearchOptions")
            .field("k", &self.k)
            .field("effort", &self.effort)
            .field("exact", &self.exact)
            .field("filter", &self.filter.is_some())
            .finish()
    }
}

impl Db {
    /// The `k` nearest rows to `query`, nearest first, ties by id; fewer if there are fewer.
    ///
    /// # Errors
    /// [`SearchError`] when the query has another dimension, is not finite, has no direction under
    /// cosine, or is too long or too short for the arithmetic (see [`Db::add_batch`]).
    pub fn search<T: Element>(&self, query: &[T], k: usize) -> Result<Vec<Hit>, SearchError> {
        self.search_with(query, &SearchOptions::new(k))
    }

    /// [`Db::search`], with options.
    ///
    /// # Errors
    /// As [`Db::search`], and [`SearchError::Option`] for an option out of range.
    pub fn search_with<T: Element>(&self, query: &[T], options: &SearchOptions) -> Result<Vec<Hit>, SearchError> {
        Ok(self.search_measured(query, options)?.0)
    }

    /// [`Db::search_with`], and what it cost.
    ///
    /// # Errors
    /// As [`Db::search_with`].
    pub fn search_measured<T: Element>(
        &self,
        query: &[T],
        options: &SearchOptions,
    ) -> Result<(Vec<Hit>, SearchStats), SearchError> {
        let core = &self.core;
        options.check()?;
        let snapshot = core.snapshot.load();
        let width = core.width(&snapshot, options);
        core.scratches.with(|scratch| {
            core.prepare(query, 0, scratch)?;
            Ok(core.answer(&snapshot, options, width, scratch))
        })
    }

    /// The nearest rows to each of many queries, row-major in one slice, on all threads
    /// (`queries.concat()` makes one of vectors).
    ///
    /// # Errors
    /// As [`Db::search_with`], for the first query that is wrong.
    pub fn search_batch<T: Element>(
        &self,
        queries: &[T],
        options: &SearchOptions,
    ) -> Result<Vec<Vec<Hit>>, SearchError> {
        let core = &self.core;
        options.check()?;
        let dim = core.options.dim;
        if !queries.len().is_multiple_of(dim) {
            let (query, found) = (queries.len() / dim, queries.len() % dim);
            return Err(SearchError::Dimension { expected: dim, found, query });
        }
        let snapshot = core.snapshot.load_full();
        let width = core.width(&snapshot, options);
        let answers: Vec<Result<Vec<Hit>, SearchError>> = install(&core.pool, || {
            let numbered = queries.par_chunks(dim).enumerate();
            let answer = |(number, query)| {
                core.scratches.with(|scratch| {
                    core.prepare(query, number, scratch)?;
                    Ok(core.answer(&snapshot, options, width, scratch).0)
                })
            };
            numbered.map(answer).collect()
        });
        answers.into_iter().collect()
    }
}

impl SearchOptions {
    fn check(&self) -> Result<(), SearchError> {
        match self.effort {
            Effort::Width(0) => Err(SearchError::Option { name: "width", found: "0".into(), expected: "1 or more" }),
            Effort::Width(_) => Ok(()),
            Effort::Recall(recall) => calibrate::check(recall),
        }
    }
}

impl Core {
    /// The width that the options come to.
    fn width(&self, snapshot: &Snapshot, options: &SearchOptions) -> usize {
        match options.effort {
            Effort::Width(width) => width,
            Effort::Recall(_) if options.exact => SearchOptions::DEFAULT_WIDTH,
            Effort::Recall(recall) => self.width_for(snapshot, options.k, recall),
        }
    }

    /// Checks a query and makes it the probe, in the rows' own type where it can be.
    fn prepare<T: Element>(&self, query: &[T], number: usize, scratch: &mut SearchScratch) -> Result<(), SearchError> {
        let SearchScratch { probe, floats, .. } = scratch;
        let expected = self.options.dim;
        if query.len() != expected {
            return Err(SearchError::Dimension { expected, found: query.len(), query: number });
        }
        let kind = self.measure.probe_kind();
        if T::KIND == kind && kind != ElementKind::F32 {
            probe.begin(kind, expected).copy_from_slice(bytemuck::cast_slice(query));
            if self.options.metric != Metric::Cosine {
                return Ok(());
            }
        }
        floats.clear();
        values::read(T::KIND, bytemuck::cast_slice(query), floats);
        if let Some(column) = floats.iter().position(|value| !value.is_finite()) {
            return Err(SearchError::NotFinite { query: number, column, value: floats[column] });
        }
        let squared = values::squared_length(floats);
        if squared > MAX_SQUARED {
            return Err(SearchError::TooLong { query: number, squared, limit: MAX_SQUARED });
        }
        let cosine = self.options.metric == Metric::Cosine;
        match values::shortness(squared) {
            Shortness::Zero if cosine => return Err(SearchError::ZeroNorm { query: number }),
            Shortness::Lost => return Err(SearchError::TooShort { query: number, squared, limit: MIN_SQUARED }),
            Shortness::None | Shortness::Zero => {}
        }
        probe.inverse_norm = if cosine { values::inverse_norm(squared) } else { 1.0 };
        // Whole numbers ask faster in the rows' own type, and mean the same.
        let whole =
            kind != ElementKind::F32 && floats.iter().all(|&value| matches!(values::fit(kind, value), Fit::Fits));
        let kind = if whole { kind } else { ElementKind::F32 };
        values::write(kind, floats, probe.begin(kind, expected));
        Ok(())
    }

    /// Answers the query that is the scratch's probe.
    fn answer(
        &self,
        snapshot: &Snapshot,
        options: &SearchOptions,
        width: usize,
        scratch: &mut SearchScratch,
    ) -> (Vec<Hit>, SearchStats) {
        let view = &snapshot.view;
        let k = options.k.min(view.live() as usize);
        let mut stats = SearchStats::default();
        if k == 0 {
            return (Vec::new(), stats);
        }
        let keep = |slot: u32| !view.is_dead(slot) && options.filter.as_ref().is_none_or(|keep| keep(view.id(slot)));
        if options.exact {
            let mut top = Top::new(view, k).with_spare(EXACT_MARGIN);
            self.scan(snapshot, 0, &keep, scratch, &mut top, &mut stats);
            return (self.decide(snapshot, &scratch.probe, top.into_found(), k), stats);
        }
        let cosine = self.options.metric == Metric::Cosine;
        let mut top = Top::new(view, k).with_spare(if cosine { EXACT_MARGIN } else { 0 });
        let linked = self.walk(snapshot, width.max(k), &keep, scratch, &mut top, &mut stats);
        let first = if linked { snapshot.graph.rows() } else { 0 };
        self.scan(snapshot, first, &keep, scratch, &mut top, &mut stats);
        let found = top.into_found();
        // f32 cannot tell rows apart whose directions hardly differ.
        let undecided = |last: &Neighbour, next: &Neighbour| cosine && next.distance - last.distance < COSINE_NOISE;
        if found.get(k).is_some_and(|next| undecided(&found[k - 1], next)) {
            return (self.decide(snapshot, &scratch.probe, found, k), stats);
        }
        let hit = |near: Neighbour| Hit { id: view.id(near.slot).into(), distance: self.shown(near.distance) };
        (found.into_iter().take(k).map(hit).collect(), stats)
    }

    /// Asks the graph, wider and wider until enough rows are kept; false when so few are that
    /// looking at every row is cheaper.
    ///
    /// Deleted and filtered rows take places in the pool. The last of k kept rows then stands deep in
    /// it, where more is missed: k rows are enough only when half of `width` are kept, from where on
    /// as large a share was found as without any filter (a test tells).
    fn walk(
        &self,
        snapshot: &Snapshot,
        width: usize,
        keep: &impl Fn(u32) -> bool,
        scratch: &mut SearchScratch,
        top: &mut Top<'_>,
        stats: &mut SearchStats,
    ) -> bool {
        let (rows, view, space) = (snapshot.graph.rows() as usize, &snapshot.view, snapshot.rows(&self.measure));
        // Somewhat more than half, for chance decides how many it is.
        let aim = |kept: f64| (0.75 * width as f64 / kept) as usize;
        // Rows taken out of the graph are not met, and copies are met with their vertex.
        let met = f64::from(snapshot.graph.vertex_count()) + snapshot.buffered() as f64;
        let mut wide = aim((f64::from(view.live()) / met).min(1.0)).max(width);
        loop {
            if scan_is_cheaper(rows, wide) {
                top.clear();
                return false;
            }
            let count = snapshot.graph.search(&space, &scratch.probe, wide, &mut scratch.graph);
            stats.distances += count.distances;
            stats.hops += count.hops;
            top.clear();
            let (mut kept, mut found) = (0, 0);
            for near in scratch.graph.nearest() {
                let copies = std::iter::once(near.slot).chain(snapshot.graph.copies_of(near.slot));
                let mut living = copies.filter(|&slot| keep(slot)).take(top.k()).peekable();
                found += 1;
                kept += usize::from(living.peek().is_some());
                living.for_each(|slot| top.offer(near.distance, slot));
            }
            // Fewer than asked for are all that the graph leads to.
            if top.is_full() && (kept >= width / 2 || found < wide) {
                return true;
            }
            wide = aim(kept as f64 / wide as f64).clamp(wide + wide.div_ceil(4), wide.saturating_mul(4));
        }
    }

    /// Looks at every row from `first` on.
    fn scan(
        &self,
        snapshot: &Snapshot,
        first: u32,
        keep: &impl Fn(u32) -> bool,
        scratch: &mut SearchScratch,
        top: &mut Top<'_>,
        stats: &mut SearchStats,
    ) {
        let SearchScratch { probe, distances, .. } = scratch;
        let view = &snapshot.view;
        let mut slot = first;
        while slot < view.slots() {
            if view.is_dead(slot) {
                slot += 1;
                continue;
            }
            let (bytes, stride, rows) = view.run(slot);
            let now = living_run(view, slot, rows.min(SCAN) as u32);
            distances.resize(now, 0.0);
            self.measure.scan(probe, &bytes[..now * stride], stride, distances);
            let slots = slot..slot + now as u32;
            let norms = slots.clone().map(|slot| snapshot.norms.inverse(slot));
            self.measure.finish(probe.inverse_norm, norms, distances);
            for (slot, &distance) in slots.zip(distances.iter()) {
                if top.wants(distance) && keep(slot) {
                    top.offer(distance, slot);
                }
            }
            stats.distances += now as u64;
            slot += now as u32;
        }
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
        if self.options.metric == Metric::Cosine { distance.clamp(0.0, 2.0) } else { distance }
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

/// Whether looking at every row takes less time than a walk of this width: about ten distances a
/// place in the pool, and the moving of places, which grows with the square.
pub(crate) fn scan_is_cheaper(rows: usize, width: usize) -> bool {
    let walk = width.saturating_mul(10).saturating_add(width.saturating_mul(width) / 8);
    walk >= rows
}

/// What one search at a time needs for itself.
pub(crate) struct SearchScratch {
    graph: Scratch,
    probe: Probe,
    floats: Vec<f32>,
    distances: Vec<f32>,
}

/// Scratch memory lent to searches: as much is kept as was ever in use at once.
#[derive(Default)]
pub(crate) struct Scratches(Mutex<Vec<SearchScratch>>);

impl Scratches {
    fn with<T>(&self, use_: impl FnOnce(&mut SearchScratch) -> T) -> T {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = kept.unwrap_or_else(|| SearchScratch {
            graph: Scratch::new(),
            probe: Probe::new(),
            floats: Vec::new(),
            distances: Vec::new(),
        });
        let result = use_(&mut scratch);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        result
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn bytes(&self) -> usize {
        let scratches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        scratches.iter().map(|scratch| scratch.graph.bytes()).sum()
    }
}
