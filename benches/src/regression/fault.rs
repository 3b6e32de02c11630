//! Whether a run works at all.

use super::case::{Figures, Measured, Outcome};

/// A query gives back what it took. A table that grows once for all queries is not a leak.
const LEAKED_BYTES: f64 = 1.0;

/// What is wrong whatever the baseline says: it does not work, or leaks.
pub(crate) fn fault(Outcome { case, result, .. }: &Outcome) -> Option<String> {
    match result {
        Measured::Broken(why) => Some(format!("{case}: broken: {why}")),
        Measured::Figures(Figures { leaked, .. }) if *leaked > LEAKED_BYTES => {
            Some(format!("{case}: leaks: {leaked:.0} bytes per query"))
        }
        Measured::Figures(_) => None,
    }
}
