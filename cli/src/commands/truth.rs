//! `omendb truth`: writes the true neighbours of queries.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use omendb_engine::{Db, ElementKind, Hit, Id, Metric, Options, SearchOptions};
use omendb_formats::{FileKind, NumberKind, VectorWriter};
use serde_json::json;

use crate::database::Use;
use crate::failure::{Failure, Outcome};
use crate::global::Global;
use crate::input::Input;
use crate::output::{Output, counted, grouped};
use crate::progress::Bar;
use crate::queries::{self, Queries};

/// The queries between two steps of the bar.
const STEP: usize = 64;

/// Find the true nearest rows of each query, to measure the recall of searches
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  omendb truth rows.fbin queries.fbin -k 100 --metric cosine --out truth.ibin

Scans all rows for each query, in memory. Distances are decided in f64; ties are broken by the
lower row number. The file holds row numbers of BASE, one row per query, nearest first.")]
pub(crate) struct MakeTruth {
    /// The rows
    base: PathBuf,
    /// The queries: a file, or - for a JSON array of numbers on each line of stdin
    queries: PathBuf,
    /// Neighbours of each query [default: 100, or all rows if there are fewer]
    #[arg(short, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    k: Option<u32>,
    /// The metric: l2 (squared Euclidean distance), ip (inner product) or cosine
    #[arg(long, default_value = "l2")]
    metric: Metric,
    /// The type of rows in the database that is measured [default: as in BASE]
    #[arg(long = "type", value_name = "TYPE")]
    row_type: Option<ElementKind>,
    /// The file to write: .ibin or .ivecs
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl MakeTruth {
    pub(crate) fn run(self, global: &Global, output: &Output) -> Result<Outcome, Failure> {
        let with = Use::new(global, 0)?;
        FileKind::among(&self.out, FileKind::NEIGHBOURS)?;
        let start = Instant::now();
        let (base, kind) = Input::open(&self.base, None)?.stored_as(self.row_type)?;
        let queries = Queries::read(&self.queries, base.dim(), kind)?;
        let k = match self.k {
            None => base.count().min(100),
            Some(k) if k as usize <= base.count() => k as usize,
            Some(k) => {
                return Err(Failure::about(
                    &self.base,
                    format_args!("found {} rows, expected at least k = {k}", base.count()),
                ));
            }
        };

        let bar = Bar::new(output);
        // No graph: exact search scans all rows.
        let options = Options::new(base.dim(), self.metric)
            .row_type(kind)
            .buffer_rows(usize::MAX)
            .threads(with.threads)
            .isa(with.isa)
            .progress(bar.listener());
        let db = Db::in_memory(options).map_err(|error| Failure::open(&self.base, error))?;
        let numbers: Vec<u64> = (0..base.count() as u64).collect();
        db.add_batch(&numbers, base.rows()).map_err(|error| Failure::batch(&self.base, error))?;

        let mut out = VectorWriter::create(&self.out, k, NumberKind::I32)?;
        let exact = SearchOptions::new(k).exact(true);
        let mut row = Vec::with_capacity(k * 4);
        for first in (0..queries.len()).step_by(STEP) {
            bar.count("searching", first, queries.len());
            let last = queries.len().min(first + STEP);
            let answers = queries
                .search_batch(&db, first..last, &exact)
                .map_err(|error| Failure::about(queries::name(&self.queries), error))?;
            for hits in answers {
                row.clear();
                hits.iter().for_each(|hit| row.extend(number(hit).to_le_bytes()));
                out.push(None, row.as_slice())?;
            }
        }
        out.finish()?;
        bar.clear();
        let seconds = start.elapsed().as_secs_f64();

        output.line(format_args!(
            "the {} nearest of {} for {}, in {seconds:.2} s: {}",
            grouped(k as u64),
            counted(base.count(), "row", "rows"),
            counted(queries.len(), "query", "queries"),
            self.out.display()
        ))?;
        output.json(&json!({
            "rows": base.count(),
            "queries": queries.len(),
            "k": k,
            "metric": self.metric.to_string(),
            "seconds": seconds,
            "out": self.out.display().to_string(),
        }))?;
        Ok(Outcome::Done)
    }
}

/// The row number of a hit, which is its id. All are below 2³².
fn number(hit: &Hit) -> u32 {
    match hit.id {
        Id::U64(number) => number as u32,
        Id::Text(_) => unreachable!("ids were given as numbers"),
    }
}
