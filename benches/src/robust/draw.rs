//! Random numbers from a seed: the same seed gives the same data.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use std::f64::consts::TAU;

/// A source of random numbers.
pub(super) struct Draw(StdRng);

impl Draw {
    /// The source of `seed` for what is called `name`: what one name draws does not move another's.
    pub(super) fn new(seed: u64, name: &str) -> Self {
        let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(StdRng::seed_from_u64(name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, hash)))
    }

    /// From 0 to 1.
    pub(super) fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    /// A whole number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0.random_range(0..limit)
    }

    /// Mean 0, variance 1, tails as they are (Box and Muller).
    pub(super) fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos()
    }

    /// A row of normal values.
    pub(super) fn normals(&mut self, dim: usize) -> Vec<f64> {
        (0..dim).map(|_| self.normal()).collect()
    }

    /// A row of length 1, each direction as likely as any.
    pub(super) fn direction(&mut self, dim: usize) -> Vec<f64> {
        let row = self.normals(dim);
        let length = row.iter().map(|value| value * value).sum::<f64>().sqrt();
        row.iter().map(|value| value / length).collect()
    }

    /// `row` with normal noise of this deviation in each value.
    pub(super) fn near(&mut self, row: &[f64], deviation: f64) -> Vec<f64> {
        row.iter().map(|value| value + deviation * self.normal()).collect()
    }

    /// The numbers below `count` in random order.
    pub(super) fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        order.shuffle(&mut self.0);
        order
    }
}
