//! A cell of the dispatch, as the loops know it: a metric, and how the loops are shaped.

use crate::Metric;

/// How the loops of a cell are shaped, as measured.
#[derive(Clone, Copy)]
pub(crate) struct Tuning {
    /// Rows taken at a time, 8 or 4: as many accumulators as fit the registers.
    pub(crate) rows: usize,
    /// Accumulators of each long row in a group of four: 2 where four accumulators do not hide the latency, else 1.
    pub(crate) accumulators: usize,
    /// Whether a step loads all of its rows before it sums the first (docs/experiments/027-read-first.md).
    pub(crate) read_first: bool,
}

impl Tuning {
    /// Vectors of a row that has four accumulators, where it is summed alone
    /// (docs/experiments/033-four-accumulators.md).
    pub(crate) const FOUR: usize = 16;
    /// Vectors of a row that has two.
    pub(crate) const TWO: usize = 4;
}

/// What the compiler knows where it compiles a loop.
pub(crate) trait Cell: 'static {
    const METRIC: Metric;
    const TUNING: Tuning;
}

/// The cell of a metric, by its place in [`Metric::ALL`], and a tuning.
pub(crate) struct Of<const METRIC: usize, const ROWS: usize, const ACCUMULATORS: usize, const READ_FIRST: bool>;

impl<const METRIC: usize, const ROWS: usize, const ACCUMULATORS: usize, const READ_FIRST: bool> Cell
    for Of<METRIC, ROWS, ACCUMULATORS, READ_FIRST>
{
    const METRIC: Metric = Metric::ALL[METRIC];
    const TUNING: Tuning = Tuning { rows: ROWS, accumulators: ACCUMULATORS, read_first: READ_FIRST };
}

pub(crate) const L2: usize = Metric::L2 as usize;
pub(crate) const INNER_PRODUCT: usize = Metric::InnerProduct as usize;
pub(crate) const COSINE: usize = Metric::Cosine as usize;
