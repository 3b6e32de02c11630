//! Divides rows into overlapping leaves of near rows.
//!
//! Randomized ball carving (PiPNN: Rubel et al., *Pick-in-Partitions*, arXiv 2602.21247, section 4). Some rows are drawn as
//! leaders, and every row joins its nearest few leaders. Groups that are too large are divided again. A row near the border
//! of two groups is in both.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::index::sample;
use rayon::prelude::*;

use crate::search::nearest::{COLUMNS, Nearest};
use crate::{Neighbour, Space};

/// The most rows of a leaf. All distances within a leaf are computed.
const LARGEST_LEAF: usize = 512;

/// Smaller groups are merged: few rows offer few neighbours.
const SMALLEST_LEAF: usize = LARGEST_LEAF / 4;

/// The most leaves that are made in one step.
const AT_ONCE: usize = 300;

/// The most leaders in one step. More rows take more steps.
const MOST_LEADERS: f64 = 1000.0;

/// If this many steps in a row hardly shrink a group, it is split into leaves in the order of its rows.
const MOST_STUCK: u32 = 2;

/// The same after this many steps.
const MOST_STEPS: u32 = 12;

/// Rows compared with leaders, and groups divided further, between two calls of `ask`.
const ROWS_AT_ONCE: usize = 1024 * PIECE;
const GROUPS_AT_ONCE: usize = 64;

/// The rows of one piece of work of a thread.
const PIECE: usize = 64;

/// The state of a partition.
pub(super) struct Partition<'a, S> {
    pub(super) space: &'a S,
    /// The same seed gives the same leaves.
    pub(super) seed: u64,
    /// Distances computed.
    pub(super) distances: AtomicU64,
}

/// The leaders of a group.
struct Leaders {
    rows: Vec<u32>,
    /// The number of leaders that each row joins.
    joined: usize,
    /// The memberships of a row within each of their groups.
    below: usize,
}

impl<S: Space> Partition<'_, S> {
    /// Divides `rows` into leaves. Most rows are in about `memberships` of them. `ask` says whether to continue.
    pub(super) fn divide(
        &self,
        rows: Vec<u32>,
        memberships: usize,
        ask: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> ControlFlow<(), Vec<Vec<u32>>> {
        if rows.len() <= LARGEST_LEAF {
            return ControlFlow::Continue(vec![rows]);
        }
        let leaders = self.leaders(&rows, memberships, 0);
        let mut chosen = Vec::new();
        for now in rows.chunks(ROWS_AT_ONCE) {
            ask()?;
            chosen.extend(self.choose(now, &leaders));
        }
        let (whole, mut groups) = (rows.len(), group_by_leader(rows, &chosen, &leaders));
        drop(chosen);
        let mut leaves = Vec::new();
        while !groups.is_empty() {
            ask()?;
            let now = groups.drain(..groups.len().min(GROUPS_AT_ONCE)).collect::<Vec<_>>().into_par_iter();
            leaves.par_extend(now.flat_map(|group| {
                let stuck = count_stuck(&group, whole, 0);
                self.step(group, leaders.below, 1, stuck)
            }));
        }
        ControlFlow::Continue(leaves)
    }

    fn step(&self, rows: Vec<u32>, memberships: usize, step: u32, stuck: u32) -> Vec<Vec<u32>> {
        if rows.len() <= LARGEST_LEAF {
            return vec![rows];
        }
        if step == MOST_STEPS || stuck == MOST_STUCK {
            return rows.chunks(LARGEST_LEAF).map(<[u32]>::to_vec).collect();
        }
        let leaders = self.leaders(&rows, memberships, step);
        let chosen = self.choose(&rows, &leaders);
        let (whole, groups) = (rows.len(), group_by_leader(rows, &chosen, &leaders));
        drop(chosen);
        let leaves = groups.into_par_iter().flat_map(|group| {
            let stuck = count_stuck(&group, whole, stuck);
            self.step(group, leaders.below, step + 1, stuck)
        });
        leaves.collect()
    }

    fn leaders(&self, rows: &[u32], memberships: usize, step: u32) -> Leaders {
        let leaves = (rows.len() * memberships).div_ceil(LARGEST_LEAF / 2);
        let (count, joined) = if leaves <= AT_ONCE {
            (leaves, memberships.min(COLUMNS))
        } else {
            // Every row is compared with these leaders, then with those of each group that it joins.
            let joined = (memberships / 2).clamp(1, COLUMNS);
            (((leaves * joined) as f64).sqrt().min(MOST_LEADERS) as usize, joined)
        };
        let mut rng = StdRng::seed_from_u64(self.seed ^ u64::from(rows[0]) ^ u64::from(step) << 32);
        let count = count.min(rows.len());
        let drawn = sample(&mut rng, rows.len(), count).into_iter().map(|at| rows[at]).collect();
        Leaders { rows: drawn, joined: joined.min(count), below: (memberships / joined).max(1) }
    }

    /// The numbers of the nearest leaders of each row, in pieces.
    fn choose(&self, rows: &[u32], leaders: &Leaders) -> Vec<Vec<u32>> {
        let (joined, leaders) = (leaders.joined, &leaders.rows);
        self.distances.fetch_add(rows.len() as u64 * leaders.len() as u64, Relaxed);
        let numbers: Vec<u32> = (0..leaders.len() as u32).collect();
        let work = || (self.space.probe(), Nearest::new(joined), Vec::new());
        let choose = |(probe, nearest, between): &mut (S::Probe, Nearest, Vec<f32>), rows: &[u32]| {
            between.resize(rows.len() * leaders.len(), 0.0);
            self.space.fetch(rows);
            self.space.between(probe, rows, leaders, between);
            let mut chosen = Vec::with_capacity(rows.len() * joined);
            for (row, between) in between.chunks_exact(leaders.len()).enumerate() {
                chosen.extend(nearest.of(&numbers, between).iter().map(|&key| Neighbour::from_key(key).slot));
                // A row with too few distances that are not NaN joins the first leader.
                chosen.resize((row + 1) * joined, 0);
            }
            chosen
        };
        rows.par_chunks(PIECE).map_init(work, choose).collect()
    }
}

