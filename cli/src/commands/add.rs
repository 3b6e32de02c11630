//! `omendb add`: adds rows in one batch.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use omendb_engine::{Db, Id, IdKind};
use omendb_formats::Ids;
use serde_json::json;

use crate::database::{Use, close};
use crate::failure::{Failure, Outcome};
use crate::global::Global;
use crate::input::{Input, ids_of_kind, ids_ref};
use crate::output::{Output, counted, grouped};
use crate::progress::Bar;

/// Add the rows of a file to a database: all of them, or none if one is refused
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  omendb add notes.omen more.jsonl
  omendb add notes.omen more.fbin --ids more.txt --upsert

Without --ids, the ids are those of the file (.jsonl), or else the numbers after the highest id of
the database. Rows of another type are converted. f32, f16 and bf16 are rounded; u8 and i8 need
whole numbers in range.")]
pub(crate) struct Add {
    /// The database
    db: PathBuf,
    /// The rows: .fvecs .bvecs .fbin .f16bin .bf16bin .u8bin .i8bin .npy or .jsonl
    file: PathBuf,
    /// A .txt file with one id per line, one for each row
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,
    /// Replace rows whose ids exist, instead of refusing the file
    #[arg(long)]
    upsert: bool,
}

impl Add {
    pub(crate) fn run(self, global: &Global, output: &Output) -> Result<Outcome, Failure> {
        let with = Use::new(global, 0)?;
        let input = Input::open(&self.file, self.ids.as_deref())?;
        let bar = Bar::new(output);
        let db = with.write(&self.db, bar.listener())?;
        if input.dim() != db.config().dim() {
            return Err(Failure::about(
                input.path(),
                format_args!(
                    "found rows of dimension {}, expected {}, the dimension of the database",
                    input.dim(),
                    db.config().dim()
                ),
            ));
        }
        let (input, _) = input.stored_as(Some(db.config().row_type()))?;
        let ids = match input.ids() {
            Some(ids) => ids_of_kind(ids.clone(), db.config().id_kind(), &input.ids_path().display().to_string())?,
            None => next_numbers(&db, &input)?,
        };

        let start = Instant::now();
        let before = db.count();
        let added = if self.upsert {
            db.upsert_batch(ids_ref(&ids), input.rows())
        } else {
            db.add_batch(ids_ref(&ids), input.rows())
        };
        added.map_err(|error| input.refused(error))?;
        let count = db.count();
        let rows = counted(input.count(), "row", "rows");
        close(db, &bar, &self.db, format_args!("{rows} added"));
        let seconds = start.elapsed().as_secs_f64();

        let replaced = input.count() - (count - before);
        let replaced_text =
            if replaced > 0 { format!(", {} of them replaced", grouped(replaced as u64)) } else { String::new() };
        output.line(format_args!(
            "{rows} added{replaced_text}; {} holds {}",
            self.db.display(),
            counted(count, "row", "rows"),
        ))?;
        output.json(&json!({
            "added": input.count(),
            "replaced": replaced,
            "count": count,
            "seconds": seconds,
        }))?;
        Ok(Outcome::Done)
    }
}

/// The numbers after the highest id.
fn next_numbers(db: &Db, input: &Input) -> Result<Ids, Failure> {
    if db.config().id_kind() == IdKind::Text {
        return Err(Failure::about(
            input.path(),
            "found no ids, expected one for each row, because the database has string ids: give them with --ids \
             FILE.txt",
        ));
    }
    let highest = db.ids().filter_map(|id| if let Id::U64(id) = id { Some(id) } else { None }).max();
    let first = highest.map_or(Some(0), |id| id.checked_add(1));
    match first.and_then(|first| Some(first..first.checked_add(input.count() as u64)?)) {
        Some(numbers) => Ok(Ids::U64(numbers.collect())),
        None => Err(Failure::about(
            input.path(),
            "no numbers are left after the highest id of the database: give ids with --ids FILE.txt",
        )),
    }
}
