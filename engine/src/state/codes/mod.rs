//! 4-bit codes of the rows that are linked: a search of the graph goes over them, and exact distances decide.
//!
//! A row of codes takes an eighth of the cache lines of a row of f32. Codes are a function of the rows. So they are never
//! needed for correctness: what a checkpoint holds of them saves encoding rows again. Figures: docs/experiments/039.

use std::ops::RangeInclusive;
use std::sync::Arc;

use omendb_kernels::{ElementKind, Isa, Metric};
use omendb_storage::View;
use rayon::prelude::*;

use crate::Config;
use crate::input::query::Line;
use crate::input::values;
use crate::state::codes::grid::Grid;
use crate::state::derived::per_slot::PerSlot;

mod encode;
mod grid;
mod space;

pub(crate) use space::CodeSpace;

/// Bytes of one chunk, about: a chunk that is not full is copied each time rows are linked. It has a power of two of rows.
const CHUNK: usize = 1 << 22;
const CHUNK_ROWS: RangeInclusive<usize> = 1 << 4..=1 << 12;

/// Fewer rows have no codes.
const LEAST: u32 = 1 << 12;

/// The grid is fitted to at most so many rows, and values.
const SAMPLE: u32 = 1 << 12;
const SAMPLE_VALUES: usize = 1 << 24;

/// A row without codes takes at least so many times the cache lines.
const LINES: usize = 3;

/// The grid is fitted anew once there are so many times the rows.
const GROWTH: u32 = 4;

/// So many times the rows, where codes were of no use.
const GROWTH_UNUSED: u32 = 2;

/// New rows may have so many times the mean error of those that the grid was fitted to.
const DRIFT: f64 = 2.0;

/// The codes of the first slots. They never change: more are another, which shares all whole chunks.
#[derive(Clone)]
pub(crate) struct Codes {
    grid: Arc<Grid>,
    /// How many rows there were when the grid was fitted.
    fitted: u32,
    /// The mean squared error of those rows.
    error: f64,
    /// Whether searches use them. If not, there are none of any row.
    is_used: bool,
    chunks: Vec<Arc<Vec<Line>>>,
    len: u32,
}

/// What is encoded: rows of a view.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    view: &'a View,
    kind: ElementKind,
    dim: usize,
    metric: Metric,
    norms: &'a PerSlot,
    isa: Isa,
}

impl<'a> Source<'a> {
    /// `norms` are the inverse norms of the rows, under cosine.
    pub(crate) fn new(config: &Config, isa: Isa, view: &'a View, norms: &'a PerSlot) -> Self {
        Source { view, kind: config.row_type, dim: config.dim, metric: config.metric, norms, isa }
    }

    /// Whether codes would save cache lines, if they are of any use.
    fn pays(&self) -> bool {
        let lines = |bytes: usize| bytes.div_ceil(size_of::<Line>());
        let is_float = !matches!(self.kind, ElementKind::U8 | ElementKind::I8);
        is_float && lines(self.dim * self.kind.size()) >= LINES * lines(self.dim.div_ceil(2))
    }

    fn read(&self, slot: u32, row: &mut Vec<f32>) {
        row.clear();
        values::read(self.kind, self.view.row(slot), row);
        if self.metric == Metric::Cosine {
            let inverse = self.norms.get(slot);
            row.iter_mut().for_each(|x| *x *= inverse);
        }
    }

    /// The grid that fits a sample of the rows before `to`.
    fn grid(&self, to: u32) -> Option<Grid> {
        let (mut sample, mut row) = (Vec::new(), Vec::new());
        let n = SAMPLE.min(to).min((SAMPLE_VALUES / self.dim) as u32);
        for i in 0..n {
            self.read((u64::from(i) * u64::from(to) / u64::from(n)) as u32, &mut row);
            sample.extend_from_slice(&row);
        }
        Grid::fitted(self.metric, self.dim, self.isa, &sample).ok()
    }
}

impl Codes {
    /// The codes of the slots before `to`, with what `old` has of them. None if none would pay. `serves` says whether
    /// searches over codes of a new grid find what searches over rows find. Runs in the current rayon pool.
    pub(crate) fn extended(
        old: Option<&Arc<Codes>>,
        source: Source<'_>,
        to: u32,
        serves: impl FnOnce(&Codes) -> bool,
    ) -> Option<Arc<Codes>> {
        if to < LEAST || !source.pays() {
            return None;
        }
        if let Some(old) = old.filter(|old| !old.is_outgrown(to) && old.len <= to) {
            if !old.is_used || old.len == to {
                return Some(Arc::clone(old));
            }
            let (longer, error) = old.with(source, to);
            let has_drifted = error > DRIFT * old.error;
            return Some(Arc::new(if has_drifted { old.unused() } else { longer }));
        }
        let unfitted = Codes {
            grid: Arc::new(source.grid(to)?),
            fitted: to,
            error: 0.0,
            is_used: true,
            chunks: Vec::new(),
            len: 0,
        };
        let (codes, error) = unfitted.with(source, to);
        let codes = Codes { error, ..codes };
        Some(Arc::new(if serves(&codes) { codes } else { codes.unused() }))
    }

