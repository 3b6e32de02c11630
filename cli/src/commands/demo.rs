//! `omendb demo`: builds and searches generated rows, and compares with exact search.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use omendb_engine::{Db, ElementKind, SearchError, SearchOptions};
use serde_json::{Value, json};

use crate::clusters::Clusters;
use crate::commands::build::Shape;
use crate::database::Use;
use crate::failure::{Failure, Outcome};
use crate::global::Global;
use crate::output::{Output, bytes, counted, grouped, rounded};
use crate::peak::peak_bytes;
use crate::progress::Bar;
use crate::queries::Queries;
use crate::recall::Expected;
use crate::signals;
use crate::sweep::{HEADER, Plan, Run};

const K: usize = 10;
const QUERIES: usize = 1000;
/// The recall goal.
const GOAL: f64 = 0.95;
/// The recall at which the sweep ends.
const ENOUGH: f64 = 0.995;
const WIDTHS: [usize; 8] = [10, 20, 40, 80, 160, 320, 640, 1280];

/// Generate clustered rows, add them in one batch, reopen, search, and compare with exact search
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  omendb demo
  omendb demo --dim 1536 --metric cosine
  omendb demo --rows 200000 --type u8 --path demo.omen      keeps the database

Exit code 1 if no width finds 95 % of the true neighbours.")]
pub(crate) struct Demo {
    /// The number of rows
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    rows: u32,
    /// The dimension of rows
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    dim: u32,
    #[command(flatten)]
    shape: Shape,
    /// Keep the database in this folder [default: a temporary folder, removed at the end]
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

impl Demo {
    pub(crate) fn run(self, global: &Global, output: &Output) -> Result<Outcome, Failure> {
        let with = Use { codes: true, ..Use::new(global, 0)? };
        let (rows, dim) = (self.rows as usize, self.dim as usize);
        let kind = self.shape.row_type.unwrap_or(ElementKind::F32);
        let temporary;
        let path = match &self.path {
            Some(path) if path.exists() => {
                return Err(Failure::about(path, "the path exists: give another --path"));
            }
            Some(path) => path.clone(),
            None => {
                let cannot = |error: io::Error| {
                    Failure::about(&std::env::temp_dir(), format_args!("cannot write there: {error}"))
                };
                temporary = tempfile::tempdir().map_err(cannot)?;
                signals::end_without(temporary.path()).map_err(cannot)?;
                temporary.path().join("demo.omen")
            }
        };

        output.line(format_args!(
            "Generating {} of dimension {} ({kind}, {}).",
            counted(self.rows, "clustered row", "clustered rows"),
            grouped(self.dim),
            self.shape.metric
        ))?;
        let seed = self.shape.seed.unwrap_or(0);
        let made = Clusters::new(rows, dim, seed)
            .and_then(|mut source| Ok([source.rows(rows)?, source.rows(QUERIES.min(rows))?]));
        let [base, queries] = made
            .map_err(|error| Failure::Refused(format!("{} rows of dimension {dim}: {error}", grouped(self.rows))))?
            .map(|rows| fitted(kind, rows));
        let queries = Queries::from_f32(dim, queries);

        let built = self.build(&path, &with, output, base)?;
        output.line(format_args!(
            "Added them in one batch: {:.2} s, {} rows/s, {} on disk.",
            built.seconds,
            rounded(built.rate(rows)),
            bytes(built.disk_bytes)
        ))?;

        let start = Instant::now();
        let db = with.read(&path)?;
        let reopen_seconds = start.elapsed().as_secs_f64();
        output.line(format_args!(
            "Closed and reopened the database: {:.1} ms, {}.",
            reopen_seconds * 1000.0,
            counted(db.count(), "row", "rows")
        ))?;

        let refused = |error: SearchError| Failure::about(&path, error);
        let exact = SearchOptions::new(K).exact(true);
        let start = Instant::now();
        let hits = queries.search_batch(&db, 0..queries.len(), &exact).map_err(refused)?;
        let exact_qps = queries.len() as f64 / start.elapsed().as_secs_f64();
        let expected = Expected::of(&hits);

        output.line(format_args!(
            "Searched for the {K} nearest rows of {}, one per call, with 1 thread:\n",
            counted(queries.len(), "query", "queries")
        ))?;
        let plan = Plan { threads: 1, batch: false, rounds: 3 };
        let mut runs: Vec<(usize, f64, Run)> = Vec::new();
        for width in WIDTHS {
            let options = SearchOptions::new(K).width(width);
            let run = plan.run(&db, &queries, &options).map_err(refused)?;
            let recall = expected.recall(&run.hits);
            runs.push((width, recall, run));
            if recall >= ENOUGH {
                break;
            }
        }
        let cells = runs.iter().map(|(width, recall, run)| run.cells(&width.to_string(), Some(*recall)));
        output.table(0, &HEADER, cells)?;
        output
            .line(format_args!("\nExact search (a scan per query, all threads): {} queries/s.", rounded(exact_qps)))?;

        let reached = runs.iter().find(|(_, recall, _)| *recall >= GOAL);
        let chosen = reached.or(runs.last());
        let (width, recall, qps) =
            chosen.map_or((None, None, None), |(width, recall, run)| (Some(width), Some(recall), Some(run.qps)));
        self.conclude(reached, output)?;
        output.json(&json!({
            "rows": rows,
            "dim": dim,
            "type": kind.to_string(),
            "metric": self.shape.metric.to_string(),
            "isa": with.isa.to_string(),
            "build_seconds": built.seconds,
            "rows_per_second": built.rate(rows),
            "disk_bytes": built.disk_bytes,
            "peak_bytes": peak_bytes(),
            "reopen_seconds": reopen_seconds,
            "k": K,
            "queries": queries.len(),
            "recall": recall,
            "width": width,
            "qps": qps,
            "exact_qps": exact_qps,
            "runs": runs
                .iter()
                .map(|(width, recall, run)| run.json(Some(*width), Some(*recall)))
                .collect::<Vec<Value>>(),
        }))?;
        Ok(if reached.is_some() { Outcome::Done } else { Outcome::Found })
    }

