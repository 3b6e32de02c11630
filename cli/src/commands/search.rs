//! `omendb search`: searches for a file of queries, and measures it.

use std::path::{Path, PathBuf};

use clap::Args;
use omendb_engine::{Db, SearchError, SearchOptions};
use serde_json::{Value, json};

use crate::answers::{self, Out};
use crate::database::Use;
use crate::failure::{Failure, Outcome};
use crate::global::Global;
use crate::output::{Output, counted, grouped, table};
use crate::queries::{self, Queries};
use crate::query_text::STDIN;
use crate::recall::Expected;
use crate::sweep::{HEADER, Plan, Run};

/// The queries of a file whose hits are printed. The JSON object and --out have all.
const PRINTED: usize = 10;

/// Find the nearest rows of each query in a file, and measure time and recall
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  omendb search notes.omen queries.fbin -k 10
  omendb search notes.omen '[0.5, 1.0, 0.25]'
  omendb search notes.omen - < queries.txt
  omendb search notes.omen queries.fbin --recall 0.95
  omendb search sift.omen queries.fbin --truth truth.ibin --width 20,40,80
  omendb search sift.omen queries.fbin --truth truth.ibin --recall 0.95
  omendb search sift.omen queries.fbin --exact --out nearest.ibin

With - as queries, each line of stdin is one, such as [0.5, 1.0, 0.25]. They are read to the end of
stdin and answered in their order.

Hits go to stdout, one per line: query, id and distance, separated by tabs. The first query is 0. Of
a file of queries, the hits of the first 10 are printed. A summary follows on stderr. With --truth or
--out no hits are printed, and the summary goes to stdout.

The width is the number of candidates that a search keeps. A larger width finds more of the true
neighbours and takes longer. Recall is the share of the true k nearest rows that are found. Times
are of one query per call, from one thread or from --threads. --batch passes all queries in one
call instead.

