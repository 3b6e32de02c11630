//! A graph over all rows, and upper levels over samples of them.
//!
//! In well-separated clusters, a list fills with rows of its own cluster. A search that starts in another cluster never
//! leaves it. So each level has an upper level over one row in 32, as in HNSW (Malkov and Yashunin, 2018). A search
//! descends from the smallest level. In each level it starts where it ended in the one before.

use std::sync::Arc;

use crate::absent::Absent;
use crate::csr::Csr;
use crate::level::Level;
use crate::prune::Rule;
use crate::search::candidates::Width;
use crate::{BuildOptions, GraphError, MIN_DEGREE, Scratch, SearchCount, Space};

/// One row in this many is in the next upper level.
const SAMPLED: u64 = 32;

/// The least rows of an upper level.
const SMALLEST: usize = 16;

/// The width of a search in an upper level, whatever its width in the base. The level below starts from half of what it
/// finds. All searches descend alike: where a row was searched for and reconnected, a narrower or wider search arrives too.
/// Figures: docs/experiments/010, 040.
pub(crate) const WIDTH_ABOVE: usize = 2;

/// The same in a graph with a second graph. By Euclidean distance, a search that starts in a distant group stays in it.
/// Figures: docs/experiments/010.
const WIDTH_ABOVE_BY_PRODUCT: usize = 16;

/// A list has at least this part of its places filled.
const LEAST_PART: usize = 4;

/// Bounded neighbour lists of all rows, with entry points and upper levels.
#[derive(Clone, Debug)]
pub struct Graph {
    pub(crate) base: Level,
    /// Each is over a sample of the one before; the first is over a sample of the base.
    pub(crate) upper: Vec<UpperLevel>,
    /// The slots that are not vertices: they have no list, and no list names them.
    pub(crate) absent: Arc<Absent>,
    /// The second graph: the same rows by [`Space::near`]. Searches follow its lists too.
    pub(crate) near: Option<Arc<Graph>>,
}

/// A level over a sample of the rows of the level below it, numbered in their order.
#[derive(Clone, Debug)]
pub(crate) struct UpperLevel {
    pub(crate) level: Level,
    /// Each row's number in the level below.
    pub(crate) below: Arc<Vec<u32>>,
    /// Each row's slot.
    pub(crate) slots: Arc<Vec<u32>>,
}

impl Graph {
    /// Makes a graph without rows and a degree bound of `degree`.
    ///
    /// # Errors
    /// [`GraphError::Degree`] if it is out of range.
    pub fn empty(degree: usize) -> Result<Self, GraphError> {
        Ok(Graph { base: Level::empty(degree)?, upper: Vec::new(), absent: Arc::default(), near: None })
    }

    /// A graph without linked rows that knows the same copies and removed rows.
    pub fn emptied(&self) -> Self {
        let base = Level::empty(self.csr().degree()).expect("a degree that a graph has");
        Graph { base, upper: Vec::new(), absent: Arc::clone(&self.absent), near: None }
    }

    /// The degree bound of a level: R in the base (level 0), a third of R in upper levels.
    ///
    /// Upper levels only lead to an entry point, and each neighbour on the way costs a distance. Figures:
    /// docs/experiments/010.
    pub(crate) fn degree_of(&self, level: usize) -> usize {
        let degree = self.base.csr.degree();
        if level == 0 { degree } else { (degree / 3).max(MIN_DEGREE) }
    }

    /// The rule of a prune. It leaves an eighth of the places free for reverse edges and fills at least a quarter.
    pub(crate) fn rule(&self, level: usize, options: &BuildOptions) -> Rule {
        let most = self.degree_of(level);
        Rule { alpha: options.alpha, degree: most - most / 8, least: most / LEAST_PART }
    }

    /// The neighbour lists of all rows.
    pub fn csr(&self) -> &Csr {
        &self.base.csr
    }

    /// The number of rows: slots 0 to `rows() - 1`.
    pub fn rows(&self) -> u32 {
        self.base.csr.rows()
    }

    /// Whether the row in `slot` has a list: it is neither a copy nor removed.
    pub fn is_vertex(&self, slot: u32) -> bool {
        self.absent.is_vertex(slot)
    }

