//! Everything that can be checked, is.

use std::fmt;

use crate::Db;
use crate::db::{Core, install};
use crate::input::values;
use crate::state::snapshot::Snapshot;

/// What [`Db::verify`] found wrong; nothing, if all is well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// One sentence each, with the file or the row.
    pub problems: Vec<String>,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            0 => f.write_str("no problem found"),
            _ => f.write_str(&self.problems.join("\n")),
        }
    }
}

impl Db {
    /// Reads every file and every row, compares checksums, and walks the whole graph.
    pub fn verify(&self) -> VerifyReport {
        let core = &self.core;
        let mut problems: Vec<String> = core.storage.verify().iter().map(ToString::to_string).collect();
        if core.options.use_.listener.is_calling() {
            problems.push("the graph was not checked: a progress listener asks, for which it may be waiting".into());
        } else {
            // A forked process has a copy of the lock that nobody may let go of, and nobody to end a link that is half done.
            let is_forked = core.pool.is_of_parent();
            let _turn = (!is_forked).then(|| core.linker.turn.lock());
            if is_forked {
                install(&core.link_pool, || core.snapshot.load().graph.withdraw());
            }
            // Small batches leave the look at the whole graph to the closing, or to this.
            let snapshot = core.repaired();
            problems.extend(snapshot.graph.check().iter().map(|defect| format!("graph: {defect}")));
            problems.extend(core.wrong_norms(&snapshot));
        }
        core.indexed(|index, present| {
            let view = &present.view;
            let alive: Vec<u32> = view.living().collect();
            if alive.len() != view.live() as usize {
                problems.push(format!("ids: {} rows are alive, {} are counted", alive.len(), view.live()));
            }
            for slot in alive {
                if index.find(view, view.id(slot)) != Some(slot) {
                    problems.push(format!("ids: the id {} of row {slot} is that of another row too", view.id(slot)));
                }
            }
        });
        VerifyReport { problems }
    }
}

impl Core {
    /// Rows that are not finite, and, under cosine, whose length is not the one kept for them.
    fn wrong_norms(&self, snapshot: &Snapshot) -> Vec<String> {
        let (mut row, mut infinite, mut other) = (Vec::new(), Vec::new(), Vec::new());
        for slot in snapshot.view.living() {
            row.clear();
            values::read(self.options.row_type, snapshot.view.row(slot), &mut row);
            let squared = values::squared_length(&row);
            if !squared.is_finite() {
                infinite.push(slot);
            } else if snapshot.norms.len() > 0 && snapshot.norms.inverse(slot) != values::inverse_norm(squared) {
                other.push(slot);
            }
        }
        let told =
            [(infinite, "rows: values that are not finite"), (other, "norms: a length is kept that is not the row's")];
        told.into_iter().filter(|(rows, _)| !rows.is_empty()).map(|(rows, what)| grouped(what, &rows)).collect()
    }
}

/// One sentence for many rows.
fn grouped(what: &str, rows: &[u32]) -> String {
    const NAMED: usize = 8;
    let named: Vec<String> = rows.iter().take(NAMED).map(u32::to_string).collect();
    let more = if rows.len() > NAMED { ", …" } else { "" };
    format!("{what}, in {} of the rows: {}{more}", rows.len(), named.join(", "))
}
