//! Measures commits to the storage alone, in turns with plain writes of the same bytes to the same disk.

use super::medium::Medium;
use crate::Failure;
use omendb_storage::{Commit, Durability, IdColumn, IdKind, Packed, Schema, Storage, mapped::Mapped};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

/// Rows of a small commit.
pub(super) const ROWS: usize = 100;
/// Bytes of a row in small commits: u8 × 128, f32 × 128, f32 × 384, f32 × 768, f32 × 1536.
const ROW_BYTES: [usize; 5] = [128, 512, 1536, 3072, 6144];
/// Small commits of each kind, in turns of so many.
const COMMITS: usize = 400;
const TURN: usize = 20;
/// The large commit, and how often it is tried.
const LARGE: (usize, usize) = (500_000, 128);
const LARGE_ROUNDS: usize = 5;

/// What is timed, by its name in the tables.
pub(super) const FSYNC: &str = "fsync";
pub(super) const WRITE: &str = "write + fsync";

/// Latencies of one way to put [`ROWS`] rows on the disk.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Small {
    pub(super) row_bytes: usize,
    pub(super) way: String,
    pub(super) per_second: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
}

/// Rates of one way to put the large batch on the disk.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Large {
    pub(super) way: String,
    pub(super) rows: usize,
    pub(super) row_bytes: usize,
    /// The fastest and the middle one of all rounds.
    pub(super) best_seconds: f64,
    pub(super) median_seconds: f64,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Commits {
    pub(super) small: Vec<Small>,
    pub(super) large: Vec<Large>,
}

pub(super) fn run(folder: &Path) -> Result<Commits, Failure> {
    let mut small = Vec::new();
    for row_bytes in ROW_BYTES {
        eprintln!("small commits: {row_bytes} bytes a row");
        small.extend(smalls(folder, row_bytes)?);
    }
    Ok(Commits { small, large: larges(folder)? })
}

/// A backend's database for rows of this length.
fn storage(medium: Medium, path: &Path, row_bytes: usize) -> Result<Box<dyn Storage>, Failure> {
    let schema = Schema { row_bytes, ids: IdKind::U64, user: Vec::new() };
    Ok(match medium {
        #[cfg(feature = "rocksdb")]
        Medium::RocksDb => Box::new(omendb_storage::rocks::Rocks::create(path, &schema, Durability::Sync)?),
        _ => Box::new(Mapped::create(path, &schema, Durability::Sync)?),
    })
}

fn with_files() -> impl Iterator<Item = Medium> {
    Medium::ALL.iter().copied().filter(|medium| medium.has_files())
}

/// Bytes that do not repeat from row to row.
fn made(bytes: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

type Way<'a> = (String, Box<dyn FnMut(usize) -> Result<(), Failure> + 'a>);

fn smalls(folder: &Path, row_bytes: usize) -> Result<Vec<Small>, Failure> {
    let folder = tempfile::tempdir_in(folder)?;
    let bytes = made(ROWS * row_bytes);
    let mut ways: Vec<Way<'_>> = Vec::new();
    for (way, length) in [(FSYNC, 64), (WRITE, bytes.len())] {
        let file = appended(&folder.path().join(way))?;
        let piece = &bytes[..length];
        ways.push((way.into(), Box::new(move |i| append(&file, piece, i * length))));
    }
    for medium in with_files() {
        let storage = storage(medium, &folder.path().join(medium.name()), row_bytes)?;
        let bytes = &bytes;
        let commit = move |i: usize| {
            let ids: Vec<u64> = (0..ROWS as u64).map(|row| (i * ROWS) as u64 + row).collect();
            let rows = Packed::new(bytes, row_bytes);
            storage.commit(Commit { rows: &rows, ids: IdColumn::U64(&ids), dead: &[] })?;
            Ok(())
        };
        ways.push((medium.name().into(), Box::new(commit)));
    }
    let mut took = vec![Vec::with_capacity(COMMITS); ways.len()];
    for turn in 0..COMMITS / TURN {
        for ((_, way), took) in ways.iter_mut().zip(&mut took) {
            for i in 0..TURN {
                let start = Instant::now();
                way(turn * TURN + i)?;
                took.push(start.elapsed().as_secs_f64());
            }
        }
    }
    let figures = |(way, mut took): (String, Vec<f64>)| {
        took.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize] * 1e6;
        let per_second = took.len() as f64 / took.iter().sum::<f64>();
        Small { row_bytes, way, per_second, p50_us: at(0.5), p99_us: at(0.99) }
    };
    Ok(ways.into_iter().map(|(way, _)| way).zip(took).map(figures).collect())
}

fn larges(folder: &Path) -> Result<Vec<Large>, Failure> {
    let (rows, row_bytes) = LARGE;
    let bytes = made(rows * row_bytes);
    let ids: Vec<u64> = (0..rows as u64).collect();
    let mut took: Vec<(String, Vec<f64>)> = vec![(WRITE.into(), Vec::new())];
    took.extend(with_files().map(|medium| (medium.name().into(), Vec::new())));
    for round in 0..LARGE_ROUNDS {
        eprintln!("large commits: round {} of {LARGE_ROUNDS}", round + 1);
        let folder = tempfile::tempdir_in(folder)?;
        let file = appended(&folder.path().join("plain"))?;
        let start = Instant::now();
        append(&file, &bytes, 0)?;
        took[0].1.push(start.elapsed().as_secs_f64());
        for (medium, (_, took)) in with_files().zip(&mut took[1..]) {
            let storage = storage(medium, &folder.path().join(medium.name()), row_bytes)?;
            let packed = Packed::new(&bytes, row_bytes);
            let start = Instant::now();
            storage.commit(Commit { rows: &packed, ids: IdColumn::U64(&ids), dead: &[] })?;
            took.push(start.elapsed().as_secs_f64());
        }
    }
    let figures = |(way, mut took): (String, Vec<f64>)| {
        took.sort_unstable_by(f64::total_cmp);
        Large { way, rows, row_bytes, best_seconds: took[0], median_seconds: took[took.len() / 2] }
    };
    Ok(took.into_iter().map(figures).collect())
}

fn appended(path: &Path) -> Result<File, Failure> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
    file.sync_all()?;
    Ok(file)
}

/// Writes in the pieces that programs write in, and syncs.
fn append(file: &File, bytes: &[u8], at: usize) -> Result<(), Failure> {
    const PIECE: usize = 1 << 20;
    for (i, piece) in bytes.chunks(PIECE).enumerate() {
        file.write_all_at(piece, (at + i * PIECE) as u64)?;
    }
    file.sync_data()?;
    Ok(())
}
