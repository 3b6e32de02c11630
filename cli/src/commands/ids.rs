//! `omendb ids`: prints the ids of all rows.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::database::Use;
use crate::failure::{Failure, Outcome};
use crate::global::Global;
use crate::input::json_id;
use crate::output::Output;

/// Print the ids of all rows, one per line, in insertion order
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  omendb ids notes.omen > ids.txt")]
pub(crate) struct ListIds {
    /// The database
    db: PathBuf,
}

impl ListIds {
    pub(crate) fn run(self, global: &Global, output: &Output) -> Result<Outcome, Failure> {
        let db = Use::new(global, 1)?.read(&self.db)?;
        output.lines(db.ids())?;
        if global.json {
            let ids: Vec<Value> = db.ids().map(|id| json_id(&id)).collect();
            output.json(&json!({ "count": ids.len(), "ids": ids }))?;
        }
        Ok(Outcome::Done)
    }
}
