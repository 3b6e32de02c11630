//! Runs all queries several times and measures the time.

use std::time::{Duration, Instant};

use omendb_engine::{Db, Hit, SearchError, SearchOptions};
use serde_json::{Value, json};

use crate::output::rounded;
use crate::queries::Queries;

/// How to run the queries.
pub(crate) struct Plan {
    /// The threads that search, one query per call.
    pub(crate) threads: usize,
    /// Whether all queries are one call instead.
    pub(crate) batch: bool,
    /// The number of rounds; the fastest counts.
    pub(crate) rounds: usize,
}

/// The result at one width.
pub(crate) struct Run {
    pub(crate) hits: Vec<Vec<Hit>>,
    /// Queries per second in the fastest round.
    pub(crate) qps: f64,
    /// Microseconds per query in the same round. `None` if all are one call.
    p50_us: Option<f64>,
    p99_us: Option<f64>,
    /// Means per query. `None` if all are one call.
    mean_distances: Option<f64>,
    mean_hops: Option<f64>,
}

impl Plan {
    /// Runs all queries, `rounds` times.
    pub(crate) fn run(&self, db: &Db, queries: &Queries, options: &SearchOptions) -> Result<Run, SearchError> {
        let mut best = self.round(db, queries, options)?;
        for _ in 1..self.rounds {
            let next = self.round(db, queries, options)?;
            if next.qps > best.qps {
                best = next;
            }
        }
        Ok(best)
    }

    fn round(&self, db: &Db, queries: &Queries, options: &SearchOptions) -> Result<Run, SearchError> {
        let start = Instant::now();
        let answers =
            if self.batch { Answers::batch(db, queries, options) } else { self.one_by_one(db, queries, options) };
        let elapsed = start.elapsed();
        answers.map(|answers| answers.into_run(elapsed))
    }

    /// Runs one query per call. Each thread takes consecutive queries.
    fn one_by_one(&self, db: &Db, queries: &Queries, options: &SearchOptions) -> Result<Answers, SearchError> {
        let share = queries.len().div_ceil(self.threads.max(1));
        let ask = |first: usize| {
            let mut answers = Answers::default();
            for query in first..queries.len().min(first + share) {
                let start = Instant::now();
                let (hits, stats) = queries.search(db, query, options)?;
                answers.times.push(start.elapsed());
                answers.distances += stats.distances;
                answers.hops += stats.hops;
                answers.hits.push(hits);
            }
            Ok(answers)
        };
        if share >= queries.len() {
            return ask(0);
        }
        std::thread::scope(|scope| {
            let workers: Vec<_> =
                (0..queries.len()).step_by(share).map(|first| scope.spawn(move || ask(first))).collect();
            let mut all = Answers::default();
            for worker in workers {
                match worker.join() {
                    Ok(answers) => all.append(answers?),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            Ok(all)
        })
    }
}

#[derive(Default)]
struct Answers {
    hits: Vec<Vec<Hit>>,
    times: Vec<Duration>,
    distances: u64,
    hops: u64,
}

impl Answers {
    fn batch(db: &Db, queries: &Queries, options: &SearchOptions) -> Result<Self, SearchError> {
        Ok(Self { hits: queries.search_batch(db, 0..queries.len(), options)?, ..Self::default() })
    }

    fn append(&mut self, mut other: Self) {
        self.hits.append(&mut other.hits);
        self.times.append(&mut other.times);
        self.distances += other.distances;
        self.hops += other.hops;
    }

    fn into_run(mut self, elapsed: Duration) -> Run {
        let count = self.hits.len() as f64;
        self.times.sort_unstable();
        let measured = !self.times.is_empty();
        Run {
            qps: count / elapsed.as_secs_f64(),
            p50_us: percentile(&self.times, 50),
            p99_us: percentile(&self.times, 99),
            mean_distances: measured.then(|| self.distances as f64 / count),
            mean_hops: measured.then(|| self.hops as f64 / count),
            hits: self.hits,
        }
    }
}

/// The smallest time, in microseconds, that at least `percent` of all times do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).map(|time| time.as_nanos() as f64 / 1000.0)
}

/// The columns of [`Run::cells`].
pub(crate) const HEADER: [&str; 7] = ["width", "recall", "queries/s", "p50 µs", "p99 µs", "distances", "hops"];

impl Run {
    /// A row of the table.
    pub(crate) fn cells(&self, width: &str, recall: Option<f64>) -> Vec<String> {
        let cell = |number: Option<f64>| number.map_or_else(|| "–".into(), rounded);
        vec![
            width.into(),
            recall.map_or_else(|| "–".into(), |recall| format!("{recall:.4}")),
            rounded(self.qps),
            cell(self.p50_us),
            cell(self.p99_us),
            cell(self.mean_distances),
            cell(self.mean_hops),
        ]
    }

    /// An element of `runs`.
    pub(crate) fn json(&self, width: Option<usize>, recall: Option<f64>) -> Value {
        json!({
            "width": width,
            "recall": recall,
            "qps": self.qps,
            "p50_us": self.p50_us,
            "p99_us": self.p99_us,
            "mean_distances": self.mean_distances,
            "mean_hops": self.mean_hops,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::percentile;

    #[test]
    fn percentiles_are_the_nearest_rank() {
        let times: Vec<_> = (1..=200).map(Duration::from_micros).collect();
        assert_eq!(percentile(&times, 50), Some(100.0));
        assert_eq!(percentile(&times, 99), Some(198.0));
        assert_eq!(percentile(&times[..1], 99), Some(1.0));
        assert_eq!(percentile(&times[..3], 50), Some(2.0));
        assert_eq!(percentile(&[], 50), None);
    }
}
