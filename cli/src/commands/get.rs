//! `omendb get`: prints a row by its id.

use std::path::PathBuf;

use clap::Args;
use omendb_engine::Id;
use omendb_formats::Ids;
use serde_json::json;

use crate::database::Use;
use crate::failure::{Failure, Outcome};
use crate::global::Global;
use crate::input::{ids_of_kind, json_id};
use crate::output::Output;

/// Print the row with an id, as it is stored; exit code 1 if there is none
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  omendb get notes.omen 17")]
pub(crate) struct Get {
    /// The database
    db: PathBuf,
    /// The id of the row
    id: String,
}

impl Get {
    pub(crate) fn run(self, global: &Global, output: &Output) -> Result<Outcome, Failure> {
        let db = Use::new(global, 1)?.read(&self.db)?;
        let asked = Ids::Text(vec![self.id.clone()]);
        let id = match ids_of_kind(asked, db.config().id_kind(), "the command line")? {
            Ids::U64(numbers) => Id::from(numbers[0]),
            Ids::Text(_) => Id::from(self.id),
        };
        let row = db.get(&id);
        output.json(&json!({ "id": json_id(&id), "vector": row, "count": db.count() }))?;
        match row {
            Some(row) => {
                output.lines(row)?;
                Ok(Outcome::Done)
            }
            None => {
                output.line(format_args!("no row has the id {id}"))?;
                Ok(Outcome::Found)
            }
        }
    }
}
