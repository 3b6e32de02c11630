//! What this machine is, how much memory this process holds, and how fast the machine is right now.

use crate::origin;
use crate::truth::squared;
use omendb_engine::Isa;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The processor's name, its threads and the instruction set used.
pub(crate) fn processor() -> String {
    let name = origin::processor();
    format!("{name}, {} threads, {}", threads(), Isa::chosen().unwrap_or_else(|_| Isa::best()))
}

/// Threads that this process may use.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The most memory this process held so far, in bytes; 0 where the system does not say.
pub(crate) fn peak() -> u64 {
    status("VmHWM:")
}

/// The memory this process holds, in bytes; 0 where the system does not say.
pub(crate) fn resident() -> u64 {
    status("VmRSS:")
}

/// Page faults of this process so far, those that were answered from memory and those that waited
/// for a disk; zeros where the system does not say.
pub(crate) fn faults() -> (u64, u64) {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, in parentheses, may hold anything; the numbers follow it.
    let numbers = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = |at: usize| numbers.split_whitespace().nth(at).and_then(|field| field.parse().ok()).unwrap_or(0);
    (field(7), field(9))
}

fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// A loop that stays what it is, and asks of the machine what a search of a graph does: speeds are
/// compared as ratios to it, timed beside them.
///
/// It walks through the rows of the case itself (half a megabyte lives in a core's own cache, a quarter
/// gigabyte in memory, and these do not become slower in the same hours), a group of random ones at a
/// time: their cache lines are touched, so that the wait for one is the wait for all, then measured, and
/// the nearest decides which rows the next group has.
pub(crate) struct Calibration<'a> {
    rows: &'a [f32],
    dim: usize,
    order: Vec<u32>,
}

impl<'a> Calibration<'a> {
    /// Values read in a pass: some milliseconds.
    const VALUES: usize = 1 << 23;
    /// Passes on all threads, of which the best counts.
    const PASSES: usize = 5;
    /// Rows of a group: about as many as a search meets at once.
    const GROUP: usize = 16;
    /// Values of a cache line.
    const LINE: usize = 16;

    /// Over row-major rows of `dim` values.
    pub(crate) fn over(rows: &'a [f32], dim: usize) -> Self {
        let (mut random, count) = (StdRng::seed_from_u64(7), rows.len() / dim);
        Self { rows, dim, order: (0..Self::VALUES / dim).map(|_| random.random_range(0..count as u32)).collect() }
    }

    /// Distances a second on one thread, now.
    pub(crate) fn one_thread(&self) -> f64 {
        self.order.len() as f64 / self.pass().as_secs_f64()
    }

    /// Distances a second on all threads together, now: the best of some passes, because what runs
    /// beside it takes a thread from any of them.
    pub(crate) fn all_threads(&self) -> f64 {
        let threads = threads();
        let pass = |_| {
            let start = Instant::now();
            (0..threads).into_par_iter().for_each(|_| {
                self.pass();
            });
            (threads * self.order.len()) as f64 / start.elapsed().as_secs_f64()
        };
        (0..Self::PASSES).map(pass).fold(0.0, f64::max)
    }

    fn pass(&self) -> Duration {
        let query = &self.rows[..self.dim];
        let count = self.rows.len() / self.dim;
        let start = Instant::now();
        let (mut nearest, mut touched) = (0, 0f32);
        for group in self.order.chunks_exact(Self::GROUP) {
            // Moved on by what was nearest: not known before, and no circle of few groups.
            let row = |&number: &u32| &self.rows[(number as usize + nearest) % count * self.dim..][..self.dim];
            for number in group {
                touched += row(number).iter().step_by(Self::LINE).sum::<f32>();
            }
            let distances = group.iter().map(|number| (squared(query, row(number)).to_bits(), *number as usize));
            nearest = distances.min().map_or(0, |(_, number)| number);
        }
        black_box(touched);
        start.elapsed()
    }
}
