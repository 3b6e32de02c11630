//! What is refused gives back the space it took.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use omendb_storage::mapped::Mapped;
use omendb_storage::{Commit, Durability, IdColumn, IdKind, Packed, Storage, StorageError};

use crate::image::scratch;
use crate::kit::{Model, contents, schema};
use crate::simulated::{Fault, Simulated};

/// Bytes that the files of a folder take on the medium.
fn taken(path: &Path) -> u64 {
    fs::read_dir(path).unwrap().map(|entry| entry.unwrap().metadata().unwrap().blocks() * 512).sum()
}

#[test]
fn a_refused_commit_gives_its_space_back() {
    for durability in [Durability::Sync, Durability::Os] {
        // A segment holds 256 rows: 400 need another one.
        let schema = schema(4 << 20, IdKind::U64);
        let schema = omendb_storage::Schema { row_bytes: 200_000, ..schema };
        let rows = vec![3; 200_000 * 400];
        let ids: Vec<u64> = (0..400).collect();
        let commit = |db: &Mapped, from: usize, to: usize| {
            let rows = Packed::new(&rows[from * 200_000..to * 200_000], 200_000);
            db.commit(Commit { rows: &rows, ids: IdColumn::U64(&ids[from..to]), dead: &[] })
        };
        let operations = {
            let (dir, quiet) = (scratch(), Simulated::default());
            let db = Mapped::create_on(Arc::new(quiet.clone()), dir.path().join("db"), &schema, durability).unwrap();
            commit(&db, 0, 3).unwrap();
            quiet.operations()
        };
        // From the first operation of the second commit on, one or another finds no space.
        for at in operations..operations + 12 {
            let dir = scratch();
            let path = dir.path().join("db");
            let full = Simulated::failing(at, Fault::Full, false);
            let db = Mapped::create_on(Arc::new(full.clone()), &path, &schema, durability).unwrap();
            commit(&db, 0, 3).unwrap();
            let before = taken(&path);
            let refused = commit(&db, 3, 400);
            let poisoned = matches!(db.sync(), Err(StorageError::Poisoned { .. }));
            if !full.struck() || poisoned || refused.is_ok() {
                continue;
            }
            let after = taken(&path);
            // The last page of each part, and the end of the log.
            assert!(after <= before + (40 << 10), "{durability:?} {at}: {before} bytes before, {after} after");
            let names: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            let segments = names.iter().filter(|name| name.to_str().unwrap().starts_with("rows.")).count();
            assert_eq!(segments, 1, "{names:?}");
            commit(&db, 3, 300).unwrap();
            assert_eq!((db.view().slots(), db.verify()), (300, vec![]));
            drop(db);
            assert_eq!(Mapped::open(&path, durability).unwrap().verify(), []);
        }
    }
}

/// The zeros that are written ahead are no reason to refuse a commit that fits without them.
#[test]
fn zeros_ahead_are_left_out_where_space_is_short() {
    let dir = scratch();
    let path = dir.path().join("db");
    let probe = Simulated::default();
    let db = Mapped::create_on(Arc::new(probe.clone()), &path, &schema(24, IdKind::U64), Durability::Sync).unwrap();
    let before = probe.operations();
    Model::new(24).commit(&db, 5, &[]).unwrap();
    let done = probe.operations();
    drop(db);
    let mut committed = 0;
    for at in before..done {
        let dir = scratch();
        let path = dir.path().join("db");
        let full = Simulated::failing(at, Fault::Full, false);
        let db = Mapped::create_on(Arc::new(full), &path, &schema(24, IdKind::U64), Durability::Sync).unwrap();
        let mut model = Model::new(24);
        if model.commit(&db, 5, &[]).is_ok() {
            committed += 1;
            model.commit(&db, 5, &[1]).unwrap();
        }
        drop(db);
        assert_eq!(contents(&Mapped::open(&path, Durability::Sync).unwrap().view()), model.slots);
    }
    assert_eq!(committed, 1, "the record is written without zeros");
}

/// A limit on the size of files is an error, not a signal.
const LIMITED: &str = "OMENDB_LIMITED_FILES";

#[test]
fn a_limit_on_the_size_of_files_is_an_error() {
    if let Ok(path) = std::env::var(LIMITED) {
        let db = Mapped::open(&path, Durability::Sync).unwrap();
        let mut model = Model::of(contents(&db.view()), 24);
        let refused = model.commit(&db, 3, &[]).unwrap_err();
        assert!(refused.to_string().contains("File too large"), "{refused}");
        let made = Mapped::create(Path::new(&path).join("another"), &schema(24, IdKind::U64), Durability::Sync);
        let refused = Model::new(24).commit(&made.unwrap(), 3, &[]).unwrap_err();
        return assert!(refused.to_string().contains("File too large"), "{refused}");
    }
    let dir = scratch();
    let path = dir.path().join("db");
    let db = Mapped::create(&path, &schema(24, IdKind::U64), Durability::Sync).unwrap();
    Model::new(24).commit(&db, 5, &[]).unwrap();
    drop(db);
    let test = "space::a_limit_on_the_size_of_files_is_an_error";
    let child = Command::new("sh")
        .args(["-c", "ulimit -f 100; exec \"$0\" --exact \"$1\" --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(LIMITED, &path)
        .output()
        .unwrap();
    assert!(child.status.success(), "{:?} {}", child.status, String::from_utf8_lossy(&child.stderr));
    let db = Mapped::open(&path, Durability::Sync).unwrap();
    assert_eq!((db.view().slots(), db.verify()), (5, vec![]));
}
