//! A writing process killed again and again: nothing acknowledged is lost, nothing half done shows.
//!
//! `OMENDB_KILLS=N` kills N times instead of a few. The writer is this test binary, started again.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use omendb_storage::mapped::Mapped;
use omendb_storage::{BlobSource, Commit, Durability, IdColumn, IdKind, Packed, Storage, View};

use crate::image::scratch;
use crate::kit::{made_row, schema};
use crate::simulated::Dice;

const ROW: usize = 200;
const BATCH: usize = 5;
const WRITER: &str = "OMENDB_KILL_WRITER";

/// Batch `n` is five rows that follow from `n`; it takes the place of batch `n - 3`.
fn rows(batch: u64) -> Vec<u8> {
    let mut rows: Vec<u8> = (0..BATCH).flat_map(|row| made_row(batch, row, ROW)).collect();
    for row in rows.chunks_exact_mut(ROW) {
        row[..8].copy_from_slice(&batch.to_le_bytes());
    }
    rows
}

fn batch_of(view: &View, slot: u32) -> u64 {
    u64::from_le_bytes(view.row(slot)[..8].try_into().unwrap())
}

/// The newest batch in a view that holds exactly the last three, whole.
fn newest(view: &View) -> u64 {
    let living: Vec<u32> = view.living().collect();
    let Some(last) = living.iter().map(|slot| batch_of(view, *slot)).max() else { return 0 };
    let expected: Vec<u64> = (last.saturating_sub(2).max(1)..=last).flat_map(|batch| [batch; BATCH]).collect();
    let found: Vec<u64> = living.iter().map(|slot| batch_of(view, *slot)).collect();
    assert_eq!(found, expected, "the last three batches live, each whole");
    for (i, slot) in living.iter().enumerate() {
        let row = i % BATCH;
        assert_eq!(view.row(*slot), &rows(found[i])[row * ROW..(row + 1) * ROW]);
        assert_eq!(view.id(*slot).to_string(), (found[i] * BATCH as u64 + row as u64).to_string());
    }
    last
}

/// Opens the database at a path whose last part says which backend and durability it has.
fn open(path: &Path, read_only: bool) -> Box<dyn Storage> {
    let durability = if path.ends_with("os") { Durability::Os } else { Durability::Sync };
    #[cfg(feature = "rocksdb")]
    if path.ends_with("rocks") {
        use omendb_storage::rocks::Rocks;
        return Box::new(if read_only { Rocks::open_read_only(path) } else { Rocks::open(path, durability) }.unwrap());
    }
    Box::new(if read_only { Mapped::open_read_only(path) } else { Mapped::open(path, durability) }.unwrap())
}

fn create(path: &Path) {
    let schema = schema(ROW, IdKind::U64);
    #[cfg(feature = "rocksdb")]
    if path.ends_with("rocks") {
        drop(omendb_storage::rocks::Rocks::create(path, &schema, Durability::Sync).unwrap());
        return;
    }
    drop(Mapped::create(path, &schema, Durability::Sync).unwrap());
}

/// The process that is killed: commits batch after batch, and says which are acknowledged.
fn write_until_killed(path: &Path) {
    let db = open(path, false);
    let mut out = std::io::stdout();
    for batch in newest(&db.view()) + 1.. {
        let view = db.view();
        let dead: Vec<u32> = view.living().filter(|slot| batch_of(&view, *slot) + 3 <= batch).collect();
        let ids: Vec<u64> = (0..BATCH as u64).map(|row| batch * BATCH as u64 + row).collect();
        let bytes = rows(batch);
        let commit = Commit { rows: &Packed::new(&bytes, ROW), ids: IdColumn::U64(&ids), dead: &dead };
        db.commit(commit).unwrap();
        writeln!(out, "acknowledged {batch}").unwrap();
        let view = db.view();
        let write = |out: &mut dyn Write| out.write_all(&view.commit().to_le_bytes());
        let blobs = [BlobSource { name: "graph", write: &write }];
        match batch % 16 {
            5 | 11 => db.checkpoint(&view, &blobs).unwrap(),
            15 => drop(db.compact(&view, &view.living().collect::<Vec<_>>(), &[]).unwrap()),
            _ => {}
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_to_kill_9() {
    if let Ok(path) = std::env::var(WRITER) {
        return write_until_killed(Path::new(&path));
    }
    let kills: u64 = std::env::var("OMENDB_KILLS").map_or(30, |n| n.parse().expect("a number of kills"));
    let backends: &[&str] = if cfg!(feature = "rocksdb") { &["sync", "os", "rocks"] } else { &["sync", "os"] };
    for name in backends {
        let dir = scratch();
        let path = dir.path().join(name);
        create(&path);
        let mut dice = Dice(7);
        let mut total = 0;
        for kill in 0..kills {
            let mut writer = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "kill::nothing_acknowledged_is_lost_to_kill_9", "--nocapture"])
                .env(WRITER, &path)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
            let mut acknowledged = 0;
            let hear = |acknowledged: &mut u64, line: String| {
                if let Some(batch) = line.strip_prefix("acknowledged ") {
                    *acknowledged = batch.parse().unwrap();
                }
            };
            let wanted = 1 + dice.roll(40);
            let mut heard = 0;
            while heard < wanted {
                let line = lines.next().expect("the writer goes on").unwrap();
                heard += u64::from(line.starts_with("acknowledged"));
                hear(&mut acknowledged, line);
            }
            std::thread::sleep(std::time::Duration::from_micros(dice.roll(2000)));
            writer.kill().unwrap();
            for line in lines {
                hear(&mut acknowledged, line.unwrap());
            }
            writer.wait().unwrap();

            let what = format!("kill {kill} of {name}");
            let reader = open(&path, true);
            let found = newest(&reader.view());
            assert!(found == acknowledged || found == acknowledged + 1, "{what}: {found} of {acknowledged}");
            if let Some(blob) = reader.blob("graph").expect(&what) {
                assert_eq!(*blob, reader.checkpoint_commit().to_le_bytes(), "{what}");
            }
            drop(reader);
            if kill % 3 == 0 {
                let db = open(&path, false);
                assert_eq!(newest(&db.view()), found, "{what}");
                assert_eq!(db.verify(), [], "{what}");
            }
            total = found;
        }
        println!("{name}: {kills} kills, {total} batches");
    }
}
