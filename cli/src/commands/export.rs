//! `omendb export`: writes all rows to a file.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use omendb_engine::Id;
use omendb_formats::{FileKind, NumberKind, VectorWriter, write_ids};
use serde_json::json;

use crate::database::Use;
use crate::failure::{Failure, Outcome};
use crate::global::Global;
use crate::input::{number_kind, row_id};
use crate::output::{Output, counted};
use crate::progress::Bar;

/// Write all rows to a file, in insertion order
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  omendb export notes.omen notes.jsonl
  omendb export notes.omen notes.npy --ids notes.txt

A .jsonl file holds ids and rows, and `omendb build` restores both. Other files hold rows only;
--ids writes the ids to a second file. An existing file is replaced.")]
pub(crate) struct Export {
    /// The database
    db: PathBuf,
    /// The file to write: .jsonl, or .fvecs .bvecs .fbin .f16bin .bf16bin .u8bin .i8bin .npy
    file: PathBuf,
    /// A .txt file to write the ids to, one per line
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,
}

impl Export {
    pub(crate) fn run(self, global: &Global, output: &Output) -> Result<Outcome, Failure> {
        let db = Use::new(global, 1)?.read(&self.db)?;
        let start = Instant::now();
        let stored = number_kind(db.config().row_type());
        let kinds = FileKind::among(&self.file, FileKind::ROWS)?.numbers();
        // The stored type if the file can hold it, or else the file's type.
        let kind = match kinds {
            kinds if kinds.contains(&stored) => stored,
            [only] => *only,
            _ => NumberKind::F32,
        };
        let mut out = VectorWriter::create(&self.file, db.config().dim(), kind)?;
        let bar = Bar::new(output);
        let count = db.count();
        let mut done = 0;
        db.for_each_row(|id, row| {
            if done % 1000 == 0 {
                bar.count("writing", done, count);
            }
            done += 1;
            out.push(Some(row_id(&Id::from(id))), row)
        })?;
        if let Some(file) = &self.ids {
            let ids: Vec<Id> = db.ids().collect();
            write_ids(file, ids.iter().map(row_id))?;
        }
        let rows = out.finish()?;
        bar.clear();
        let seconds = start.elapsed().as_secs_f64();

        output.line(format_args!("{} written to {}", counted(rows, "row", "rows"), self.file.display()))?;
        output.json(&json!({
            "count": rows,
            "dim": db.config().dim(),
            "type": kind.to_string(),
            "file": self.file.display().to_string(),
            "seconds": seconds,
        }))?;
        Ok(Outcome::Done)
    }
}
