//! `omendb verify`: reads everything and reports problems.

use std::path::PathBuf;

use clap::Args;
use omendb_engine::{OpenError, SearchOptions, StorageError};
use serde_json::json;

use crate::database::Use;
use crate::failure::{Failure, Outcome};
use crate::global::Global;
use crate::output::{Output, counted, rounded};

/// Read and check all files and rows of a database; exit code 1 if there is a problem
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  omendb verify notes.omen\n  omendb verify notes.omen --recall 200")]
pub(crate) struct Verify {
    /// The database
    db: PathBuf,
    /// Also measure the recall with this many rows as queries, spread over the database [default: 100]
    #[arg(long, value_name = "ROWS", num_args = 0..=1, default_missing_value = "100")]
    recall: Option<u32>,
}

/// The k of the recall.
const K: usize = 10;

impl Verify {
    pub(crate) fn run(self, global: &Global, output: &Output) -> Result<Outcome, Failure> {
        let mut recall = None;
        let with = Use { codes: true, ..Use::new(global, 0)? };
        let (count, problems) = match with.try_read(&self.db) {
            Ok(db) => {
                if let Some(rows) = self.recall {
                    let estimate = db.estimate_recall(rows as usize, &SearchOptions::new(K));
                    recall = Some(estimate.map_err(|error| Failure::about(&self.db, error))?);
                }
                (Some(db.count()), db.verify().problems.iter().map(ToString::to_string).collect())
            }
            // A database too damaged to open is a result; a missing database is an error.
            Err(error @ (OpenError::Storage(StorageError::Corrupt { .. }) | OpenError::Description { .. })) => {
                (None, vec![error.to_string()])
            }
            Err(error) => return Err(Failure::open(&self.db, error)),
        };
        let ok = problems.is_empty();
        if let (true, Some(count)) = (ok, count) {
            output.line(format_args!("{}: {}, no problems found", self.db.display(), counted(count, "row", "rows")))?;
        }
        if let Some(found) = &recall {
            output.line(format_args!(
                "recall@{K} at width {}: {:.4} over {}, {} distances per query; {} found none of {K}",
                SearchOptions::DEFAULT_WIDTH,
                found.recall,
                counted(found.asked, "row as a query", "rows as queries"),
                rounded(found.distances),
                counted(found.none_found, "query", "queries"),
            ))?;
        }
        output.lines(&problems)?;
        if !ok {
            output.line("`omendb repair DB NEW` copies the intact rows")?;
        }
        let recall = recall.map(|found| {
            json!({
                "asked": found.asked, "k": K, "width": SearchOptions::DEFAULT_WIDTH, "recall": found.recall,
                "none_found": found.none_found, "mean_distances": found.distances,
            })
        });
        output.json(&json!({ "ok": ok, "count": count, "problems": problems, "recall": recall }))?;
        Ok(if ok { Outcome::Done } else { Outcome::Found })
    }
}
