//! The adjacency: at most R neighbours a row, in chunks that never move.
//!
//! A list takes `ceil(R / 16)` cache lines of sixteen slots. [`Edge::END`] ends a list shorter than R. Chunks of 16,384
//! rows are allocated whole and shared by reference count. Growing makes a new list of chunks, so a reader's reference
//! stays valid (rule R5).
//!
//! Words are atomics, read and written relaxed, because lists are rewritten while searches read them. A search may read
//! a list that is half rewritten. It sees old and new neighbours, all of them rows of the graph. A search a moment
//! earlier or later could give the same answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::{GraphError, MAX_ROWS};

/// A neighbour, as a list holds it.
///
/// The highest bit marks a late edge: one added after the last prune of the list. Edges that one prune chose need no
/// comparison with each other at the next prune.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Edge(u32);

impl Edge {
    const LATE: u32 = 1 << 31;

    /// Ends a list that is shorter than R.
    pub(crate) const END: Edge = Edge(u32::MAX);

    /// An edge that a prune chose.
    pub(crate) fn chosen(target: u32) -> Self {
        debug_assert!(target < MAX_ROWS, "a row's number");
        Edge(target)
    }

    /// An edge that no prune has seen.
    pub(crate) fn late(target: u32) -> Self {
        Edge(Edge::chosen(target).0 | Edge::LATE)
    }

    #[inline(always)]
    pub(crate) fn target(self) -> u32 {
        self.0 & !Edge::LATE
    }

    /// The same edge to another row.
    pub(crate) fn to(self, target: u32) -> Self {
        Edge(Edge::chosen(target).0 | self.0 & Edge::LATE)
    }

    pub(crate) fn is_late(self) -> bool {
        self.0 & Edge::LATE != 0
    }

    pub(crate) fn to_le_bytes(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }

    pub(crate) fn from_word(word: u32) -> Self {
        Edge(word)
    }
}

/// The smallest degree bound R.
pub const MIN_DEGREE: usize = 4;

/// The largest degree bound R.
pub const MAX_DEGREE: usize = 512;

const LINE: usize = 16;
const CHUNK_ROWS: usize = 1 << 14;

/// One cache line of neighbours.
#[repr(align(64))]
struct Line([AtomicU32; LINE]);

impl Line {
    fn empty() -> Self {
        Line([const { AtomicU32::new(Edge::END.0) }; LINE])
    }
}

type Chunk = Box<[Line]>;

/// Bounded adjacency lists of rows 0 to `rows() - 1`.
///
/// Cloning shares the lists: a write through one clone is seen through all.
#[derive(Clone)]
pub struct Csr {
    degree: usize,
    lines: usize,
    rows: u32,
    chunks: Vec<Arc<Chunk>>,
}

impl Csr {
    /// No rows, each of which will have at most `degree` neighbours.
    pub fn new(degree: usize) -> Result<Self, GraphError> {
        if !(MIN_DEGREE..=MAX_DEGREE).contains(&degree) {
            return Err(GraphError::Degree { found: degree, min: MIN_DEGREE, max: MAX_DEGREE });
        }
        Ok(Csr { degree, lines: degree.div_ceil(LINE), rows: 0, chunks: Vec::new() })
    }

    /// Adds empty lists up to `rows`. Old lists are shared.
    pub fn grown(&self, rows: u32) -> Result<Self, GraphError> {
        if rows > MAX_ROWS {
            return Err(GraphError::Capacity { found: u64::from(rows), limit: MAX_ROWS });
        }
        let mut grown = self.clone();
        grown.rows = rows.max(self.rows);
        while grown.chunks.len() * CHUNK_ROWS < grown.rows as usize {
            let lines = CHUNK_ROWS * self.lines;
            grown.chunks.push(Arc::new((0..lines).map(|_| Line::empty()).collect()));
        }
        Ok(grown)
    }

    /// A deep copy: writes to one are not visible through the other.
    pub(crate) fn detached(&self) -> Self {
        let copy = |line: &Line| Line(std::array::from_fn(|word| AtomicU32::new(line.0[word].load(Relaxed))));
        let chunks = self.chunks.iter().map(|chunk| Arc::new(chunk.iter().map(copy).collect()));
        Csr { chunks: chunks.collect(), ..*self }
    }

    /// How many rows have a list.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// The bound R on a list's length.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// Bytes of memory that the lists take.
    pub fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK_ROWS * self.lines * size_of::<Line>()
    }

    fn lines_of(&self, slot: u32) -> &[Line] {
        let chunk = &self.chunks[slot as usize / CHUNK_ROWS];
        let first = slot as usize % CHUNK_ROWS * self.lines;
        &chunk[first..first + self.lines]
    }

    fn words(&self, slot: u32) -> impl Iterator<Item = &AtomicU32> {
        self.lines_of(slot).iter().flat_map(|line| &line.0).take(self.degree)
    }

    /// The neighbours of the row in `slot`.
    ///
    /// # Panics
    /// If `slot` is not below [`Csr::rows`].
    #[inline]
    pub fn neighbours(&self, slot: u32) -> impl Iterator<Item = u32> + '_ {
        self.edges(slot).map(Edge::target)
    }

    /// The edges of the row in `slot`.
    pub(crate) fn edges(&self, slot: u32) -> impl Iterator<Item = Edge> + '_ {
        self.words(slot).map(|word| Edge(word.load(Relaxed))).take_while(|&edge| edge != Edge::END)
    }

    /// The most neighbours that [`Csr::visit`] visits.
    pub(crate) fn capacity(&self) -> usize {
        self.lines * LINE
    }

    /// Calls `visit` with each neighbour of the row in `slot`. Faster than [`Csr::neighbours`].
    #[inline(always)]
    pub(crate) fn visit(&self, slot: u32, mut visit: impl FnMut(u32)) {
        for line in self.lines_of(slot) {
            for word in &line.0 {
                let edge = Edge(word.load(Relaxed));
                if edge == Edge::END {
                    return;
                }
                visit(edge.target());
            }
        }
    }

    /// Hints that the list of `slot` will be read soon.
    #[inline]
    pub(crate) fn prefetch(&self, slot: u32) {
        for line in self.lines_of(slot) {
            omendb_kernels::prefetch_ref(line);
        }
    }

    /// Replaces the list of `slot` by `list`, at most R long.
    pub(crate) fn set(&self, slot: u32, list: impl IntoIterator<Item = Edge>) {
        let mut list = list.into_iter();
        for word in self.words(slot) {
            word.store(list.next().unwrap_or(Edge::END).0, Relaxed);
        }
        debug_assert!(list.next().is_none(), "a list of more than R neighbours");
    }

    /// Adds a late edge to `target` at the end of the list of `slot`; false when the list is full.
    pub(crate) fn append(&self, slot: u32, target: u32) -> bool {
        match self.words(slot).find(|word| Edge(word.load(Relaxed)) == Edge::END) {
            Some(word) => {
                word.store(Edge::late(target).0, Relaxed);
                true
            }
            None => false,
        }
    }

    /// Replaces the last edge of `slot`, whose list is full, by a late edge to `target`. Returns the old target.
    pub(crate) fn replace_last(&self, slot: u32, target: u32) -> u32 {
        let last = self.words(slot).last().expect("a list has R places");
        Edge(last.swap(Edge::late(target).0, Relaxed)).target()
    }
}

impl std::fmt::Debug for Csr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Csr {{ rows: {}, degree: {} }}", self.rows, self.degree)
    }
}
