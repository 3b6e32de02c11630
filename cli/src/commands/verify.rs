//! `omendb verify`: reads everything and says what is wrong.

use std::path::PathBuf;

use clap::Args;
use omendb_engine::{OpenError, StorageError};
use serde_json::json;

use crate::args::Global;
use crate::database::Use;
use crate::failure::{Failure, Outcome};
use crate::output::{Output, counted};

/// Read every row and file of a database and check them; exit code 1 if something is wrong
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  omendb verify notes.omen")]
pub(crate) struct Verify {
    /// The database
    db: PathBuf,
}

impl Verify {
    pub(crate) fn run(self, global: &Global, output: &Output) -> Result<Outcome, Failure> {
        let (count, problems) = match Use::new(global, 0)?.try_read(&self.db) {
            Ok(db) => (Some(db.count()), db.verify().problems),
            // Too damaged to open is what was asked about; no database at all is not.
            Err(error @ (OpenError::Storage(StorageError::Corrupt { .. }) | OpenError::Description { .. })) => {
                (None, vec![error.to_string()])
            }
            Err(error) => return Err(Failure::open(&self.db, error)),
        };
        let ok = problems.is_empty();
        if let (true, Some(count)) = (ok, count) {
            output.line(format_args!("{}: {}, no problem found", self.db.display(), counted(count, "row", "rows")))?;
        }
        output.lines(&problems)?;
        if !ok {
            output.line("`omendb repair DB NEW` saves the rows that are whole")?;
        }
        output.json(&json!({ "ok": ok, "count": count, "problems": problems }))?;
        Ok(if ok { Outcome::Done } else { Outcome::Found })
    }
}
