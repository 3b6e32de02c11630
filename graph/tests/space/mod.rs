//! Points with squared Euclidean distances, plainly computed.

use std::collections::BTreeMap;

use omendb_graph::{RowCopy, Space};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub struct Points {
    pub dim: usize,
    pub values: Vec<f32>,
}

impl Points {
    /// Rows around 20 centres that are the same for every seed, so that queries fall among rows.
    #[allow(dead_code, reason = "not every suite asks")]
    pub fn clustered(rows: usize, dim: usize, seed: u64) -> Self {
        let mut centres = StdRng::seed_from_u64(42);
        let centres: Vec<f32> = (0..20 * dim).map(|_| centres.random_range(-1.0..1.0)).collect();
        let mut random = StdRng::seed_from_u64(seed);
        let mut values = Vec::with_capacity(rows * dim);
        for _ in 0..rows {
            let centre = random.random_range(0..20) * dim;
            values.extend(centres[centre..centre + dim].iter().map(|value| value + random.random_range(-0.5..0.5)));
        }
        Points { dim, values }
    }

    #[allow(dead_code, reason = "not every suite asks")]
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks(self.dim)
    }

    #[allow(dead_code, reason = "not every suite asks")]
    pub fn row(&self, slot: u32) -> &[f32] {
        &self.values[slot as usize * self.dim..][..self.dim]
    }

    #[allow(dead_code, reason = "not every suite asks")]
    pub fn nearest(&self, query: &[f32], k: usize) -> Vec<u32> {
        let mut all: Vec<(f32, u32)> = self.rows().zip(0..).map(|(row, slot)| (squared(row, query), slot)).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        all.iter().take(k).map(|near| near.1).collect()
    }

    /// The rows of each value that are `alive`, by slot.
    #[allow(dead_code, reason = "not every suite asks")]
    pub fn groups(&self, alive: impl Fn(u32) -> bool) -> BTreeMap<Vec<u32>, Vec<u32>> {
        let mut groups: BTreeMap<Vec<u32>, Vec<u32>> = BTreeMap::new();
        for (row, slot) in self.rows().zip(0..).filter(|(_, slot)| alive(*slot)) {
            groups.entry(row.iter().map(|value| value.to_bits()).collect()).or_default().push(slot);
        }
        groups
    }

    /// Every row that equals one before it, the first of which is the vertex.
    #[allow(dead_code, reason = "not every suite asks")]
    pub fn copies(&self) -> Vec<RowCopy> {
        let groups = self.groups(|_| true);
        groups.values().flat_map(|group| group[1..].iter().map(|&slot| RowCopy { vertex: group[0], slot })).collect()
    }
}

fn squared(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

impl Space for Points {
    type Probe = Vec<f32>;

    fn probe(&self) -> Vec<f32> {
        Vec::new()
    }

    fn load(&self, slot: u32, probe: &mut Vec<f32>) {
        let start = slot as usize * self.dim;
        probe.clear();
        probe.extend_from_slice(&self.values[start..start + self.dim]);
    }

    fn distances(&self, probe: &Vec<f32>, slots: &[u32], out: &mut [f32]) {
        for (&slot, out) in slots.iter().zip(out) {
            let start = slot as usize * self.dim;
            *out = squared(&self.values[start..start + self.dim], probe);
        }
    }
}

/// The same points by inner product, and beside it by squared Euclidean distance.
#[allow(dead_code, reason = "not every suite asks")]
pub struct Products {
    points: Points,
    /// The measure beside this one; none of the one that is beside.
    near: Option<Box<Products>>,
}

#[allow(dead_code, reason = "not every suite asks")]
impl Products {
    pub fn of(points: &Points) -> Self {
        let points = || Points { dim: points.dim, values: points.values.clone() };
        Products { points: points(), near: Some(Box::new(Products { points: points(), near: None })) }
    }
}

impl Space for Products {
    type Probe = Vec<f32>;

    fn probe(&self) -> Vec<f32> {
        self.points.probe()
    }

    fn load(&self, slot: u32, probe: &mut Vec<f32>) {
        self.points.load(slot, probe);
    }

    fn near(&self) -> Option<&Self> {
        self.near.as_deref()
    }

    fn distances(&self, probe: &Vec<f32>, slots: &[u32], out: &mut [f32]) {
        if self.near.is_none() {
            return self.points.distances(probe, slots, out);
        }
        for (&slot, out) in slots.iter().zip(out) {
            *out = -self.points.row(slot).iter().zip(probe).map(|(a, b)| a * b).sum::<f32>();
        }
    }
}
