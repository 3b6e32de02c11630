//! The machine: its processor, the memory of this process, and its present speed.

use crate::origin;
use crate::truth::squared;
use omendb_engine::Isa;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The processor's name, its threads and the instruction set.
pub(crate) fn processor() -> String {
    let name = origin::processor();
    format!("{name}, {} threads, {}", threads(), Isa::chosen().unwrap_or_else(|_| Isa::best()))
}

/// The number of threads that this process may use.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The peak memory of this process in bytes; 0 if unknown.
pub(crate) fn peak() -> u64 {
    status("VmHWM:")
}

/// The present memory of this process in bytes; 0 if unknown.
pub(crate) fn resident() -> u64 {
    status("VmRSS:")
}

/// The minor and major page faults of this process so far; zeros if unknown.
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

/// The calibration loop: fixed code that uses the machine like a graph search. Speeds are compared as ratios to it.
///
/// It visits the rows of the case itself, because cache and memory do not slow down at the same times. It takes groups of
/// random rows. It first touches their cache lines, so that they are fetched together, then computes distances. The nearest
/// row decides the next group.
pub(crate) struct Calibration<'a> {
    rows: &'a [f32],
    dim: usize,
    order: Vec<u32>,
}

impl<'a> Calibration<'a> {
    /// The values read in a pass: some milliseconds.
    const VALUES: usize = 1 << 23;
    /// The passes on all threads. The best counts.
    const PASSES: usize = 5;
    /// The rows of a group: about as many as the unseen neighbours in a search step.
    const GROUP: usize = 16;
    /// The values in a cache line.
    const LINE: usize = 16;

    /// Over row-major rows of `dim` values.
    pub(crate) fn over(rows: &'a [f32], dim: usize) -> Self {
        let (mut random, count) = (StdRng::seed_from_u64(7), rows.len() / dim);
        Self { rows, dim, order: (0..Self::VALUES / dim).map(|_| random.random_range(0..count as u32)).collect() }
    }

    /// Measures the distances per second on one thread.
    pub(crate) fn one_thread(&self) -> f64 {
        self.order.len() as f64 / self.pass().as_secs_f64()
    }

    /// Measures the distances per second on all threads: the best of some passes, because other processes may take a thread.
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