    fn is_outgrown(&self, rows: u32) -> bool {
        rows / if self.is_used { GROWTH } else { GROWTH_UNUSED } >= self.fitted
    }

    /// Without codes, until the rows outgrow the grid.
    fn unused(&self) -> Codes {
        Codes { is_used: false, chunks: Vec::new(), len: 0, grid: Arc::clone(&self.grid), ..*self }
    }

    /// With the codes of more rows, and the mean squared error of those.
    fn with(&self, source: Source<'_>, to: u32) -> (Codes, f64) {
        let (len, to, rows) = (self.len as usize, to as usize, self.chunk_rows());
        let make = |number: usize| {
            let old = self.chunks.get(number).filter(|_| len > number * rows);
            let mut lines = old.map_or_else(|| vec![Line::default(); self.chunk_lines()], |chunk| (**chunk).clone());
            let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut lines);
            let (mut row, mut codes, mut error) = (Vec::new(), Vec::new(), 0.0);
            for slot in (number * rows).max(len)..((number + 1) * rows).min(to) {
                source.read(slot as u32, &mut row);
                let out = &mut bytes[slot % rows * self.stride()..][..self.grid.row_bytes()];
                error += self.grid.encode(&row, &mut codes, out);
            }
            (Arc::new(lines), error)
        };
        let first = len / rows;
        let made: Vec<_> = (first..to.div_ceil(rows)).into_par_iter().map(make).collect();
        let error = made.iter().map(|(_, error)| error).sum::<f64>() / (to - len).max(1) as f64;
        let chunks = self.chunks[..first].iter().cloned().chain(made.into_iter().map(|(chunk, _)| chunk)).collect();
        (Codes { chunks, len: to as u32, grid: Arc::clone(&self.grid), ..*self }, error)
    }

    /// The codes of the slots in `order`, which become slots 0, 1, 2, …
    pub(crate) fn reordered(&self, order: &[u32]) -> Codes {
        if !self.is_used {
            return self.unused();
        }
        let chunks = order.chunks(self.chunk_rows());
        let chunks = chunks.map(|order| self.chunk_of(order.iter().map(|&slot| self.row(slot)))).collect();
        Codes { chunks, len: order.len() as u32, grid: Arc::clone(&self.grid), ..*self }
    }

    /// A chunk of these packed rows.
    fn chunk_of<'r>(&self, rows: impl Iterator<Item = &'r [u8]>) -> Arc<Vec<Line>> {
        let mut lines = vec![Line::default(); self.chunk_lines()];
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut lines);
        for (out, row) in bytes.chunks_exact_mut(self.stride()).zip(rows) {
            out[..row.len()].copy_from_slice(row);
        }
        Arc::new(lines)
    }

    /// The packed codes of a row.
    fn row(&self, slot: u32) -> &[u8] {
        let chunk: &[u8] = bytemuck::cast_slice(&self.chunks[slot as usize / self.chunk_rows()]);
        &chunk[slot as usize % self.chunk_rows() * self.stride()..][..self.grid.row_bytes()]
    }

    /// Bytes from a row to the next: no row lies in more lines than it must.
    fn stride(&self) -> usize {
        let bytes = self.grid.row_bytes();
        if bytes < size_of::<Line>() { bytes.next_power_of_two() } else { bytes.next_multiple_of(size_of::<Line>()) }
    }

    fn chunk_rows(&self) -> usize {
        let rows = (CHUNK / self.stride()).max(1);
        (1 << rows.ilog2()).clamp(*CHUNK_ROWS.start(), *CHUNK_ROWS.end())
    }

    fn chunk_lines(&self) -> usize {
        self.chunk_rows() * self.stride() / size_of::<Line>()
    }

    /// Whether searches use them.
    pub(crate) fn is_used(&self) -> bool {
        self.is_used
    }

    /// How many slots have codes.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    pub(crate) fn bytes(&self) -> usize {
        self.chunks.len() * self.chunk_lines() * size_of::<Line>()
    }

    /// The living rows of `source` whose codes are not those that follow from the rows.
    pub(crate) fn wrong(&self, source: Source<'_>) -> Vec<u32> {
        let (mut row, mut codes, mut out) = (Vec::new(), Vec::new(), vec![0; self.grid.row_bytes()]);
        let is_wrong = |slot: &u32| {
            source.read(*slot, &mut row);
            self.grid.encode(&row, &mut codes, &mut out);
            out != self.row(*slot)
        };
        source.view.living().take_while(|&slot| slot < self.len).filter(is_wrong).collect()
    }
}
