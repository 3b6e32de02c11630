//! Every row can be reached from the entry points: found where it is not so, and mended.
//!
//! Pruning may drop the last edge into a row. Such a row is given one from a reachable row near to
//! it that has a place free; where none has, the row becomes an entry point itself.

use crate::{Graph, Scratch, Space};

/// Rows looked at, from near to far, for one with a free place.
const WIDTH: usize = 64;

/// Which rows can be reached from the entry points.
pub(crate) struct Reached {
    seen: Vec<bool>,
    stack: Vec<u32>,
}

impl Reached {
    pub(crate) fn of(graph: &Graph) -> Self {
        let mut reached = Reached { seen: vec![false; graph.rows() as usize], stack: Vec::new() };
        for &entry in &graph.entries {
            reached.walk(graph, entry);
        }
        reached
    }

    fn walk(&mut self, graph: &Graph, from: u32) {
        self.visit(from);
        while let Some(slot) = self.stack.pop() {
            for next in graph.csr.neighbours(slot) {
                self.visit(next);
            }
        }
    }

    fn visit(&mut self, slot: u32) {
        if let Some(seen) = self.seen.get_mut(slot as usize)
            && !*seen
        {
            *seen = true;
            self.stack.push(slot);
        }
    }

    /// The rows that cannot be reached, in the order of their slots.
    pub(crate) fn missing(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..).zip(&self.seen).filter(|(_, seen)| !**seen).map(|(slot, _)| slot)
    }
}

/// Makes every row reachable; returns how many were not.
pub(crate) fn repair<S: Space>(graph: &mut Graph, space: &S, scratch: &mut Scratch) -> u64 {
    let mut reached = Reached::of(graph);
    let missing: Vec<u32> = reached.missing().collect();
    let mut probe = space.probe();
    let mut repaired = 0;
    for slot in missing {
        if reached.seen[slot as usize] {
            continue; // through a row mended before it
        }
        repaired += 1;
        space.load(slot, &mut probe);
        graph.search(space, &probe, WIDTH, scratch);
        let linked = scratch.nearest().any(|near| graph.csr.append(near.slot, slot));
        if !linked {
            graph.entries.push(slot);
        }
        reached.walk(graph, slot);
    }
    repaired
}
