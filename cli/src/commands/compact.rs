//! `omendb compact`: the space of deleted and replaced rows back.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use crate::args::Global;
use crate::database::{Use, close};
use crate::failure::{Failure, Outcome};
use crate::output::{Output, bytes, counted, grouped};
use crate::progress::Bar;

/// Rewrite a database without its deleted and replaced rows, which take space until then
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  omendb compact notes.omen

Until it is done it takes as much more space as the rows that stay. If it fails or is killed, the
database is as it was.")]
pub(crate) struct Compact {
    /// The database
    db: PathBuf,
}

impl Compact {
    pub(crate) fn run(self, global: &Global, output: &Output) -> Result<Outcome, Failure> {
        let bar = Bar::new(output);
        let db = Use::new(global, 0)?.write(&self.db, bar.listener())?;
        let before = db.stats();
        let start = Instant::now();
        db.compact()?;
        let seconds = start.elapsed().as_secs_f64();
        let after = db.stats();
        close(db, &bar, &self.db, "the database compacted");

        output.line(format_args!(
            "{}: {}; {} places of deleted and replaced rows given back, {} on disk instead of {}",
            self.db.display(),
            counted(after.count, "row", "rows"),
            grouped(before.slots.saturating_sub(after.slots) as u64),
            bytes(after.disk_bytes()),
            bytes(before.disk_bytes()),
        ))?;
        output.json(&json!({
            "count": after.count,
            "slots_before": before.slots,
            "slots_after": after.slots,
            "disk_bytes_before": before.disk_bytes(),
            "disk_bytes_after": after.disk_bytes(),
            "seconds": seconds,
        }))?;
        Ok(Outcome::Done)
    }
}
