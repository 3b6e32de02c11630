//! How fast batches become durable, beside plain `write` and `fsync` of the same bytes in the same
//! directory: `cargo run --release -p omendb-storage --example commit_speed -- DIR`.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use omendb_storage::mapped::Mapped;
use omendb_storage::{Commit, Durability, IdColumn, IdKind, Packed, Schema, Storage};

const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).ok_or("usage: commit_speed DIR")?;
    let dir = tempfile::tempdir_in(dir)?;
    println!("| what | best | of plain |");
    println!("|---|---|---|");
    for (name, rows, row_bytes) in [("500,000 x 128 u8", 500_000, 128), ("50,000 x 1536 f32", 50_000, 6144)] {
        bulk(dir.path(), name, rows, row_bytes)?;
    }
    for row_bytes in [128, 512, 1536, 3072, 6144] {
        small(dir.path(), row_bytes)?;
    }
    Ok(())
}

/// One batch into a new database, beside one file.
fn bulk(dir: &Path, name: &str, rows: usize, row_bytes: usize) -> Result<(), Box<dyn std::error::Error>> {
    let bytes: Vec<u8> = (0..rows * row_bytes).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let ids: Vec<u64> = (0..rows as u64).collect();
    let (mut plain, mut ours, mut os, mut reopen) = (f64::MAX, f64::MAX, f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        let path = dir.join("plain");
        let time = Instant::now();
        let mut file = File::create(&path)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        plain = plain.min(time.elapsed().as_secs_f64());
        drop(file);
        std::fs::remove_file(&path)?;
        File::open(dir)?.sync_all()?;

        for durability in [Durability::Sync, Durability::Os] {
            let path = dir.join("db");
            let schema = Schema { row_bytes, ids: IdKind::U64, user: Vec::new() };
            let db = Mapped::create(&path, &schema, durability)?;
            let time = Instant::now();
            db.commit(Commit { rows: &Packed::new(&bytes, row_bytes), ids: IdColumn::U64(&ids), dead: &[] })?;
            let took = time.elapsed().as_secs_f64();
            let best = if durability == Durability::Sync { &mut ours } else { &mut os };
            *best = best.min(took);
            db.checkpoint(&db.view(), &[])?;
            drop(db);
            let time = Instant::now();
            let db = Mapped::open(&path, durability)?;
            assert_eq!(db.view().slots() as usize, rows);
            reopen = reopen.min(time.elapsed().as_secs_f64());
            drop(db);
            std::fs::remove_dir_all(&path)?;
            File::open(dir)?.sync_all()?;
        }
    }
    let mb = bytes.len() as f64 / 1e6;
    println!("| {name}: write + fsync | {:.0} MB/s | 1.00 |", mb / plain);
    println!(
        "| {name}: one commit, Sync | {:.0} MB/s, {:.0} rows/s | {:.2} |",
        mb / ours,
        rows as f64 / ours,
        plain / ours
    );
    println!("| {name}: one commit, Os | {:.0} MB/s | |", mb / os);
    println!("| {name}: reopen | {:.1} ms | |", reopen * 1e3);
    Ok(())
}

/// Commits of 100 rows, beside `write` + `fdatasync` and `write` + `fsync` of the same bytes to a
/// growing file, turn by turn.
fn small(dir: &Path, row_bytes: usize) -> Result<(), Box<dyn std::error::Error>> {
    const COMMITS: usize = 200;
    let rows = vec![7u8; 100 * row_bytes];
    let schema = Schema { row_bytes, ids: IdKind::U64, user: Vec::new() };
    let (mut fsync, mut fdatasync, mut ours) = (f64::MAX, f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        for (best, data_only) in [(&mut fsync, false), (&mut fdatasync, true)] {
            let mut file = File::create(dir.join("plain"))?;
            let time = Instant::now();
            for _ in 0..COMMITS {
                file.write_all(&rows)?;
                if data_only {
                    file.sync_data()?;
                } else {
                    file.sync_all()?;
                }
            }
            *best = best.min(time.elapsed().as_secs_f64());
        }
        let path = dir.join("db");
        let db = Mapped::create(&path, &schema, Durability::Sync)?;
        let time = Instant::now();
        for i in 0..COMMITS as u64 {
            let ids: Vec<u64> = (i * 100..i * 100 + 100).collect();
            db.commit(Commit { rows: &Packed::new(&rows, row_bytes), ids: IdColumn::U64(&ids), dead: &[] })?;
        }
        ours = ours.min(time.elapsed().as_secs_f64());
        drop(db);
        std::fs::remove_dir_all(&path)?;
    }
    let rate = |seconds: f64| COMMITS as f64 / seconds;
    println!("| 100 rows of {row_bytes} bytes: write + fsync | {:.0} /s | 1.00 |", rate(fsync));
    println!(
        "| 100 rows of {row_bytes} bytes: write + fdatasync | {:.0} /s | {:.2} |",
        rate(fdatasync),
        fsync / fdatasync
    );
    println!("| 100 rows of {row_bytes} bytes: commit, Sync | {:.0} /s | {:.2} |", rate(ours), fsync / ours);
    Ok(())
}
