//! Checks the invariants of a graph.

use std::fmt;

use crate::Graph;
use crate::level::Level;
use crate::upkeep::reachability::Reached;

/// A violated invariant of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// An edge leads to a row that the graph does not have.
    OutOfRange {
        /// The row with the edge.
        slot: u32,
        /// Where the edge leads.
        target: u32,
    },
    /// A row links to itself.
    SelfLoop {
        /// The row.
        slot: u32,
    },
    /// A list has the same neighbour twice.
    Duplicate {
        /// The row with the edges.
        slot: u32,
        /// Where both lead.
        target: u32,
    },
    /// An edge starts at or leads to a row that is not a vertex: a copy or a removed row.
    Absent {
        /// The row with the edge.
        slot: u32,
        /// Where the edge leads.
        target: u32,
    },
    /// An entry point is not a row of the graph.
    Entry {
        /// The entry point.
        entry: u32,
    },
    /// A row cannot be reached from the entry points.
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
                write!(f, "row {slot} links to {target}; one of them is a copy or removed")
            }
            Defect::Entry { entry } => write!(f, "entry point {entry} is not a row of the graph"),
            Defect::Unreachable { slot } => write!(f, "row {slot} cannot be reached from the entry points"),
        }
    }
}

impl Graph {
    /// Checks every edge and every row. Returns all defects, unreachable rows last.
    ///
    /// The degree bound always holds: a list has R places.
    pub fn check(&self) -> Vec<Defect> {
        let mut defects = check(&self.base, &self.reached(0));
        let absent = |slot: u32| slot < self.rows() && !self.is_vertex(slot);
        for slot in 0..self.rows() {
            let wrong = self.base.neighbours(slot).filter(|&target| absent(target) || absent(slot));
            defects.extend(wrong.map(|target| Defect::Absent { slot, target }));
        }
        for (number, upper) in self.upper.iter().enumerate() {
            let slot = |row: u32| upper.slots.get(row as usize).copied().unwrap_or(u32::MAX);
            let found = check(&upper.level, &self.reached(number + 1));
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
    /// The same defect, with rows renumbered.
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
