//! `omendb delete`: deletes rows by id, in one batch.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{ArgGroup, Args};
use omendb_engine::Id;
use omendb_formats::{Ids, read_ids};
use serde_json::json;

use crate::database::{Use, close};
use crate::failure::{Failure, Outcome};
use crate::global::Global;
use crate::input::ids_of_kind;
use crate::output::{Output, counted};
use crate::progress::Bar;

/// Delete rows by their ids, in one batch; missing ids are counted
#[derive(Debug, Args)]
#[command(
    override_usage = "omendb delete <DB> <ID>...\n       omendb delete <DB> --ids <FILE>",
    group = ArgGroup::new("which").args(["id", "ids"]).required(true),
    after_help = "\
Examples:
  omendb delete notes.omen 17 42
  omendb delete notes.omen --ids old.txt"
)]
pub(crate) struct Delete {
    /// The database
    db: PathBuf,
    /// The ids
    #[arg(value_name = "ID")]
    id: Vec<String>,
    /// A .txt file with one id per line
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,
}

impl Delete {
    pub(crate) fn run(self, global: &Global, output: &Output) -> Result<Outcome, Failure> {
        let with = Use::new(global, 0)?;
        let (ids, from) = match &self.ids {
            Some(file) => (read_ids(file)?, file.display().to_string()),
            None => (Ids::Text(self.id), "the command line".into()),
        };
        let bar = Bar::new(output);
        let db = with.write(&self.db, bar.listener())?;
        // An id that occurs twice counts once.
        let ids: BTreeSet<Id> = match ids_of_kind(ids, db.config().id_kind(), &from)? {
            Ids::U64(numbers) => numbers.into_iter().map(Id::from).collect(),
            Ids::Text(texts) => texts.into_iter().map(Id::from).collect(),
        };
        let asked = ids.len();
        let deleted = db.delete_batch(&ids).map_err(|error| Failure::batch(&self.db, error))?;
        let count = db.count();
        let rows = counted(deleted, "row", "rows");
        close(db, &bar, &self.db, format_args!("{rows} deleted"));

        let missing = asked - deleted;
        let missing_text =
            if missing > 0 { format!(" ({} not found)", counted(missing, "id", "ids")) } else { String::new() };
        output.line(format_args!(
            "{rows} deleted{missing_text}; {} holds {}",
            self.db.display(),
            counted(count, "row", "rows"),
        ))?;
        output.json(&json!({ "deleted": deleted, "missing": missing, "count": count }))?;
        Ok(Outcome::Done)
    }
}