/// The rows that joined each leader.
fn group_by_leader(rows: Vec<u32>, chosen: &[Vec<u32>], leaders: &Leaders) -> Vec<Vec<u32>> {
    let mut groups = vec![Vec::new(); leaders.rows.len()];
    for (rows, chosen) in rows.chunks(PIECE).zip(chosen) {
        for (row, chosen) in rows.iter().zip(chosen.chunks_exact(leaders.joined)) {
            chosen.iter().for_each(|&leader| groups[leader as usize].push(*row));
        }
    }
    merge_small(groups)
}

/// The number of steps in a row that hardly shrank a group, `whole` before this step.
fn count_stuck(group: &[u32], whole: usize, before: u32) -> u32 {
    if group.len() > whole - whole / 16 { before + 1 } else { 0 }
}

/// Merges small groups until they are large enough.
fn merge_small(groups: Vec<Vec<u32>>) -> Vec<Vec<u32>> {
    let (mut large, small): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| group.len() >= SMALLEST_LEAF);
    let mut rest: Vec<u32> = Vec::new();
    for group in small {
        rest.extend(group);
        if rest.len() >= SMALLEST_LEAF {
            large.push(std::mem::take(&mut rest));
        }
    }
    large.extend((!rest.is_empty()).then_some(rest));
    // A row may be in several of them.
    for group in &mut large {
        group.sort_unstable();
        group.dedup();
    }
    large
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows on a line.
    struct Line(Vec<f32>);

    impl Space for Line {
        type Probe = f32;

        fn probe(&self) -> f32 {
            0.0
        }

        fn load(&self, slot: u32, probe: &mut f32) {
            *probe = self.0[slot as usize];
        }

        fn distances(&self, probe: &f32, slots: &[u32], out: &mut [f32]) {
            slots.iter().zip(out).for_each(|(&slot, out)| *out = (self.0[slot as usize] - probe).powi(2));
        }
    }

    #[test]
    fn every_row_is_in_leaves_and_in_none_twice() {
        let spread: Vec<f32> = (0..20_000).map(|i| (i * 7919 % 20_011) as f32).collect();
        let same = vec![1.0; 20_000];
        let nowhere = vec![f32::NAN; 3_000];
        let mostly: Vec<f32> = (0..9_000).map(|i| if i % 50 == 0 { i as f32 } else { 0.0 }).collect();
        for (values, memberships) in [(spread, 16), (same, 16), (nowhere, 8), (mostly, 33)] {
            let (rows, space) = (values.len(), Line(values));
            let partition = Partition { space: &space, seed: 3, distances: AtomicU64::new(0) };
            let ControlFlow::Continue(leaves) =
                partition.divide((0..rows as u32).collect(), memberships, &mut || ControlFlow::Continue(()))
            else {
                panic!("nothing stopped it");
            };
            let mut met = vec![0; rows];
            for leaf in &leaves {
                assert!(leaf.len() <= LARGEST_LEAF);
                assert!(leaf.is_sorted_by(|a, b| a < b), "a row twice");
                leaf.iter().for_each(|&row| met[row as usize] += 1);
            }
            let (least, most) = (met.iter().min().unwrap(), met.iter().max().unwrap());
            assert!(*least > 0 && *most <= memberships, "{least} to {most} of {memberships}");
        }
    }
}
