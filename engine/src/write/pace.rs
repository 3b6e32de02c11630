//! The size of a linking round, and how long writers are throttled.

use std::time::Duration;

use omendb_graph::Graph;

/// How long a round should take: others wait for one, and each has a cost of its own.
const ROUND: Duration = Duration::from_millis(30);

/// A round may take longer, lest its own cost, a look at the graph when its rows are linked, be more than so large a part.
const PART: u32 = 3;

/// Rows of a round: at least, and at most.
const LEAST: u32 = 64;
const MOST: u32 = 8192;

/// Rows of a round where callers wait for their rows, one after another: not by the clock, so that the same calls make the
/// same graph.
const FIXED: u32 = 1024;

/// The size of rounds.
pub(crate) struct Pace {
    rows: u32,
    is_fixed: bool,
    /// What the last round took beside linking its rows.
    beside: Duration,
}

impl Pace {
    /// For a buffer of such a limit.
    pub(crate) fn of(buffer_rows: usize) -> Self {
        let (rows, is_fixed) = if buffer_rows == 0 { (FIXED, true) } else { (4 * LEAST, false) };
        Pace { rows, is_fixed, beside: Duration::ZERO }
    }

    /// Up to where the next round goes, of rows up to `to`. As many rows as there are in the graph are linked in one:
    /// if they are many, all are linked anew, in bulk.
    pub(crate) fn end(&self, graph: &Graph, to: u32) -> u32 {
        let rows = graph.rows();
        if to - rows >= graph.vertex_count() { to } else { to.min(rows + self.rows) }
    }

    /// Told how long it took to link the rows of a round, and all of the round.
    pub(crate) fn learn(&mut self, rows: u32, linking: Duration, all: Duration) {
        // Now and then all rows are looked at: that is not what a round costs.
        let beside = all.saturating_sub(linking);
        let usual = std::mem::replace(&mut self.beside, beside).min(beside);
        // A shorter round than planned says only that it took too long.
        if self.is_fixed || rows < self.rows && linking < ROUND {
            return;
        }
        let time = ROUND.saturating_sub(usual).max(usual * (PART - 1));
        let fitting = f64::from(rows) * time.as_secs_f64() / linking.as_secs_f64().max(1e-6);
        self.rows = (fitting as u32).clamp(self.rows / 2, self.rows * 2).clamp(LEAST, MOST);
    }
}

/// How long a call of `rows` rows is throttled at most, when so many rows are `waiting` and no more than `limit` should.
pub(crate) fn patience(waiting: usize, rows: usize, limit: usize) -> Duration {
    const SHORT: f64 = 0.020;
    const LONG: f64 = 0.100;
    let over = (waiting.saturating_sub(limit) as f64 / limit as f64).min(1.0);
    // Who brings more than fits waits as long as if it came in parts that do.
    let parts = rows.div_ceil(limit) as f64;
    Duration::from_secs_f64((SHORT + (LONG - SHORT) * over) * parts)
}
