//! A graph over all rows, and smaller graphs over samples of them that show where to begin.
//!
//! In data of well-separated clusters, a row's list fills with rows of its own cluster, and a
//! search that starts in another never leaves that. So each level has one above it over a
//! thirty-second of its rows, as in HNSW (Malkov and Yashunin, 2018): a search goes down from the
//! smallest, and starts each level where the one above ended.

use std::sync::Arc;

use crate::absent::Absent;
use crate::csr::Csr;
use crate::level::Level;
use crate::prune::Rule;
use crate::{BuildOptions, GraphError, MIN_DEGREE, Scratch, Space};

/// One row in this many is in the level above.
const SAMPLED: u64 = 32;

/// A level of fewer rows than this is not made.
const SMALLEST: usize = 16;

/// In a level above, the width of a search is this part of the width in the base, at most
/// [`WIDEST_ABOVE`]; the level below starts from half of what it finds.
///
/// Measured at equal numbers of distances on sift500k: a width of 1 finds as much as 2 or 3 at any
/// width below, wider costs up to 0.1 points. On 100 clusters far apart in 20,000 rows, 1 above
/// leaves recall at 0.98 at 64 below, and 2 gives 0.99.
const PART_ABOVE: usize = 32;
const WIDEST_ABOVE: usize = 3;

/// The same in a graph with a second one beside it, by whose measure a group of rows far from others holds a search that
/// begins in it. Of 200 queries near 20 or 100 groups far apart, 0 to 16 found none of their ten with the numbers above,
/// 0 to 16 with 8 and 8, and 0 to 2 with these, for 6 % more distances on rows of uneven lengths.
const PART_ABOVE_BY_PRODUCT: usize = 4;
const WIDEST_ABOVE_BY_PRODUCT: usize = 16;

/// A list is filled to at least this part of its places.
const LEAST_PART: usize = 4;

/// Bounded lists of neighbours of all rows, and what leads a search to them.
#[derive(Clone, Debug)]
pub struct Graph {
    pub(crate) base: Level,
    /// Each over a sample of the one before; the first over a sample of the base.
    pub(crate) above: Vec<Above>,
    /// The slots that are no vertices: they have no list, and no list names them.
    pub(crate) absent: Arc<Absent>,
    /// A graph of the same rows by [`Space::near`], whose lists searches follow too.
    pub(crate) near: Option<Arc<Graph>>,
}

/// A level over a sample of the rows of the level below it, numbered in their order.
#[derive(Clone, Debug)]
pub(crate) struct Above {
    pub(crate) level: Level,
    /// What number each row has in the level below.
    pub(crate) below: Arc<Vec<u32>>,
    /// Each row's slot.
    pub(crate) slots: Arc<Vec<u32>>,
}

/// What a search cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchCount {
    /// Distances computed.
    pub distances: u64,
    /// Rows expanded.
    pub hops: u64,
}

impl std::ops::AddAssign for SearchCount {
    fn add_assign(&mut self, more: Self) {
        self.distances += more.distances;
        self.hops += more.hops;
    }
}

impl Graph {
    /// A graph without rows, whose rows will have at most `degree` neighbours.
    ///
    /// # Errors
    /// [`GraphError::Degree`] when it is out of range.
    pub fn empty(degree: usize) -> Result<Self, GraphError> {
        Ok(Graph { base: Level::empty(degree)?, above: Vec::new(), absent: Arc::default(), near: None })
    }

    /// A graph that no row is linked in yet, which knows what this one knows of copies and of rows taken out.
    pub fn emptied(&self) -> Self {
        let base = Level::empty(self.csr().degree()).expect("a degree that a graph has");
        Graph { base, above: Vec::new(), absent: Arc::clone(&self.absent), near: None }
    }

