//! Where vectors live is an option; what is found does not depend on it.
//!
//!     cargo run --release -p omendb-engine --example backends

use omendb_engine::{Backend, Db, Durability, Metric, Options};
use std::time::Instant;

const DIM: usize = 64;
const ROWS: u64 = 5_000;

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let ids: Vec<u64> = (0..ROWS).collect();
    let rows: Vec<f32> = ids.iter().flat_map(|&id| row(id)).collect();
    let mut answers = Vec::new();

    // Files, synced before `add_batch` returns; files, left to the system's buffers; RocksDB, if it
    // is compiled in; no files.
    let places = [
        ("mapped, synced", Some(Backend::Mapped), Durability::Sync),
        ("mapped, buffered", Some(Backend::Mapped), Durability::Os),
        #[cfg(feature = "rocksdb")]
        ("rocksdb, synced", Some(Backend::RocksDb), Durability::Sync),
        ("memory", None, Durability::Os),
    ];
    for (name, backend, durability) in places {
        let options = Options::new(DIM, Metric::L2).durability(durability);
        let db = match backend {
            None => Db::in_memory(options)?,
            Some(backend) => Db::create(folder.path().join(name.replace(", ", "-")), options.backend(backend))?,
        };
        let start = Instant::now();
        for (ids, rows) in ids.chunks(500).zip(rows.chunks(500 * DIM)) {
            db.add_batch(ids, rows)?;
        }
        let seconds = start.elapsed().as_secs_f64();
        let stats = db.stats();
        println!("{name:<18} {seconds:.2} s, {} KiB on disk", stats.disk_bytes() / 1024);
        answers.push(db.search(&row(777_777), 10)?);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    println!("all answer alike: {} is nearest", answers[0][0].id);
    Ok(())
}

fn row(id: u64) -> [f32; DIM] {
    std::array::from_fn(|column| (id as f32 * 0.37 + column as f32 * 1.7).sin() + (id % 97) as f32 * 0.01)
}
