//! Everything that can be checked, is.

use std::fmt;

use crate::Db;

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
        // No link runs meanwhile: small batches leave reachability to the checkpoint, so that is
        // asked only of a graph that a checkpoint wrote.
        let linking = core.linker.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut problems: Vec<String> = core.storage.verify().iter().map(ToString::to_string).collect();
        let snapshot = core.snapshot.load_full();
        problems.extend(snapshot.graph.check().iter().map(|defect| format!("graph: {defect}")));
        drop(linking);
        core.indexed(|index, present| {
            let view = &present.view;
            let alive: Vec<u32> = (0..view.slots()).filter(|&slot| !view.is_dead(slot)).collect();
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
