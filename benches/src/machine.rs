//! What this machine is, how much memory this process holds, and how fast the machine is right now.

use crate::truth::squared;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The processor's name, where the system tells it.
pub(crate) fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let name = fields.find(|(key, _)| matches!(key.trim(), "model name" | "CPU part"));
    let name = name.map_or(std::env::consts::ARCH, |(_, value)| value.trim());
    format!("{name}, {} threads", threads())
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

/// A loop that stays what it is: squared distances to rows at random places of a buffer larger than
/// the caches, which is what building and searching a graph come to. Speeds are compared as ratios
/// to it, timed beside them.
pub(crate) struct Calibration {
    rows: Vec<f32>,
    order: Vec<u32>,
}

impl Calibration {
    const DIM: usize = 128;
    const ROWS: usize = 1 << 17;
    const STEPS: usize = 1 << 16;

    pub(crate) fn new() -> Self {
        let mut random = StdRng::seed_from_u64(7);
        Self {
            rows: (0..Self::ROWS * Self::DIM).map(|_| random.random()).collect(),
            order: (0..Self::STEPS).map(|_| random.random_range(0..Self::ROWS as u32)).collect(),
        }
    }

    /// Distances a second on one thread, now.
    pub(crate) fn one_thread(&self) -> f64 {
        Self::STEPS as f64 / self.pass().as_secs_f64()
    }

    /// Distances a second on all threads together, now.
    pub(crate) fn all_threads(&self) -> f64 {
        let threads = threads();
        let start = Instant::now();
        (0..threads).into_par_iter().for_each(|_| {
            self.pass();
        });
        (threads * Self::STEPS) as f64 / start.elapsed().as_secs_f64()
    }

    fn pass(&self) -> Duration {
        let query = &self.rows[..Self::DIM];
        let start = Instant::now();
        let sum: f32 =
            self.order.iter().map(|&row| squared(query, &self.rows[row as usize * Self::DIM..][..Self::DIM])).sum();
        black_box(sum);
        start.elapsed()
    }
}