    /// Adds all rows in one batch, links them and writes a checkpoint.
    fn build(&self, path: &Path, with: &Use, output: &Output, base: Vec<f32>) -> Result<Built, Failure> {
        let bar = Bar::new(output);
        let options = self.shape.options(self.dim as usize, ElementKind::F32, with).progress(bar.listener());
        let ids: Vec<u64> = (0..u64::from(self.rows)).collect();
        let start = Instant::now();
        let db = Db::create(path, options).map_err(|error| Failure::open(path, error))?;
        db.add_batch(&ids, &base).map_err(|error| Failure::batch(path, error))?;
        db.flush()?;
        db.checkpoint()?;
        let disk_bytes = db.stats().disk_bytes();
        db.close()?;
        bar.clear();
        Ok(Built { seconds: start.elapsed().as_secs_f64(), disk_bytes })
    }

    fn conclude(&self, reached: Option<&(usize, f64, Run)>, output: &Output) -> Result<(), Failure> {
        match reached {
            Some((width, recall, run)) => {
                output
                    .line(format_args!("recall@{K} {recall:.4} at width {width}: {} queries/s.", rounded(run.qps)))?;
            }
            None => output.line(format_args!("No width reaches recall@{K} {GOAL}."))?,
        }
        let next = match &self.path {
            Some(path) => format!("  omendb info {}\n", path.display()),
            None => String::new(),
        };
        output.line(format_args!(
            "\nNext:\n{next}  omendb build my.omen rows.fbin       index your rows (also .npy, .fvecs, .jsonl, …)\n  \
             omendb search my.omen queries.fbin   search for your queries\n  omendb --help"
        ))
    }
}

/// The cost of the build.
struct Built {
    seconds: f64,
    disk_bytes: u64,
}

impl Built {
    fn rate(&self, rows: usize) -> f64 {
        rows as f64 / self.seconds
    }
}

/// Converts numbers to values that a type can hold: whole and in range for integers.
fn fitted(kind: ElementKind, mut rows: Vec<f32>) -> Vec<f32> {
    // Nearly all numbers are within ±4.
    let (scale, shift, least, most) = match kind {
        ElementKind::U8 => (32.0, 128.0, 0.0, 255.0),
        ElementKind::I8 => (32.0, 0.0, -128.0, 127.0),
        _ => return rows,
    };
    rows.iter_mut().for_each(|x| *x = (*x * scale + shift).round().clamp(least, most));
    rows
}
