//! `omendb compact`: frees the space of deleted and replaced rows.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use crate::database::{Use, close};
use crate::failure::{Failure, Outcome};
use crate::global::Global;
use crate::output::{Output, bytes, counted};
use crate::progress::Bar;

/// Rewrite a database without its deleted and replaced rows, to free their space
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  omendb compact notes.omen

While it runs it needs extra space for a copy of the remaining rows. If it fails or is killed, the
database does not change.")]
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
            "{}: {}; removed {}, {} on disk, {} before",
            self.db.display(),
            counted(after.count, "row", "rows"),
            counted(before.slots.saturating_sub(after.slots), "deleted or replaced row", "deleted or replaced rows"),
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
