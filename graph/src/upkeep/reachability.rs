//! Reachability repair: adds an edge to every vertex that no path from the entry points reaches.
//!
//! A prune may drop the last edge to a row. Such a row gets an edge from a near reachable row with a free place. If there
//! is none, the row becomes an entry point.

use std::collections::VecDeque;

use crate::absent::Absent;
use crate::graph::Sampled;
use crate::level::{Level, LevelRow};
use crate::{Graph, Scratch, Space};

/// The number of near rows that are tried for a free place.
const WIDTH: usize = 64;

/// The rows that can be reached from the entry points.
pub(crate) struct Reached {
    seen: Vec<bool>,
    stack: Vec<u32>,
}

impl Reached {
    /// Traverses a level from its entry points. Absent rows count as reached.
    pub(crate) fn of(level: &Level, absent: &Absent) -> Self {
        let mut reached = Reached { seen: vec![true; level.csr.rows() as usize], stack: Vec::new() };
        absent.vertices(0..level.csr.rows()).for_each(|slot| reached.seen[slot as usize] = false);
        for &entry in &level.entries {
            reached.traverse(level, entry);
        }
        reached
    }

    /// A guess that visits few rows. It takes all rows but `doubtful` as reached, and the doubtful ones with an edge from a
    /// reached row.
    fn guess(level: &Level, doubtful: &[u32]) -> Self {
        let mut reached = Reached { seen: vec![true; level.csr.rows() as usize], stack: Vec::new() };
        for &slot in doubtful {
            reached.seen[slot as usize] = false;
        }
        for &slot in doubtful {
            // An edge to a row mostly comes from one of its own neighbours.
            let leads_back = |near: u32| level.neighbours(near).any(|next| next == slot);
            if level.neighbours(slot).any(|near| reached.seen[near as usize] && leads_back(near)) {
                reached.traverse(level, slot);
            }
        }
        reached
    }

    fn traverse(&mut self, level: &Level, from: u32) {
        self.visit(from);
        while let Some(slot) = self.stack.pop() {
            for next in level.neighbours(slot) {
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

    /// The rows that cannot be reached, by slot.
    pub(crate) fn missing(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..).zip(&self.seen).filter(|(_, seen)| !**seen).map(|(slot, _)| slot)
    }
}

impl Graph {
    /// Adds an edge to every vertex that no path reaches, or makes it an entry point. Returns the number of such vertices.
    /// It traverses the whole graph.
    pub fn repair<S: Space>(&mut self, space: &S) -> u64 {
        (0..=self.upper.len()).map(|number| self.repair_level(number, space, self.reached(number))).sum()
    }

    /// The rows of a level that can be reached.
    pub(crate) fn reached(&self, number: usize) -> Reached {
        let all = Absent::default();
        Reached::of(self.level(number), if number == 0 { &self.absent } else { &all })
    }

    /// [`Graph::repair`] after a few rows were linked: those that `old` does not have. Only these and the `dropped` rows,
    /// which lost an edge, are checked. It takes a byte a row of the whole graph.
    pub(crate) fn repair_around<S: Space>(&mut self, space: &S, old: &Graph, dropped: &[LevelRow]) -> u64 {
        let mut repaired = 0;
        for number in 0..=self.upper.len() {
            let dropped = dropped.iter().filter(|(level, _)| *level == number).map(|(_, row)| *row);
            let mut doubtful: Vec<u32> = dropped.chain(old.level_rows(number)..self.level_rows(number)).collect();
            doubtful.retain(|&row| number > 0 || self.is_vertex(row));
            doubtful.sort_unstable();
            doubtful.dedup();
            repaired += self.repair_level(number, space, Reached::guess(self.level(number), &doubtful));
        }
        repaired
    }

    fn repair_level<S: Space>(&mut self, number: usize, space: &S, reached: Reached) -> u64 {
        let mut level = self.level(number).clone();
        let starts = |row: u32, scratch: &mut Scratch| self.starts(number, space, row, scratch);
        let repaired = match number.checked_sub(1) {
            None => make_reachable(&mut level, space, starts, reached),
            Some(upper) => make_reachable(&mut level, &Sampled::new(space, &self.upper[upper].slots), starts, reached),
        };
        self.level_mut(number).entries = level.entries;
        repaired
    }

    /// Where a search for `row` of a level starts.
    fn starts<S: Space>(&self, number: usize, space: &S, row: u32, scratch: &mut Scratch) -> Vec<u32> {
        let slot = number.checked_sub(1).map_or(row, |upper| self.upper[upper].slots[row as usize]);
        let (mut probe, mut starts) = (space.probe(), Vec::new());
        space.load(slot, &mut probe);
        self.descend(number, space, &probe, &mut starts, scratch);
        starts
    }
}

/// Makes every row of a level reachable. Returns the number of rows that were not.
fn make_reachable<S: Space>(
    level: &mut Level,
    space: &S,
    starts: impl Fn(u32, &mut Scratch) -> Vec<u32>,
    mut reached: Reached,
) -> u64 {
    let missing: Vec<u32> = reached.missing().collect();
    let (mut probe, mut scratch) = (space.probe(), Scratch::new());
    // Rows repaired in this call, which may have free places: the nearest of many equal rows are always the same few,
    // and soon full.
    let mut with_places = VecDeque::new();
    let mut repaired = 0;
    for slot in missing {
        if reached.seen[slot as usize] {
            continue; // through a row repaired before it
        }
        let mut starts = starts(slot, &mut scratch);
        // An edge from an unreachable row would not help.
        starts.retain(|&start| reached.seen[start as usize]);
        space.load(slot, &mut probe);
        level.search(space, &probe, &starts, WIDTH, &mut scratch);
        // Equal rows with an edge to it may crowd it out of the nearest.
        let leads = |near: u32| near == slot || level.neighbours(near).any(|next| next == slot);
        if scratch.nearest().any(|near| leads(near.slot)) {
            reached.seen[slot as usize] = true; // the guess was wrong
            continue;
        }
        let mut linked = scratch.nearest().any(|near| level.csr.append(near.slot, slot));
        while !linked && let Some(&first) = with_places.front() {
            linked = level.csr.append(first, slot);
            if !linked {
                with_places.pop_front();
            }
        }
        if !linked {
            level.entries.push(slot);
        }
        repaired += 1;
        with_places.push_back(slot);
        reached.traverse(level, slot);
    }
    repaired
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that are all the same.
    struct Same;

    impl Space for Same {
        type Probe = ();

        fn probe(&self) {}

        fn load(&self, _: u32, (): &mut ()) {}

        fn distances(&self, (): &(), _: &[u32], out: &mut [f32]) {
            out.fill(0.0);
        }
    }

    #[test]
    fn a_row_with_an_edge_to_it_gets_no_second_one() {
        // A line of rows, so long that the last one is not among the nearest that are tried.
        let (rows, last) = (WIDTH as u32 + 6, WIDTH as u32 + 5);
        let mut level = Level::empty(4).unwrap().grown(rows).unwrap();
        level.entries.push(0);
        for row in 0..last - 1 {
            level.csr.append(row, row + 1);
        }
        level.csr.append(0, last);
        let reached = Reached::guess(&level, &[last]);
        assert_eq!(make_reachable(&mut level, &Same, |_, _| Vec::new(), reached), 0);
        assert_eq!(level.csr.neighbours(0).collect::<Vec<_>>(), [1, last]);
    }
}
