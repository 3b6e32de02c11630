//! A case: builds one size, runs queries, reopens and runs them again.

use crate::machine::Calibration;
use crate::{Failure, HEAP, clusters, truth};
use omendb_engine::{Db, Durability, Metric, Options, SearchOptions};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

/// The k of the queries.
const K: usize = 10;
/// The width of all searches. It is narrow, so that recall stays below 1 and a worse graph shows.
const WIDTH: usize = 20;
/// The build width L. It is less than the default, so that a run takes a few minutes.
const BUILD_WIDTH: usize = 64;
/// Rows of a batch where there are several.
const BATCH: usize = 1_000;
/// Of 200, recall differed by 0.017 between graphs linked alike.
const QUERIES: usize = 1_000;
/// Passes over all queries; the fastest counts.
const ROUNDS: usize = 40;

/// What is built.
pub(crate) struct Case {
    rows: usize,
    dim: usize,
    /// All rows in one call, or 1,000 a call.
    one_batch: bool,
}

/// What came of a case: figures, or the reason why there are none.
#[derive(Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) case: String,
    /// How many it has; 0 in histories that do not say so.
    #[serde(default)]
    pub(crate) rows: usize,
    #[serde(flatten)]
    pub(crate) result: Measured,
}

/// Either of both.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Measured {
    /// It works, like this.
    Figures(Figures),
    /// It does not work: an error, a panic, a wrong count, other answers after reopening.
    Broken(String),
}

/// What is measured of a case. Speeds come with their ratio to the calibration loop beside them.
#[derive(Serialize, Deserialize, Clone, Copy)]
pub(crate) struct Figures {
    /// Rows a second, from the first call until the last row is linked.
    pub(crate) rows_per_second: f64,
    pub(crate) build_ratio: f64,
    /// recall@10 at the fixed width.
    pub(crate) recall: f64,
    /// Queries a second on one thread, one a call, at that recall.
    pub(crate) qps: f64,
    pub(crate) search_ratio: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// Distances computed a query.
    pub(crate) distances: f64,
    /// Bytes a query allocated and did not give back, after warming up.
    pub(crate) leaked: f64,
    /// What building allocated, at its highest, in bytes.
    pub(crate) peak_bytes: f64,
    pub(crate) disk_bytes: f64,
    pub(crate) reopen_seconds: f64,
}

impl Outcome {
    /// Its figures, if it works.
    pub(crate) fn figures(&self) -> Option<Figures> {
        match self.result {
            Measured::Figures(figures) => Some(figures),
            Measured::Broken(_) => None,
        }
    }

    /// The same case measured once more: of each speed the better one counts, of all else what was
    /// found now.
    pub(crate) fn or_faster(&self, now: Outcome) -> Outcome {
        let (Measured::Figures(before), &Measured::Figures(mut figures)) = (&self.result, &now.result) else {
            return now;
        };
        if before.build_ratio > figures.build_ratio {
            let Figures { build_ratio, rows_per_second, .. } = *before;
            figures = Figures { build_ratio, rows_per_second, ..figures };
        }
        if before.search_ratio > figures.search_ratio {
            let Figures { search_ratio, qps, p50_us, p99_us, .. } = *before;
            figures = Figures { search_ratio, qps, p50_us, p99_us, ..figures };
        }
        Outcome { result: Measured::Figures(figures), ..now }
    }
}

impl Case {
    /// All of them, small to large: what broke the predecessor is the sequence.
    pub(crate) fn all() -> Vec<Case> {
        let sizes = [
            (1_000, 128),
            (1_000, 1536),
            (10_000, 128),
            (10_000, 1536),
            (50_000, 128),
            (50_000, 1536),
            (100_000, 128),
            (500_000, 128),
        ];
        let both = |(rows, dim)| [true, false].map(|one_batch| Case { rows, dim, one_batch });
        sizes.into_iter().flat_map(both).collect()
    }

    /// As in `50K x 128 in one batch`.
    pub(crate) fn name(&self) -> String {
        let how = if self.one_batch { "in one batch" } else { "by 1,000" };
        format!("{}K x {} {how}", self.rows / 1_000, self.dim)
    }

