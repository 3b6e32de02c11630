//! instant-distance, the small one. It leaves the distance to its user and fixes the width when it is
//! built; the width is the first field of what it serializes, so a copy with another width is made
//! through bincode instead of building anew.

use crate::{K, Library};
use instant_distance::{Builder, HnswMap, Point, Search};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;

#[derive(Clone, Serialize, Deserialize)]
enum Row {
    L2(Vec<f32>),
    InnerProduct(Vec<f32>),
}

impl Point for Row {
    fn distance(&self, other: &Self) -> f32 {
        match (self, other) {
            (Row::L2(a), Row::L2(b)) => sum(a, b, |a, b| (a - b) * (a - b)),
            (Row::InnerProduct(a), Row::InnerProduct(b)) => 1.0 - sum(a, b, |a, b| a * b),
            _ => unreachable!("one index has one metric"),
        }
    }
}

/// A sum in sixteen lanes, which the compiler turns into vector instructions.
fn sum(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0f32; 16];
    let (a, a_rest) = a.as_chunks::<16>();
    let (b, b_rest) = b.as_chunks::<16>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..16 {
            lanes[lane] += term(a[lane], b[lane]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(&a, &b)| term(a, b)).sum();
    lanes.iter().sum::<f32>() + rest
}

pub(crate) struct InstantDistance {
    map: HnswMap<Row, u32>,
    search: RefCell<Search>,
    row: fn(Vec<f32>) -> Row,
}

impl Library for InstantDistance {
    const VERSION: &'static str = "0.6.1";
    const SETTINGS: &'static str = "M 32 (fixed by the crate), ef_construction 200, f32";

    fn build(base: &[Vec<f32>], metric: &str) -> Result<Self, String> {
        let row = match metric {
            "l2" => Row::L2,
            "ip" => Row::InnerProduct,
            other => return Err(format!("no metric {other}")),
        };
        let points = base.iter().cloned().map(row).collect();
        let map = Builder::default().ef_construction(200).seed(1).build(points, (0..base.len() as u32).collect());
        Ok(Self { map, search: RefCell::default(), row })
    }

    fn set_width(&mut self, width: usize) {
        let mut bytes = bincode::serialize(&self.map).expect("plain data");
        bytes[..8].copy_from_slice(&(width as u64).to_le_bytes());
        self.map = bincode::deserialize(&bytes).expect("its own bytes");
    }

    fn search(&self, query: &[f32]) -> Vec<usize> {
        let query = (self.row)(query.to_vec());
        let mut search = self.search.borrow_mut();
        self.map.search(&query, &mut search).take(K).map(|item| *item.value as usize).collect()
    }
}
