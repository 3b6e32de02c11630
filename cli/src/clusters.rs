//! Rows for the demo: clustered like real embeddings, and the same for the same seed.
//!
//! Embeddings have hundreds of columns but vary in a few tens of directions. So clusters and their rows are drawn in a space
//! of [`DIRECTIONS`] dimensions (at most the dimension of the rows). They are mapped linearly into the space of the rows, and
//! every column gets a little noise.

use std::collections::TryReserveError;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The directions in which rows vary.
const DIRECTIONS: usize = 24;
/// The standard deviation within a cluster; that of the centres is 1.
const SPREAD: f32 = 1.0;
/// The standard deviation of the noise in every column.
const NOISE: f32 = 0.02;

/// A source of rows.
pub(crate) struct Clusters {
    random: StdRng,
    dim: usize,
    /// The consecutive centres, in the space of directions.
    middles: Vec<f32>,
    /// For each direction, its part in each column.
    map: Vec<f32>,
    directions: usize,
}

impl Clusters {
    /// A source of about as many clusters as the square root of `rows`.
    pub(crate) fn new(rows: usize, dim: usize, seed: u64) -> Result<Self, TryReserveError> {
        let mut random = StdRng::seed_from_u64(seed);
        let directions = dim.min(DIRECTIONS);
        let clusters = (rows as f64).sqrt().ceil() as usize;
        let middles = normals(&mut random, clusters.max(1) * directions)?;
        let scale = 1.0 / (directions as f32).sqrt();
        let mut map = normals(&mut random, directions * dim)?;
        map.iter_mut().for_each(|x| *x *= scale);
        Ok(Self { random, dim, middles, map, directions })
    }

    /// The next `count` rows, or an error if there is no memory.
    pub(crate) fn rows(&mut self, count: usize) -> Result<Vec<f32>, TryReserveError> {
        let mut rows = normals(&mut self.random, count * self.dim)?;
        for row in rows.chunks_exact_mut(self.dim) {
            row.iter_mut().for_each(|x| *x *= NOISE);
            let cluster = self.random.random_range(0..self.middles.len() / self.directions);
            let middle = &self.middles[cluster * self.directions..][..self.directions];
            let offsets = normals(&mut self.random, self.directions)?;
            for ((middle, offset), adds) in middle.iter().zip(offsets).zip(self.map.chunks_exact(self.dim)) {
                let along = middle + SPREAD * offset;
                row.iter_mut().zip(adds).for_each(|(x, add)| *x += along * add);
            }
        }
        Ok(rows)
    }
}

/// Draws `count` normally distributed numbers (Box and Muller, 1958).
fn normals(random: &mut StdRng, count: usize) -> Result<Vec<f32>, TryReserveError> {
    let mut numbers = Vec::new();
    numbers.try_reserve_exact(count + 1)?;
    while numbers.len() < count {
        // In (0, 1], so that the logarithm is finite.
        let u = 1.0 - random.random::<f32>();
        let angle = std::f32::consts::TAU * random.random::<f32>();
        let radius = (-2.0 * u.ln()).sqrt();
        numbers.push(radius * angle.cos());
        numbers.push(radius * angle.sin());
    }
    numbers.truncate(count);
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::{Clusters, normals};
    use rand::SeedableRng;

    #[test]
    fn the_same_seed_makes_the_same_rows() {
        let rows = |seed| Clusters::new(100, 7, seed).unwrap().rows(20).unwrap();
        assert_eq!(rows(1), rows(1));
        assert_ne!(rows(1), rows(2));
        assert_eq!(rows(1).len(), 140);
    }

    #[test]
    fn normals_have_mean_0_and_variance_1() {
        let numbers = normals(&mut rand::rngs::StdRng::seed_from_u64(3), 100_001).unwrap();
        assert_eq!(numbers.len(), 100_001);
        let count = numbers.len() as f64;
        let mean = numbers.iter().map(|&x| f64::from(x)).sum::<f64>() / count;
        let variance = numbers.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / count;
        // Six standard errors: 6 / sqrt(count), and 6 * sqrt(2 / count).
        assert!(mean.abs() < 0.019 && (variance - 1.0).abs() < 0.027, "{mean} {variance}");
    }
}