    /// The slots that are vertices.
    pub fn vertices(&self) -> impl Iterator<Item = u32> + '_ {
        self.absent.vertices(0..self.rows())
    }

    /// The number of vertices.
    pub fn vertex_count(&self) -> u32 {
        self.absent.vertex_count(self.rows())
    }

    /// The copies of the row in `vertex`. A search that finds the vertex finds them too.
    pub fn copies_of(&self, vertex: u32) -> impl Iterator<Item = u32> + '_ {
        self.absent.copies_of(vertex)
    }

    /// The entry points: every row can be reached from them. Empty only if the graph is.
    pub fn entries(&self) -> &[u32] {
        &self.base.entries
    }

    /// Whether there is a second graph: see [`Space::near`]. This never changes once a graph has rows.
    pub fn has_near(&self) -> bool {
        self.near.is_some()
    }

    /// Adds the second graph `near`, which is over the same rows.
    pub(crate) fn with_near(mut self, near: Graph) -> Self {
        // Every row can be reached from its entry points.
        self.base.entries.extend(near.entries());
        self.base.entries.sort_unstable();
        self.base.entries.dedup();
        self.near = Some(Arc::new(near));
        self.follow_near();
        self
    }

    /// Makes searches follow the lists of the second graph, if there is one, in all levels.
    pub(crate) fn follow_near(&mut self) {
        let Some(near) = &self.near else { return };
        self.base.beside = Some(near.base.csr.clone());
        for (upper, other) in self.upper.iter_mut().zip(&near.upper) {
            // Both sample the same rows. For a graph from a file this is not certain.
            let same = other.slots.starts_with(&upper.slots) && other.below.starts_with(&upper.below);
            upper.level.beside = same.then(|| other.level.csr.clone());
        }
    }

    /// The bytes of memory that the graph takes.
    pub fn bytes(&self) -> usize {
        let upper = self.upper.iter().map(|upper| upper.level.csr.bytes() + 8 * upper.slots.len());
        self.base.csr.bytes()
            + upper.sum::<usize>()
            + self.absent.bytes()
            + self.near.as_ref().map_or(0, |near| near.bytes())
    }

    /// Finds about the `width` nearest rows to `probe`. [`Scratch::nearest`] returns them.
    ///
    /// The search never visits rows from `rows()` on, even if another clone of this graph links to them.
    pub fn search<S: Space>(
        &self,
        space: &S,
        probe: &S::Probe,
        width: impl Into<Width>,
        scratch: &mut Scratch,
    ) -> SearchCount {
        let mut starts = std::mem::take(&mut scratch.starts);
        let mut count = self.descend(0, space, probe, &mut starts, scratch);
        count += self.base.search(space, probe, &starts, width, scratch);
        scratch.starts = starts;
        count
    }

    /// Finds where a search starts in `level` (0 is the base), by row numbers of that level. The scratch
    /// has the path.
    pub(crate) fn descend<S: Space>(
        &self,
        level: usize,
        space: &S,
        probe: &S::Probe,
        starts: &mut Vec<u32>,
        scratch: &mut Scratch,
    ) -> SearchCount {
        let mut count = SearchCount::default();
        let width = if self.has_near() { WIDTH_ABOVE_BY_PRODUCT } else { WIDTH_ABOVE };
        starts.clear();
        scratch.path.clear();
        for upper in self.upper.iter().skip(level).rev() {
            let space = Sampled::new(space, &upper.slots);
            count += upper.level.search(&space, probe, starts, width, scratch);
            let nearest = scratch.nearest().next().map(|near| near.slot);
            scratch.path.extend(nearest);
            starts.clear();
            starts.extend(scratch.nearest().take(width / 2).map(|near| upper.below[near.slot as usize]));
        }
        count
    }

    /// A level by number: 0 is the base.
    pub(crate) fn level(&self, number: usize) -> &Level {
        number.checked_sub(1).map_or(&self.base, |upper| &self.upper[upper].level)
    }

    /// The number of rows of a level, 0 if the graph does not have it.
    pub(crate) fn level_rows(&self, number: usize) -> u32 {
        if number > self.upper.len() { 0 } else { self.level(number).csr.rows() }
    }

    pub(crate) fn level_mut(&mut self, number: usize) -> &mut Level {
        match number.checked_sub(1) {
            None => &mut self.base,
            Some(upper) => &mut self.upper[upper].level,
        }
    }

    /// A deep copy of the graph.
    pub(crate) fn detached(&self) -> Self {
        let mut detached = self.clone();
        for number in 0..=self.upper.len() {
            let level = detached.level_mut(number);
            level.csr = level.csr.detached();
        }
        if let Some(near) = &self.near {
            detached.near = Some(Arc::new(near.detached()));
            detached.follow_near();
        }
        detached
    }

    /// The same graph with room for rows up to `rows`, in upper levels too. Absent slots are known already.
    pub(crate) fn grown(&self, rows: u32) -> Result<Self, GraphError> {
        let mut grown = Graph {
            base: self.base.grown(rows)?,
            upper: Vec::new(),
            absent: Arc::clone(&self.absent),
            near: self.near.clone(),
        };
        for number in 0.. {
            let (count, slots) = match grown.upper.last() {
                None => (rows, None),
                Some(below) => (below.slots.len() as u32, Some(Arc::clone(&below.slots))),
            };
            let slot = |row: u32| slots.as_ref().map_or(row, |slots| slots[row as usize]);
            let old = self.upper.get(number as usize);
            // Rows that were sampled before are not sampled again.
            let sampled_before = if old.is_some() { self.level(number as usize).csr.rows() } else { 0 };
            let (mut below, mut slots) =
                old.map_or_else(Default::default, |old| (old.below.clone(), old.slots.clone()));
            let sampled = |row: &u32| is_sampled(*row, number);
            let new: Vec<u32> = match number {
                0 => self.absent.vertices(sampled_before..count).filter(sampled).collect(),
                _ => (sampled_before..count).filter(sampled).collect(),
            };
            if below.len() + new.len() < SMALLEST && old.is_none() {
                break;
            }
            Arc::make_mut(&mut slots).extend(new.iter().map(|&row| slot(row)));
            Arc::make_mut(&mut below).extend(new);
            let level = match old {
                Some(old) => old.level.grown(below.len() as u32)?,
                None => Level::empty(self.base.csr.degree())?.grown(below.len() as u32)?,
            };
            grown.upper.push(UpperLevel { level, below, slots });
        }
        Ok(grown)
    }
}

