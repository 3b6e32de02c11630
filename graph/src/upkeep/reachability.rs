//! Every row can be reached from the entry points: found where it is not so, and mended.
//!
//! Pruning may drop the last edge into a row. Such a row is given one from a reachable row near to
//! it that has a place free; where none has, the row becomes an entry point itself.

use std::collections::VecDeque;

use crate::absent::Absent;
use crate::graph::Sampled;
use crate::level::Level;
use crate::link::LevelRow;
use crate::{Graph, Scratch, Space};

/// Rows looked at, from near to far, for one with a free place.
const WIDTH: usize = 64;

/// Which rows can be reached from the entry points.
pub(crate) struct Reached {
    seen: Vec<bool>,
    stack: Vec<u32>,
}

impl Reached {
    /// Rows that are absent are not looked for.
    pub(crate) fn of(level: &Level, absent: &Absent) -> Self {
        let mut reached = Reached { seen: vec![true; level.csr.rows() as usize], stack: Vec::new() };
        absent.vertices(0..level.csr.rows()).for_each(|slot| reached.seen[slot as usize] = false);
        for &entry in &level.entries {
            reached.walk(level, entry);
        }
        reached
    }

    /// A guess that looks at few rows: all can be reached but those in `doubtful`, and of them
    /// those to which others lead.
    fn guess(level: &Level, doubtful: &[u32]) -> Self {
        let mut reached = Reached { seen: vec![true; level.csr.rows() as usize], stack: Vec::new() };
        for &slot in doubtful {
            reached.seen[slot as usize] = false;
        }
        for &slot in doubtful {
            // An edge into a row mostly comes from one that it leads to itself.
            let leads_back = |near: u32| level.neighbours(near).any(|next| next == slot);
            if level.neighbours(slot).any(|near| reached.seen[near as usize] && leads_back(near)) {
                reached.walk(level, slot);
            }
        }
        reached
    }

    fn walk(&mut self, level: &Level, from: u32) {
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

    /// The rows that cannot be reached, in the order of their slots.
    pub(crate) fn missing(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..).zip(&self.seen).filter(|(_, seen)| !**seen).map(|(slot, _)| slot)
    }
}

impl Graph {
    /// Gives every row that no path leads to an edge or, failing that, makes it an entry point;
    /// returns how many such rows there were. Takes a walk over the whole graph.
    pub fn repair<S: Space>(&mut self, space: &S) -> u64 {
        (0..=self.above.len()).map(|number| self.mend(number, space, self.reached(number))).sum()
    }

    /// Which rows of a level can be reached.
    pub(crate) fn reached(&self, number: usize) -> Reached {
        let all = Absent::default();
        Reached::of(self.level(number), if number == 0 { &self.absent } else { &all })
    }

    /// [`Graph::repair`] after a few rows, those that `old` does not have, were linked, for which
    /// edges into `dropped` rows gave way. It searches for these rows alone; of the whole graph it only
    /// fills a byte a row.
    pub(crate) fn repair_around<S: Space>(&mut self, space: &S, old: &Graph, dropped: &[LevelRow]) -> u64 {
        let mut repaired = 0;
        for number in 0..=self.above.len() {
            let dropped = dropped.iter().filter(|(level, _)| *level == number).map(|(_, row)| *row);
            let mut doubtful: Vec<u32> = dropped.chain(old.level_rows(number)..self.level_rows(number)).collect();
            doubtful.retain(|&row| number > 0 || self.is_vertex(row));
            doubtful.sort_unstable();
            doubtful.dedup();
            repaired += self.mend(number, space, Reached::guess(self.level(number), &doubtful));
        }
        repaired
    }

    fn mend<S: Space>(&mut self, number: usize, space: &S, reached: Reached) -> u64 {
        let mut level = self.level(number).clone();
        let starts = |row: u32, scratch: &mut Scratch| self.starts(number, space, row, scratch);
        let repaired = match number.checked_sub(1) {
            None => mend(&mut level, space, starts, reached),
            Some(above) => mend(&mut level, &Sampled::new(space, &self.above[above].slots), starts, reached),
        };
        self.level_mut(number).entries = level.entries;
        repaired
    }

    /// Where a search for the row `row` of a level starts.
    fn starts<S: Space>(&self, number: usize, space: &S, row: u32, scratch: &mut Scratch) -> Vec<u32> {
        let slot = number.checked_sub(1).map_or(row, |above| self.above[above].slots[row as usize]);
        let (mut probe, mut starts) = (space.probe(), Vec::new());
        space.load(slot, &mut probe);
        self.descend(number, WIDTH, space, &probe, &mut starts, scratch);
        starts
    }
}

/// Makes every row of a level reachable; returns how many were not.
fn mend<S: Space>(
    level: &mut Level,
    space: &S,
    starts: impl Fn(u32, &mut Scratch) -> Vec<u32>,
    mut reached: Reached,
) -> u64 {
    let missing: Vec<u32> = reached.missing().collect();
    let (mut probe, mut scratch) = (space.probe(), Scratch::new());
    // Rows mended in this call, which may lead on: of rows that are all the same, the nearest are
    // always the same few, and soon full.
    let mut mended = VecDeque::new();
    let mut repaired = 0;
    for slot in missing {
        if reached.seen[slot as usize] {
            continue; // through a row mended before it
        }
        let mut starts = starts(slot, &mut scratch);
        // An edge from a row that cannot be reached itself would mend nothing.
        starts.retain(|&start| reached.seen[start as usize]);
        space.load(slot, &mut probe);
        level.search(space, &probe, &starts, WIDTH, &mut scratch);
        // Of rows that are all the same, those with an edge to it may crowd it out of the nearest.
        let leads = |near: u32| near == slot || level.neighbours(near).any(|next| next == slot);
        if scratch.nearest().any(|near| leads(near.slot)) {
            reached.seen[slot as usize] = true; // it was only a guess
            continue;
        }
        let mut linked = scratch.nearest().any(|near| level.csr.append(near.slot, slot));
        while !linked && let Some(&last) = mended.front() {
            linked = level.csr.append(last, slot);
            if !linked {
                mended.pop_front();
            }
        }
        if !linked {
            level.entries.push(slot);
        }
        repaired += 1;
        mended.push_back(slot);
        reached.walk(level, slot);
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
        // A chain, long enough that the last row is not among the nearest that are looked at.
        let (rows, last) = (WIDTH as u32 + 6, WIDTH as u32 + 5);
        let mut level = Level::empty(4).unwrap().grown(rows).unwrap();
        level.entries.push(0);
        for row in 0..last - 1 {
            level.csr.append(row, row + 1);
        }
        level.csr.append(0, last);
        let reached = Reached::guess(&level, &[last]);
        assert_eq!(mend(&mut level, &Same, |_, _| Vec::new(), reached), 0);
        assert_eq!(level.csr.neighbours(0).collect::<Vec<_>>(), [1, last]);
    }
}
