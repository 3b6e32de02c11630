//! The outcome of a cell, and whether it is as expected. Each cell is judged by itself, because a mean hides the one that
//! fails.

use super::cell::Cell;
use super::history::History;
use super::peers;
use super::question::{AtWidth, Figures, WIDTH};
use super::ways::Then;
use omendb_engine::ElementKind;

/// What came of a cell.
pub struct Outcome {
    /// Which one.
    pub cell: Cell,
    pub(super) size: [usize; 2],
    pub(super) element: ElementKind,
    pub(super) k: usize,
    pub(super) result: Result<Figures, String>,
    /// What a database without a history finds of the same living rows.
    pub(super) fresh: Option<Figures>,
    /// What hnswlib and Faiss find of the same living rows.
    pub(super) peers: Option<peers::Found>,
}

/// How many times the distances of a fresh graph a history may cost, where it has a limit.
const DEARER: f64 = 2.0;
/// How much less than in a fresh database may be found in a compacted one; and so many standard errors of the difference, for
/// two graphs of the same rows differ by chance too.
const COMPACTED: f64 = 0.005;
const BY_CHANCE: f64 = 2.0;

/// How much less may be found at a larger width, which is a way of its own only by chance.
const WIDER: f64 = 0.005;
/// How many queries more may find none of their k at a smaller width: 2 in 100.
const NARROWER: usize = 4;

impl Outcome {
    /// What is wrong with it, in words.
    pub fn defects(&self) -> Vec<String> {
        let now = match &self.result {
            Ok(figures) => figures,
            Err(why) => return vec![format!("broken: {why}")],
        };
        let way = &self.cell.way;
        let mut defects = Vec::new();
        if now.recall < self.cell.asked.floor {
            defects.push(format!("recall {:.4}; expected at least {:.3}", now.recall, self.cell.asked.floor));
        }
        if now.none > self.cell.asked.none && self.k > 1 {
            defects.push(format!("{} queries find none of their {}", now.none, self.k));
        }
        for other in &now.others {
            let AtWidth { width, recall, none } = *other;
            let allowed = self.cell.asked.none + if width < WIDTH { NARROWER } else { 0 };
            if none > allowed && self.k > 1 {
                defects.push(format!("at width {width}, {none} queries find none of their {}", self.k));
            }
            if width > WIDTH && recall < now.recall - WIDER {
                defects.push(format!("recall {recall:.4} at width {width}; {:.4} at width {WIDTH}", now.recall));
            }
        }
        let Some(fresh) = &self.fresh else { return defects };
        let limited = matches!(way.history, History::Hot | History::Most);
        if limited && now.distances > DEARER * fresh.distances {
            defects.push(format!("{:.0} distances per query; {:.0} in a fresh graph", now.distances, fresh.distances));
        }
        let (more, error) = now.more_than(fresh, self.k);
        if way.then == Then::Compacted && more < -COMPACTED - BY_CHANCE * error {
            defects.push(format!("recall {:.4} compacted; {:.4} in a fresh graph", now.recall, fresh.recall));
        }
        defects
    }
}