    /// The most neighbours that a row of a level has: R in the base (level 0), a third of it above.
    ///
    /// The levels above only lead to where a search starts, and every neighbour met on the way
    /// costs a distance. Measured at equal numbers of distances, a third of R beside all of it: on
    /// sift500k it finds 4.0 points more at 452 distances, 1.4 at 692, 0.2 at 1,417, as much at
    /// 2,934; on wordnet384 1.8 more at 450 and 0.1 at 1,500; on 100 clusters far apart 3 less at
    /// 242, and as much from 320.
    pub(crate) fn degree_of(&self, level: usize) -> usize {
        let degree = self.base.csr.degree();
        if level == 0 { degree } else { (degree / 3).max(MIN_DEGREE) }
    }

    /// What a prune leaves: of the most places an eighth free, so that the next few reverse edges need none; a quarter
    /// of them filled.
    pub(crate) fn rule(&self, level: usize, options: &BuildOptions) -> Rule {
        let most = self.degree_of(level);
        Rule { alpha: options.alpha, degree: most - most / 8, least: most / LEAST_PART }
    }

    /// The lists of all rows.
    pub fn csr(&self) -> &Csr {
        &self.base.csr
    }

    /// How many rows are in the graph: slots 0 to `rows() - 1`.
    pub fn rows(&self) -> u32 {
        self.base.csr.rows()
    }

    /// Whether the row in `slot` has a list of its own: it is no copy of another row, and was not taken out.
    pub fn is_vertex(&self, slot: u32) -> bool {
        self.absent.is_vertex(slot)
    }

