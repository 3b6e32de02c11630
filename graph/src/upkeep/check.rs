//! What a graph promises, looked at edge by edge.

use std::fmt;

use crate::Graph;
use crate::level::Level;
use crate::upkeep::reachability::Reached;

/// A promise that a graph breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// A neighbour that is not a row of the graph.
    OutOfRange {
        /// The row with the edge.
        slot: u32,
        /// Where the edge leads.
        target: u32,
    },
    /// A row that is its own neighbour.
    SelfLoop {
        /// The row.
        slot: u32,
    },
    /// The same neighbour twice in one list.
    Duplicate {
        /// The row with the edges.
        slot: u32,
        /// Where both lead.
        target: u32,
    },
    /// An edge from or to a row that is no vertex: a copy of another row, or one that was taken out.
    Absent {
        /// The row with the edge.
        slot: u32,
        /// Where the edge leads.
        target: u32,
    },
    /// An entry point that is not a row of the graph.
    Entry {
        /// The entry point.
        entry: u32,
    },
    /// A row that no path from the entry points leads to.
    Unreachable {
        /// The row.
        slot: u32,
    },
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Defect::OutOfRange { slot, target } => {
                write!(f, "row {slot} links to {target}, which is not a row of the graph")
            }
            Defect::SelfLoop { slot } => write!(f, "row {slot} links to itself"),
            Defect::Duplicate { slot, target } => write!(f, "row {slot} links to {target} twice"),
            Defect::Absent { slot, target } => {
                write!(f, "row {slot} links to {target}, and one of them is a copy or was taken out")
            }
            Defect::Entry { entry } => write!(f, "the entry point {entry} is not a row of the graph"),
            Defect::Unreachable { slot } => write!(f, "row {slot} cannot be reached from the entry points"),
        }
    }
}

impl Graph {
    /// Looks at every edge and every row, and returns what is wrong, unreachable rows last.
    ///
    /// The degree bound cannot be broken: a list has R places.
    pub fn check(&self) -> Vec<Defect> {
        let mut defects = check(&self.base, &self.reached(0));
        let absent = |slot: u32| slot < self.rows() && !self.is_vertex(slot);
        for slot in 0..self.rows() {
            let wrong = self.base.neighbours(slot).filter(|&target| absent(target) || absent(slot));
            defects.extend(wrong.map(|target| Defect::Absent { slot, target }));
        }
        for (number, above) in self.above.iter().enumerate() {
            let slot = |row: u32| above.slots.get(row as usize).copied().unwrap_or(u32::MAX);
            let found = check(&above.level, &self.reached(number + 1));
            defects.extend(found.into_iter().map(|defect| defect.renumbered(slot)));
        }
        defects
    }
}

fn check(level: &Level, reached: &Reached) -> Vec<Defect> {
    let rows = level.csr.rows();
    let mut defects = Vec::new();
    let mut list = Vec::with_capacity(level.csr.degree());
    for slot in 0..rows {
        list.clear();
        list.extend(level.csr.neighbours(slot));
        list.sort_unstable();
        for pair in list.windows(2).filter(|pair| pair[0] == pair[1]) {
            defects.push(Defect::Duplicate { slot, target: pair[0] });
        }
        for &target in &list {
            if target >= rows {
                defects.push(Defect::OutOfRange { slot, target });
            } else if target == slot {
                defects.push(Defect::SelfLoop { slot });
            }
        }
    }
    let wrong = level.entries.iter().filter(|&&entry| entry >= rows);
    defects.extend(wrong.map(|&entry| Defect::Entry { entry }));
    defects.extend(reached.missing().map(|slot| Defect::Unreachable { slot }));
    defects
}

impl Defect {
    /// The same, of rows that have other numbers.
    fn renumbered(self, slot: impl Fn(u32) -> u32) -> Self {
        match self {
            Defect::OutOfRange { slot: row, target } => Defect::OutOfRange { slot: slot(row), target },
            Defect::SelfLoop { slot: row } => Defect::SelfLoop { slot: slot(row) },
            Defect::Duplicate { slot: row, target } => Defect::Duplicate { slot: slot(row), target: slot(target) },
            Defect::Absent { slot: row, target } => Defect::Absent { slot: slot(row), target: slot(target) },
            Defect::Entry { entry } => Defect::Entry { entry },
            Defect::Unreachable { slot: row } => Defect::Unreachable { slot: slot(row) },
        }
    }
}
