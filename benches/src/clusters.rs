//! Rows to measure with: clusters on a surface of few dimensions in a space of many, like embeddings. The same seed gives the
//! same rows on every machine.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The dimensions of the surface.
const LATENT: usize = 32;
/// The standard deviation of a cluster, relative to that of the centres.
const SPREAD: f32 = 0.8;
/// The noise in every column.
const NOISE: f32 = 0.05;

/// `rows` rows of `dim` values, row-major. Parts have different rows of the same clusters: part 0 is indexed, part 1 has the
/// queries.
pub(crate) fn rows(rows: usize, dim: usize, seed: u64, part: u64) -> Vec<f32> {
    let mut shape = StdRng::seed_from_u64(seed);
    let clusters = 256;
    let centres: Vec<f32> = (0..clusters * LATENT).map(|_| bell(&mut shape)).collect();
    let map: Vec<f32> = (0..LATENT * dim).map(|_| bell(&mut shape)).collect();

    let mut random = StdRng::seed_from_u64(seed ^ (part + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut out = vec![0f32; rows * dim];
    for row in out.chunks_exact_mut(dim) {
        let centre = &centres[random.random_range(0..clusters) * LATENT..][..LATENT];
        for (at, column) in centre.iter().zip(map.chunks_exact(dim)) {
            let weight = at + SPREAD * bell(&mut random);
            row.iter_mut().zip(column).for_each(|(value, step)| *value += weight * step);
        }
        row.iter_mut().for_each(|value| *value += NOISE * (random.random::<f32>() - 0.5));
    }
    out
}

/// A nearly normal number with mean 0 and variance 1: the sum of twelve uniform numbers.
fn bell(random: &mut StdRng) -> f32 {
    (0..12).map(|_| random.random::<f32>()).sum::<f32>() - 6.0
}