/// Whether row `row` of a level is in the next upper level. A hash (SplitMix64) of the row's number decides.
fn is_sampled(row: u32, level: u64) -> bool {
    let mut hash = (u64::from(row) ^ (level << 32)).wrapping_add(0x9E37_79B9_7F4A_7C15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (hash ^ (hash >> 31)).is_multiple_of(SAMPLED)
}

/// The rows of a sample, numbered by it.
pub(crate) struct Sampled<'a, S> {
    pub(crate) space: &'a S,
    pub(crate) slots: &'a [u32],
    /// The same sample by the second measure, if requested.
    near: Option<Box<Sampled<'a, S>>>,
}

impl<'a, S: Space> Sampled<'a, S> {
    /// By one measure.
    pub(crate) fn new(space: &'a S, slots: &'a [u32]) -> Self {
        Sampled { space, slots, near: None }
    }

    /// By both measures that the space has.
    pub(crate) fn with_near(space: &'a S, slots: &'a [u32]) -> Self {
        Sampled { space, slots, near: space.near().map(|near| Box::new(Sampled::new(near, slots))) }
    }
}

/// Slots translated at a time, on the stack.
const GROUP: usize = 64;

impl<S> Sampled<'_, S> {
    /// Calls `ask` with the slots of `rows`, one group at a time, and the start of each group.
    #[inline]
    fn translated(&self, rows: &[u32], mut ask: impl FnMut(&[u32], usize)) {
        let mut slots = [0; GROUP];
        for (group, rows) in rows.chunks(GROUP).enumerate() {
            for (slot, &row) in slots.iter_mut().zip(rows) {
                *slot = self.slots[row as usize];
            }
            ask(&slots[..rows.len()], group * GROUP);
        }
    }
}

impl<S: Space> Space for Sampled<'_, S> {
    type Probe = S::Probe;

    fn probe(&self) -> S::Probe {
        self.space.probe()
    }

    fn load(&self, row: u32, probe: &mut S::Probe) {
        self.space.load(self.slots[row as usize], probe);
    }

    fn near(&self) -> Option<&Self> {
        self.near.as_deref()
    }

    #[inline]
    fn fetch(&self, rows: &[u32]) {
        self.translated(rows, |slots, _| self.space.fetch(slots));
    }

    fn distances(&self, probe: &S::Probe, rows: &[u32], out: &mut [f32]) {
        self.translated(rows, |slots, first| {
            self.space.distances(probe, slots, &mut out[first..first + slots.len()]);
        });
    }

    fn between(&self, probe: &mut S::Probe, queries: &[u32], rows: &[u32], out: &mut [f32]) {
        let slots = |rows: &[u32]| -> Vec<u32> { rows.iter().map(|&row| self.slots[row as usize]).collect() };
        self.space.between(probe, &slots(queries), &slots(rows), out);
    }
}
