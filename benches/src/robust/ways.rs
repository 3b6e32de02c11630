//! The ways in which rows come to be what is asked: size, arrival, history, and what follows it.

use super::arrival::Arrival;
use super::history::History;

/// What follows the history.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Then {
    /// It is asked as it is.
    Asked,
    /// It is compacted.
    Compacted,
    /// It is closed and opened again, in mapped files.
    Reopened,
}

/// One way.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Way {
    /// How many rows, where it is not the kind's own number.
    pub(super) rows: Option<usize>,
    pub(super) arrival: Arrival,
    pub(super) history: History,
    pub(super) then: Then,
}

impl Way {
    pub(super) const fn of(arrival: Arrival, history: History, then: Then) -> Self {
        Self { rows: None, arrival, history, then }
    }

    const fn small(rows: usize, arrival: Arrival) -> Self {
        Self { rows: Some(rows), arrival, history: History::Fresh, then: Then::Asked }
    }

    /// As in `one batch, half deleted, compacted`.
    pub(super) fn name(&self) -> String {
        let then = match self.then {
            Then::Asked => "",
            Then::Compacted => ", compacted",
            Then::Reopened => ", reopened",
        };
        format!("{}, {}{then}", self.arrival.name(), self.history.name())
    }
}

const ONCE: Way = Way::of(Arrival::Once, History::Fresh, Then::Asked);
const BATCHES: Way = Way::of(Arrival::By(1_000), History::Fresh, Then::Asked);
const LATE: Way = Way::of(Arrival::Late, History::Fresh, Then::Asked);
const REOPENED: Way = Way::of(Arrival::Once, History::Fresh, Then::Reopened);
const HALF: Way = Way::of(Arrival::Once, History::Half, Then::Asked);
const HALF_COMPACTED: Way = Way::of(Arrival::Once, History::Half, Then::Compacted);
const MOST: Way = Way::of(Arrival::Once, History::Most, Then::Asked);
const MOST_COMPACTED: Way = Way::of(Arrival::Once, History::Most, Then::Compacted);
const CHURNED: Way = Way::of(Arrival::Once, History::Churned, Then::Asked);
const CHURNED_COMPACTED: Way = Way::of(Arrival::By(1_000), History::Churned, Then::Compacted);
const FEW: [Way; 4] = [
    Way::small(2_000, Arrival::Once),
    Way::small(2_000, Arrival::Singly),
    Way::small(300, Arrival::Once),
    Way::small(20, Arrival::Once),
];

/// Of a kind that stands for an idea: all that can be done to any rows, and small sizes.
pub(super) const EVERY: &[Way] = &[
    ONCE,
    BATCHES,
    LATE,
    REOPENED,
    HALF,
    HALF_COMPACTED,
    MOST,
    MOST_COMPACTED,
    CHURNED,
    CHURNED_COMPACTED,
    FEW[0],
    FEW[1],
    FEW[2],
    FEW[3],
];

/// Of a kind that varies an idea.
pub(super) const SOME: &[Way] = &[ONCE, BATCHES, HALF_COMPACTED];

/// Of rows that arrive in an order that matters.
pub(super) const STREAMED: &[Way] = &[
    ONCE,
    BATCHES,
    Way::of(Arrival::By(300), History::Fresh, Then::Asked),
    LATE,
    HALF_COMPACTED,
    CHURNED_COMPACTED,
    FEW[1],
];

/// Of rows that lie in regions, some of which are emptied.
pub(super) const EMPTIED: &[Way] = &[
    ONCE,
    Way::of(Arrival::Once, History::Emptied, Then::Asked),
    Way::of(Arrival::Once, History::Emptied, Then::Compacted),
    Way::of(Arrival::By(1_000), History::Emptied, Then::Compacted),
    Way::of(Arrival::Once, History::Emptied, Then::Reopened),
];

/// Of rows of which two are replaced again and again.
pub(super) const HOT: &[Way] = &[
    ONCE,
    Way::of(Arrival::Once, History::Hot, Then::Asked),
    Way::of(Arrival::Once, History::Hot, Then::Compacted),
    Way::of(Arrival::Once, History::Hot, Then::Reopened),
];
