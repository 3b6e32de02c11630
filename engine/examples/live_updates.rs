//! One thread adds and deletes while others search: a handle is cloned, nothing waits for a writer,
//! and every answer is of one state of the database.
//!
//!     cargo run --release -p omendb-engine --example live_updates

use omendb_engine::{Db, Id, Metric, Options};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

const DIM: usize = 16;
const BATCH: u64 = 500;
const BATCHES: u64 = 20;

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let db = Db::in_memory(Options::new(DIM, Metric::L2))?;
    let (done, searches) = (AtomicBool::new(false), AtomicUsize::new(0));

    thread::scope(|scope| -> Result<(), Box<dyn std::error::Error>> {
        for reader in 0..2 {
            let (db, done, searches) = (db.clone(), &done, &searches);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let hits = db.search(&row(reader * 1_000), 10).expect("a query of the right dimension");
                    assert!(hits.is_sorted_by(|a, b| a.distance <= b.distance));
                    searches.fetch_add(1, Ordering::Relaxed);
                }
            });
        }

        let written = write(&db);
        done.store(true, Ordering::Relaxed);
        written
    })?;

    assert_eq!(db.count() as u64, BATCHES * BATCH / 2);
    println!("{} rows, {} searches meanwhile", db.count(), searches.into_inner());
    Ok(())
}

/// Adds a batch and deletes the odd half of it, again and again.
fn write(db: &Db) -> Result<(), Box<dyn std::error::Error>> {
    for batch in 0..BATCHES {
        let ids: Vec<u64> = (batch * BATCH..(batch + 1) * BATCH).collect();
        let rows: Vec<f32> = ids.iter().flat_map(|&id| row(id)).collect();
        db.add_batch(&ids, &rows)?;
        let gone = db.delete_batch(ids.iter().copied().filter(|id| id % 2 == 1))?;
        assert_eq!(gone as u64, BATCH / 2);
        // What was deleted is in no answer from here on, and what was added is.
        let hits = db.search(&row(ids[0]), 10)?;
        assert_eq!(hits[0].id, Id::from(ids[0]));
        assert!(hits.iter().all(|hit| matches!(hit.id, Id::U64(id) if id % 2 == 0)));
    }
    Ok(())
}

/// A row that only its number decides: points on a long curve.
fn row(id: u64) -> [f32; DIM] {
    std::array::from_fn(|column| (id as f32 * 0.01 * (column + 1) as f32).sin())
}