A row number is the index of a row in the file that the database was built from. Added rows continue
from there. Once rows are deleted or replaced, row numbers are taken as ids.")]
pub(crate) struct Search {
    /// The database
    db: PathBuf,
    /// The queries: .fvecs .bvecs .fbin .f16bin .bf16bin .u8bin .i8bin .npy or .jsonl; one query, such as '[0.5, 1]'; or - for stdin
    queries: PathBuf,
    /// Rows to find for each query
    #[arg(short, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    k: u32,
    /// The width of the search, or several, one run each; at least k [default: 64]
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    width: Vec<u32>,
    /// The recall goal. With --truth, widths are tried until one reaches it (exit code 1 if none does).
    /// Without, the width comes from a calibration on the rows of the database
    #[arg(long, value_name = "R", conflicts_with_all = ["width", "exact"])]
    recall: Option<f64>,
    /// Exact search: scan all rows
    #[arg(long, conflicts_with = "width")]
    exact: bool,
    /// Search over the rows themselves where they have 4-bit codes
    #[arg(long)]
    no_codes: bool,
    /// The true neighbours as row numbers (.ibin or .ivecs), from `omendb truth`
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Pass all queries in one call
    #[arg(long)]
    batch: bool,
    /// Run all queries this often; the fastest round counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Write the hits to a file: row numbers as .ibin or .ivecs, ids and distances as .jsonl
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Search {
    pub(crate) fn run(self, global: &Global, output: &Output) -> Result<Outcome, Failure> {
        if let Some(recall) = self.recall
            && !(recall > 0.0 && recall <= 1.0)
        {
            return Err(Failure::Usage(format!("--recall: found {recall}, expected above 0 and at most 1")));
        }
        let with = Use { codes: !self.no_codes, ..Use::new(global, 1)? };
        let db = with.read(&self.db)?;
        let k = self.k as usize;
        let out = self.out.as_deref().map(|path| Out::new(path, &db, k)).transpose()?;
        let config = db.config();
        let queries = Queries::read(&self.queries, config.dim(), config.row_type())?;
        let expected = match &self.truth {
            Some(truth) => Some(Expected::read(truth, &db, queries.len(), k)?),
            None => None,
        };
        let plan = Plan { threads: with.threads, batch: self.batch, rounds: self.rounds as usize };
        let asked = Asked { search: &self, db: &db, queries: &queries, plan, expected: &expected };

        let (runs, outcome) = match self.recall {
            Some(goal) if expected.is_some() => asked.until(goal)?,
            _ => {
                let runs = self.widths(&db)?.into_iter().map(|width| asked.at(width)).collect::<Result<_, _>>()?;
                (runs, Outcome::Done)
            }
        };
        self.report(&db, &queries, &runs, output)?;
        if outcome == Outcome::Found
            && let Some(goal) = self.recall
        {
            let metric = db.config().metric();
            output.line(format_args!(
                "no width reaches recall {goal}; check that the truth is of these rows and the metric {metric}"
            ))?;
        }
        if let (Some(out), Some(last)) = (&out, runs.last()) {
            out.write(k, &last.run.hits)?;
            output.line(format_args!("hits written to {}", out.path().display()))?;
        }
        Ok(outcome)
    }

    /// The widths of the runs, `None` for a scan.
    fn widths(&self, db: &Db) -> Result<Vec<Option<usize>>, Failure> {
        if let Some(goal) = self.recall {
            let width = db.width_for(self.k as usize, goal).map_err(|error| Failure::about(&self.db, error))?;
            return Ok(vec![Some(width)]);
        }
        if self.exact {
            return Ok(vec![None]);
        }
        if self.width.is_empty() {
            return Ok(vec![Some(SearchOptions::DEFAULT_WIDTH.max(self.k as usize))]);
        }
        // The engine raises them to k too.
        Ok(self.width.iter().map(|&width| Some(width.max(self.k) as usize)).collect())
    }

    fn report(&self, db: &Db, queries: &Queries, runs: &[Measured], output: &Output) -> Result<(), Failure> {
        let stats = db.stats();
        let mut summary = format!(
            "{}, the {} nearest of {} × {} {} by {}, {}, {}",
            counted(queries.len(), "query", "queries"),
            grouped(self.k),
            counted(stats.count, "row", "rows"),
            stats.dim,
            stats.row_type,
            stats.metric,
            stats.isa,
            counted(stats.threads, "thread", "threads"),
        );
        if stats.buffered > 0 && !self.exact {
            summary +=
                &format!("\n{} in the buffer: each query scans them", counted(stats.buffered, "row is", "rows are"));
        }
        summary += &format!("\n{}", table(0, &HEADER, runs.iter().map(|one| one.run.cells(&one.label(), one.recall))));
        let mut object = json!({
            "k": self.k,
            "queries": queries.len(),
            "rows": stats.count,
            "dim": stats.dim,
            "exact": self.exact,
            "batch": self.batch,
            "threads": stats.threads,
            "isa": stats.isa.to_string(),
            "runs": runs.iter().map(|one| one.run.json(one.width, one.recall)).collect::<Vec<Value>>(),
        });
        if let (None, Some(last)) = (&self.truth, runs.last()) {
            object["hits"] = answers::json(&last.run.hits);
        }
        match runs.last() {
            Some(last) if self.truth.is_none() && self.out.is_none() => {
                let printed = if self.queries == Path::new(STDIN) { queries.len() } else { queries.len().min(PRINTED) };
                output.lines(answers::lines(&last.run.hits[..printed]))?;
                if queries.len() > printed {
                    let more = counted(queries.len() - printed, "more query", "more queries");
                    output.note(format_args!("… and {more}: --json or --out FILE has all hits"));
                }
                output.note(summary);
            }
            _ => output.line(summary)?,
        }
        output.json(&object)
    }
}

/// A run with its width and recall.
struct Measured {
    width: Option<usize>,
    recall: Option<f64>,
    run: Run,
}

impl Measured {
    fn label(&self) -> String {
        self.width.map_or_else(|| "exact".into(), |width| width.to_string())
    }
}

/// The queries and how they are run.
struct Asked<'a> {
    search: &'a Search,
    db: &'a Db,
    queries: &'a Queries,
    plan: Plan,
    expected: &'a Option<Expected>,
}

impl Asked<'_> {
    fn options(&self, width: Option<usize>) -> SearchOptions {
        let options = SearchOptions::new(self.search.k as usize).exact(self.search.exact);
        match width {
            Some(width) => options.width(width),
            None => options,
        }
    }

    fn refused(&self, error: SearchError) -> Failure {
        Failure::about(queries::name(&self.search.queries), error)
    }

    fn at(&self, width: Option<usize>) -> Result<Measured, Failure> {
        let run = self.plan.run(self.db, self.queries, &self.options(width)).map_err(|error| self.refused(error))?;
        let recall = self.expected.as_ref().map(|expected| expected.recall(&run.hits));
        Ok(Measured { width, recall, run })
    }

    /// Tries widths from k upwards, each a quarter larger, until one reaches the goal.
    fn until(&self, goal: f64) -> Result<(Vec<Measured>, Outcome), Failure> {
        let mut runs = Vec::new();
        let mut width = self.search.k as usize;
        loop {
            let run = self.at(Some(width))?;
            let reached = run.recall.is_some_and(|recall| recall >= goal);
            runs.push(run);
            if reached {
                return Ok((runs, Outcome::Done));
            }
            if self.looks_at_all(width)? {
                return Ok((runs, Outcome::Found));
            }
            width += width.div_ceil(4);
        }
    }

    /// Whether a search of this width is a scan, so that a wider one finds no more.
    fn looks_at_all(&self, width: usize) -> Result<bool, Failure> {
        let first = self.queries.search(self.db, 0, &self.options(Some(width)));
        first.map(|(_, stats)| stats.hops == 0).map_err(|error| self.refused(error))
    }
}
