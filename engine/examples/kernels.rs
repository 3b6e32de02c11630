//! Distances alone, without a database: `omendb-kernels`.
//!
//!     cargo run --release -p omendb-engine --example kernels

use omendb_kernels::{Distance, Isa, Metric, f16, oracle};
use std::time::Instant;

const DIM: usize = 768;
const ROWS: usize = 2_000;

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let query: Vec<f32> = (0..DIM).map(|column| (column as f32 * 0.1).sin()).collect();
    let rows: Vec<f32> = (0..ROWS * DIM).map(|place| (place as f32 * 0.001).cos()).collect();

    // The machine's best instruction set, unless OMENDB_ISA names another.
    let distance = Distance::<f32>::new(Metric::L2, DIM)?;
    let mut out = vec![0.0; ROWS];
    distance.scan(&query, &rows, &mut out)?;
    let (nearest, least) = out.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).ok_or("no rows")?;
    println!("row {nearest} is nearest, at {least}");

    // The oracle says the same in f64.
    let exact = oracle::distance(Metric::L2, &query, &rows[nearest * DIM..][..DIM]);
    assert!((f64::from(*least) - exact).abs() <= 1e-4 * exact.max(1.0));

    // A query of f32 against rows of half the size.
    let halves: Vec<f16> = rows.iter().map(|&value| f16::from_f32(value)).collect();
    let mixed = Distance::<f32, f16>::new(Metric::Cosine, DIM)?;
    println!("cosine distance to the first row as f16: {}", mixed.pair(&query, &halves[..DIM])?);

    // What each instruction set of this machine does in a second: the best of some rounds, as the first ones
    // find a core that has not woken up yet.
    for isa in Isa::available() {
        let distance = Distance::<f32>::with_isa(Metric::L2, DIM, isa)?;
        let mut best = f64::INFINITY;
        for _ in 0..50 {
            let start = Instant::now();
            distance.scan(&query, &rows, &mut out)?;
            best = best.min(start.elapsed().as_secs_f64());
        }
        let million = ROWS as f64 / best / 1e6;
        println!("{isa:<12} {million:.1} million distances of {DIM} f32 a second");
    }
    Ok(())
}
