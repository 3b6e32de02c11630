//! Checks everything that can be checked.

use std::fmt;

use crate::Db;
use crate::db::{Core, install};
use crate::input::values;
use crate::state::snapshot::Snapshot;
use crate::upkeep::problem::Problem;

/// What [`Db::verify`] found wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Empty if nothing is wrong.
    pub problems: Vec<Problem>,
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
            _ => {
                let lines: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

impl Db {
    /// Reads every file and every row, compares checksums, and walks the whole graph.
    pub fn verify(&self) -> VerifyReport {
        let core = &self.core;
        let mut problems: Vec<Problem> = core.storage.verify().into_iter().map(Problem::of_file).collect();
        if core.options.use_.listener.is_calling() {
            let what = "it was not checked, as a progress listener asks, for which it may be waiting".into();
            problems.push(Problem::Graph { what });
        } else {
            // A forked process has a copy of the lock that nobody may let go of, and nobody to end a link that is half done.
            let is_forked = core.pool.is_of_parent();
            let _turn = (!is_forked).then(|| core.linker.turn.lock());
            if is_forked {
                install(&core.link_pool, || core.snapshot.load().graph.withdraw());
            }
            // Small batches leave the look at the whole graph to the closing, or to this.
            let snapshot = core.repaired();
            let defects = snapshot.graph.check();
            problems.extend(defects.iter().map(|defect| Problem::Graph { what: defect.to_string() }));
            problems.extend(core.wrong_norms(&snapshot));
        }
        core.indexed(|index, present| {
            let view = &present.view;
            let alive: Vec<u32> = view.living().collect();
            if alive.len() != view.live() as usize {
                let what = format!("{} rows are alive, {} are counted", alive.len(), view.live());
                problems.push(Problem::Ids { what });
            }
            for slot in alive {
                if index.find(view, view.id(slot)) != Some(slot) {
                    let what = format!("the id {} of row {slot} is that of another row too", view.id(slot));
                    problems.push(Problem::Ids { what });
                }
            }
        });
        VerifyReport { problems }
    }
}

impl Core {
    /// Rows that are not finite, and, under cosine, whose norm is not the one kept for them.
    fn wrong_norms(&self, snapshot: &Snapshot) -> Vec<Problem> {
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
        let found =
            [(infinite, "rows with values that are not finite"), (other, "rows with another norm than the one kept")];
        let found = found.into_iter().filter(|(slots, _)| !slots.is_empty());
        found.map(|(slots, what)| Problem::Rows { what: what.into(), slots }).collect()
    }
}