    /// The slots that are vertices.
    pub fn vertices(&self) -> impl Iterator<Item = u32> + '_ {
        self.absent.vertices(0..self.rows())
    }

    /// How many slots are vertices.
    pub fn vertex_count(&self) -> u32 {
        self.absent.vertex_count(self.rows())
    }

    /// The slots of rows that equal the one in `vertex`, which a search that finds it has found too.
    pub fn copies_of(&self, vertex: u32) -> impl Iterator<Item = u32> + '_ {
        self.absent.copies_of(vertex)
    }

    /// The rows from which all others can be reached. Empty only when the graph is.
    pub fn entries(&self) -> &[u32] {
        &self.base.entries
    }

    /// Whether rows have lists by a second measure: see [`Space::near`]. It is so from a graph's first rows on, or never.
    pub fn has_near(&self) -> bool {
        self.near.is_some()
    }

    /// The graph with `near` beside it, which is over the same rows.
    pub(crate) fn with_near(mut self, near: Graph) -> Self {
        // From its entries every row is reached.
        self.base.entries.extend(near.entries());
        self.base.entries.sort_unstable();
        self.base.entries.dedup();
        self.near = Some(Arc::new(near));
        self.follow_near();
        self
    }

    /// Has searches follow the lists of the graph beside this one, if there is one, in all levels.
    pub(crate) fn follow_near(&mut self) {
        let Some(near) = &self.near else { return };
        self.base.beside = Some(near.base.csr.clone());
        for (above, other) in self.above.iter_mut().zip(&near.above) {
            // Both sample the same rows; of a file, that is not sure.
            let same = other.slots.starts_with(&above.slots) && other.below.starts_with(&above.below);
            above.level.beside = same.then(|| other.level.csr.clone());
        }
    }

    /// Bytes of memory that the graph takes.
    pub fn bytes(&self) -> usize {
        let above = self.above.iter().map(|above| above.level.csr.bytes() + 8 * above.slots.len());
        self.base.csr.bytes()
            + above.sum::<usize>()
            + self.absent.bytes()
            + self.near.as_ref().map_or(0, |near| near.bytes())
    }

    /// Finds about the `width` nearest rows to `probe`; [`Scratch::nearest`] has them.
    ///
    /// Rows numbered `rows()` and above are never asked about, even when another clone of this
    /// graph already links to them.
    pub fn search<S: Space>(&self, space: &S, probe: &S::Probe, width: usize, scratch: &mut Scratch) -> SearchCount {
        let mut starts = std::mem::take(&mut scratch.starts);
        let mut count = self.descend(0, width, space, probe, &mut starts, scratch);
        count += self.base.search(space, probe, &starts, width, scratch);
        scratch.starts = starts;
        count
    }

    /// Where a search of some width starts in `level` (0 is the base), numbered as there;
    /// the scratch has the way there.
    pub(crate) fn descend<S: Space>(
        &self,
        level: usize,
        width: usize,
        space: &S,
        probe: &S::Probe,
        starts: &mut Vec<u32>,
        scratch: &mut Scratch,
    ) -> SearchCount {
        let mut count = SearchCount::default();
        let (part, widest) =
            if self.has_near() { (PART_ABOVE_BY_PRODUCT, WIDEST_ABOVE_BY_PRODUCT) } else { (PART_ABOVE, WIDEST_ABOVE) };
        let width = (width / part).clamp(1, widest);
        let kept = width.div_ceil(2);
        starts.clear();
        scratch.way.clear();
        for above in self.above.iter().skip(level).rev() {
            let space = Sampled::new(space, &above.slots);
            count += above.level.search(&space, probe, starts, width, scratch);
            let nearest = scratch.nearest().next().map(|near| near.slot);
            scratch.way.extend(nearest);
            starts.clear();
            starts.extend(scratch.nearest().take(kept).map(|near| above.below[near.slot as usize]));
        }
        count
    }

    /// A level by number: 0 is the base.
    pub(crate) fn level(&self, number: usize) -> &Level {
        number.checked_sub(1).map_or(&self.base, |above| &self.above[above].level)
    }

    /// Rows of a level, 0 for one that the graph does not have.
    pub(crate) fn level_rows(&self, number: usize) -> u32 {
        if number > self.above.len() { 0 } else { self.level(number).csr.rows() }
    }

    pub(crate) fn level_mut(&mut self, number: usize) -> &mut Level {
        match number.checked_sub(1) {
            None => &mut self.base,
            Some(above) => &mut self.above[above].level,
        }
    }

    /// The same graph in memory of its own.
    pub(crate) fn detached(&self) -> Self {
        let mut detached = self.clone();
        for number in 0..=self.above.len() {
            let level = detached.level_mut(number);
            level.csr = level.csr.detached();
        }
        if let Some(near) = &self.near {
            detached.near = Some(Arc::new(near.detached()));
            detached.follow_near();
        }
        detached
    }

    /// The same graph with room for rows up to `rows`, in the levels above too. Those that are absent are known already.
    pub(crate) fn grown(&self, rows: u32) -> Result<Self, GraphError> {
        let mut grown = Graph {
            base: self.base.grown(rows)?,
            above: Vec::new(),
            absent: Arc::clone(&self.absent),
            near: self.near.clone(),
        };
        for number in 0.. {
            let (count, slots) = match grown.above.last() {
                None => (rows, None),
                Some(below) => (below.slots.len() as u32, Some(Arc::clone(&below.slots))),
            };
            let slot = |row: u32| slots.as_ref().map_or(row, |slots| slots[row as usize]);
            let old = self.above.get(number as usize);
            // Rows that were looked at when the level had them are not looked at again.
            let looked = if old.is_some() { self.level(number as usize).csr.rows() } else { 0 };
            let (mut below, mut slots) =
                old.map_or_else(Default::default, |old| (old.below.clone(), old.slots.clone()));
            let sampled = |row: &u32| is_sampled(*row, number);
            let new: Vec<u32> = match number {
                0 => self.absent.vertices(looked..count).filter(sampled).collect(),
                _ => (looked..count).filter(sampled).collect(),
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
            grown.above.push(Above { level, below, slots });
        }
        Ok(grown)
    }
}

/// Whether row `row` of a level is in the one above: by a hash (SplitMix64), so that it depends
/// on nothing but the number.
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
    /// The same sample by the second measure, if that is asked for.
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
    /// Tells `ask` the slots of `rows`, a group at a time, and where each group begins.
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
