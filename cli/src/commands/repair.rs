//! `omendb repair`: copies the intact rows of a damaged database into a new one.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use omendb_engine::{Db, OpenError, RepairError};
use serde_json::json;

use crate::database::Use;
use crate::failure::{Failure, Outcome};
use crate::global::Global;
use crate::output::{Output, counted};
use crate::place::{Place, is_taken};
use crate::progress::Bar;

/// The most losses to print.
const SHOWN: usize = 20;

/// Copy every intact row of a damaged database into a new one; exit code 1 if something is lost
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  omendb repair damaged.omen saved.omen

The damaged database is only read, and no process may write to it meanwhile. The new database has
the same backend and a new graph, and appears when it is complete. If a delete or a replacement is
lost, the old row is copied. --json lists every loss.

Exit code 0 if nothing is lost, 1 if something is lost, 3 if the database cannot be read at all.")]
pub(crate) struct Repair {
    /// The damaged database
    db: PathBuf,
    /// The database to make (a folder)
    out: PathBuf,
}

impl Repair {
    pub(crate) fn run(self, global: &Global, output: &Output) -> Result<Outcome, Failure> {
        let with = Use::new(global, 0)?;
        if is_taken(&self.out) {
            return Err(Failure::about(&self.out, "the path exists: give another"));
        }
        let place = Place::free(&self.out)?;
        let bar = Bar::new(output);
        let options = with.open_options().progress(bar.listener());

        let start = Instant::now();
        let repaired =
            Db::repair(&self.db, place.draft(), options).map_err(|error| place.renamed(self.failure(error)))?;
        let count = repaired.db.count();
        repaired.db.close().map_err(|error| place.renamed(error.into()))?;
        let seconds = start.elapsed().as_secs_f64();
        bar.clear();
        place.publish()?;

        let lost: Vec<String> = repaired.lost.iter().map(ToString::to_string).collect();
        output.lines(lost.iter().take(SHOWN))?;
        if lost.len() > SHOWN {
            output.line(format_args!("… and {}", counted(lost.len() - SHOWN, "more loss", "more losses")))?;
        }
        let summary = match lost.len() {
            0 => "nothing is lost".into(),
            losses => format!("{} above", counted(losses, "loss is listed", "losses are listed")),
        };
        output.line(format_args!("{} saved in {}; {summary}", counted(count, "row", "rows"), self.out.display()))?;
        output.json(&json!({ "count": count, "lost": lost, "seconds": seconds }))?;
        Ok(if lost.is_empty() { Outcome::Done } else { Outcome::Found })
    }

    fn failure(&self, error: RepairError) -> Failure {
        match error {
            // `Failure::open` would suggest a repair.
            RepairError::Open(OpenError::Storage(error)) => error.into(),
            RepairError::Open(error) => Failure::open(&self.db, error),
            RepairError::Batch(error) => Failure::batch(&self.db, error),
            RepairError::Storage(error) => error.into(),
            error => Failure::about(&self.db, error),
        }
    }
}
