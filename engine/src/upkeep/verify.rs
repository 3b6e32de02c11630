//! Checks everything that can be checked.

use std::fmt;

use crate::Db;
use crate::db::{Core, install};
use crate::input::values;
use crate::state::derived::Column;
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
        if core.use_.listener.is_calling() {
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
            problems.extend(core.wrong_rows(&snapshot));
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
    /// Rows that are not finite, and rows with other derived values than those kept for them.
    fn wrong_rows(&self, snapshot: &Snapshot) -> Vec<Problem> {
        let view = &snapshot.view;
        let mut row = Vec::new();
        let is_infinite = |slot: &u32| {
            row.clear();
            values::read(self.config.row_type, view.row(*slot), &mut row);
            !values::squared_length(&row).is_finite()
        };
        let infinite = view.living().filter(is_infinite).collect();
        let infinite = ("rows with values that are not finite".to_string(), infinite);
        let wrong =
            |column: &dyn Column| (format!("rows with other {} than those kept", column.name()), column.wrong(view));
        let codes = snapshot.codes().map(|codes| codes.wrong(snapshot.code_source(&self.config, self.measure.isa())));
        let codes = codes.map(|slots| ("rows with other codes than those kept".to_string(), slots));
        let found = std::iter::once(infinite).chain(codes).chain(snapshot.columns.iter().map(wrong));
        let found = found.filter(|(_, slots): &(String, Vec<u32>)| !slots.is_empty());
        found.map(|(what, slots)| Problem::Rows { what, slots }).collect()
    }
}