    /// What is indexed and asked, and the answers; the same for both ways of adding it.
    pub(crate) fn material(&self) -> Material {
        let rows = clusters::rows(self.rows, self.dim, 1, 0);
        let queries = clusters::rows(QUERIES, self.dim, 1, 1);
        let wanted = truth::nearest(&rows, &queries, self.dim, K);
        Material { rows, queries, wanted }
    }

    /// Whether it is made of the same rows as another.
    pub(crate) fn is_like(&self, other: &Case) -> bool {
        (self.rows, self.dim) == (other.rows, other.dim)
    }

    /// Runs it. Whatever goes wrong is part of the outcome, so that the other cases are still run.
    pub(crate) fn run(&self, material: &Material, scratch: Option<&Path>) -> Outcome {
        // Nothing that a panic may leave half done is used again.
        let result = match catch_unwind(AssertUnwindSafe(|| self.measure(material, scratch))) {
            Ok(Ok(figures)) => Measured::Figures(figures),
            Ok(Err(why)) => Measured::Broken(why.to_string()),
            Err(panic) => Measured::Broken(format!("panic: {}", words(&*panic))),
        };
        Outcome { case: self.name(), rows: self.rows, result }
    }

    fn measure(&self, material: &Material, scratch: Option<&Path>) -> Result<Figures, Failure> {
        let Material { rows, queries, wanted } = material;
        let calibration = Calibration::over(rows, self.dim);
        let folder = match scratch {
            Some(folder) => tempfile::tempdir_in(folder)?,
            None => tempfile::tempdir()?,
        };
        let path = folder.path().join("regression.omen");

        let held = HEAP.current_usage();
        HEAP.reset_peak_usage();
        let (db, rows_per_second, build_ratio) = self.build(&path, rows, &calibration)?;
        let peak_bytes = HEAP.peak_usage().saturating_sub(held) as f64;
        self.expect_count(&db)?;

        let before = self.ask_all(&db, queries)?;
        let searched = self.search_speed(&db, queries, &calibration)?;
        db.close()?;
        let start = Instant::now();
        let db = Db::open(&path)?;
        let first = self.ask(&db, &queries[..self.dim])?;
        let reopen_seconds = start.elapsed().as_secs_f64();
        self.expect_count(&db)?;
        let disk_bytes = db.stats().disk_bytes() as f64;
        let after = self.ask_all(&db, queries)?;
        if after.found != before.found || Some(&first) != before.found.first() {
            return Err("the answers differ after it was closed and reopened".into());
        }
        Ok(Figures {
            rows_per_second,
            build_ratio,
            recall: truth::recall(&before.ids(), wanted),
            peak_bytes,
            disk_bytes,
            reopen_seconds,
            distances: before.distances,
            ..searched
        })
    }

    /// So often is it built, and the fastest counts: a small build is over within a moment in which
    /// the machine did something else.
    fn builds(&self) -> usize {
        (10_000_000 / (self.rows * self.dim)).clamp(1, 40)
    }

    fn build(&self, path: &Path, rows: &[f32], calibration: &Calibration<'_>) -> Result<(Db, f64, f64), Failure> {
        let ids: Vec<u64> = (0..self.rows as u64).collect();
        let batch = if self.one_batch { self.rows } else { BATCH };
        let (mut fastest, mut loop_speed) = (0f64, calibration.all_threads());
        let mut kept = None;
        for _ in 0..self.builds() {
            drop(kept.take());
            if path.exists() {
                std::fs::remove_dir_all(path)?;
            }
            // Not synced after each batch: the disk is not what is compared.
            let options = Options::new(self.dim, Metric::L2).build_width(BUILD_WIDTH).durability(Durability::Os);
            let db = Db::create(path, options)?;
            let start = Instant::now();
            for (ids, rows) in ids.chunks(batch).zip(rows.chunks(batch * self.dim)) {
                db.add_batch(ids, rows)?;
            }
            db.flush()?;
            fastest = fastest.max(self.rows as f64 / start.elapsed().as_secs_f64());
            loop_speed = loop_speed.max(calibration.all_threads());
            kept = Some(db);
        }
        let db = kept.ok_or("nothing was built")?;
        Ok((db, fastest, fastest / loop_speed))
    }

