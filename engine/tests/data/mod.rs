//! Rows to test with, and the answers that looking at all of them gives.
#![allow(dead_code, reason = "each test file uses a part")]

use omendb_engine::{Db, Hit, Metric, Options, SearchOptions};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Rows around 50 centres that are the same for every seed, so that queries fall among rows.
pub fn clustered(rows: usize, dim: usize, seed: u64) -> Vec<f32> {
    let mut centres = StdRng::seed_from_u64(42);
    let centres: Vec<f32> = (0..50 * dim).map(|_| centres.random_range(-1.0..1.0)).collect();
    let mut random = StdRng::seed_from_u64(seed);
    let mut values = Vec::with_capacity(rows * dim);
    for _ in 0..rows {
        let centre = random.random_range(0..50) * dim;
        values.extend(centres[centre..centre + dim].iter().map(|value| value + random.random_range(-0.4..0.4)));
    }
    values
}

/// Rows without any structure.
pub fn uniform(rows: usize, dim: usize, seed: u64) -> Vec<f32> {
    let mut random = StdRng::seed_from_u64(seed);
    (0..rows * dim).map(|_| random.random_range(-1.0..1.0)).collect()
}

/// Clustered rows as bytes.
pub fn clustered_u8(rows: usize, dim: usize, seed: u64) -> Vec<u8> {
    clustered(rows, dim, seed).iter().map(|value| (value * 80.0 + 128.0) as u8).collect()
}

pub fn numbers(rows: usize) -> Vec<u64> {
    (0..rows as u64).collect()
}

/// Distance in f64, as the metric's definition says.
pub fn distance(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    let pairs = || a.iter().zip(b).map(|(a, b)| (f64::from(*a), f64::from(*b)));
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    match metric {
        Metric::L2 => pairs().map(|(a, b)| (a - b) * (a - b)).sum(),
        Metric::InnerProduct => -dot(a, b),
        Metric::Cosine => 1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt(),
    }
}

/// The ids of the k nearest rows by looking at all; ties by id, which are the row numbers.
pub fn nearest(metric: Metric, rows: &[f32], query: &[f32], k: usize) -> Vec<u64> {
    let distances = rows.chunks(query.len()).map(|row| distance(metric, row, query));
    let mut all: Vec<(f64, u64)> = distances.zip(0..).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all.iter().take(k).map(|near| near.1).collect()
}

pub fn number(hit: &Hit) -> u64 {
    hit.id.to_string().parse().expect("numbers as ids")
}

/// Of the k nearest by looking at all, the share that the search finds.
pub fn recall(db: &Db, rows: &[f32], queries: &[f32], k: usize, width: usize) -> f64 {
    let dim = db.config().dim();
    let mut found = 0;
    for query in queries.chunks(dim) {
        let exact = nearest(db.config().metric(), rows, query, k);
        let hits = db.search_with(query, &SearchOptions::new(k).width(width)).unwrap();
        found += hits.iter().filter(|hit| exact.contains(&number(hit))).count();
    }
    found as f64 / (queries.len() / dim * k) as f64
}

/// A database in a folder of its own, and one in memory: what is true of one is true of both.
pub fn each_backend(options: impl Fn() -> Options, mut test: impl FnMut(Db)) {
    let folder = tempfile::tempdir().unwrap();
    test(Db::create(folder.path().join("db.omen"), options()).unwrap());
    #[cfg(feature = "rocksdb")]
    {
        let options = options().backend(omendb_engine::Backend::RocksDb);
        test(Db::create(folder.path().join("db.rocks"), options).unwrap());
    }
    test(Db::in_memory(options()).unwrap());
}

/// Every file of a folder, with its bytes.
pub fn files(folder: &std::path::Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let read = entries.map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        (name, std::fs::read(entry.path()).unwrap())
    });
    read.collect()
}