    /// The fastest of several passes over all queries, and the fastest calibration between them.
    fn search_speed(&self, db: &Db, queries: &[f32], calibration: &Calibration<'_>) -> Result<Figures, Failure> {
        let asked = queries.len() / self.dim;
        let (mut fastest, mut loop_speed) = (f64::INFINITY, calibration.one_thread());
        let mut best_times = vec![f64::INFINITY; asked];
        for _ in 0..ROUNDS {
            let pass = Instant::now();
            for (query, best) in queries.chunks_exact(self.dim).zip(&mut best_times) {
                let start = Instant::now();
                db.search_with(query, &options())?;
                *best = best.min(start.elapsed().as_secs_f64());
            }
            fastest = fastest.min(pass.elapsed().as_secs_f64());
            loop_speed = loop_speed.max(calibration.one_thread());
        }
        let held = HEAP.current_usage();
        for query in queries.chunks_exact(self.dim) {
            db.search_with(query, &options())?;
        }
        let leaked = HEAP.current_usage().saturating_sub(held);
        best_times.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| 1e6 * best_times[((asked - 1) as f64 * share) as usize];
        let qps = asked as f64 / fastest;
        Ok(Figures {
            rows_per_second: 0.0,
            build_ratio: 0.0,
            recall: 0.0,
            qps,
            search_ratio: qps / loop_speed,
            p50_us: at(0.5),
            p99_us: at(0.99),
            distances: 0.0,
            leaked: leaked as f64 / asked as f64,
            peak_bytes: 0.0,
            disk_bytes: 0.0,
            reopen_seconds: 0.0,
        })
    }

    fn expect_count(&self, db: &Db) -> Result<(), Failure> {
        match db.count() {
            count if count == self.rows => Ok(()),
            count => Err(format!("the database has {count} rows; expected {}", self.rows).into()),
        }
    }

    fn ask(&self, db: &Db, query: &[f32]) -> Result<Vec<Neighbour>, Failure> {
        Ok(neighbours(&db.search_with(query, &options())?))
    }

    fn ask_all(&self, db: &Db, queries: &[f32]) -> Result<Answers, Failure> {
        let mut answers = Answers { found: Vec::new(), distances: 0.0 };
        for query in queries.chunks_exact(self.dim) {
            let (hits, stats) = db.search_with_stats(query, &options())?;
            answers.found.push(neighbours(&hits));
            answers.distances += stats.distances as f64 * self.dim as f64 / queries.len() as f64;
        }
        Ok(answers)
    }
}

/// Rows, queries, and for each query the numbers of its nearest rows.
pub(crate) struct Material {
    rows: Vec<f32>,
    queries: Vec<f32>,
    wanted: Vec<Vec<u64>>,
}

/// What was found for each query, and the mean number of distances.
struct Answers {
    found: Vec<Vec<Neighbour>>,
    distances: f64,
}

impl Answers {
    fn ids(&self) -> Vec<Vec<u64>> {
        self.found.iter().map(|found| found.iter().map(|neighbour| neighbour.id).collect()).collect()
    }
}

/// A row found: equal are those of the same distance bit for bit.
#[derive(PartialEq)]
struct Neighbour {
    id: u64,
    distance_bits: u32,
}

fn options() -> SearchOptions {
    SearchOptions::new(K).width(WIDTH)
}

fn neighbours(hits: &[omendb_engine::Hit]) -> Vec<Neighbour> {
    let number = |hit: &omendb_engine::Hit| match &hit.id {
        omendb_engine::Id::U64(number) => *number,
        other => unreachable!("ids are numbers here, and this one is {other}"),
    };
    hits.iter().map(|hit| Neighbour { id: number(hit), distance_bits: hit.distance.to_bits() }).collect()
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_outcome() {
        let case = Case { rows: 1_000, dim: 4, one_batch: true };
        let no_rows = Material { rows: Vec::new(), queries: Vec::new(), wanted: Vec::new() };
        let Measured::Broken(why) = case.run(&no_rows, None).result else { panic!("nothing cannot be measured") };
        assert!(why.starts_with("panic: "), "{why}");
    }
}
