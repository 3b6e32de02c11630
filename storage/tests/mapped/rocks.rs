//! What RocksDB's directory can suffer: other writers, damage, and being no database.

use omendb_storage::rocks::Rocks;
use omendb_storage::{Durability, IdKind, Storage, StorageError};

use crate::image::scratch;
use crate::kit::{Model, contents, schema};

#[test]
fn one_writer_and_many_readers() {
    let dir = scratch();
    let path = dir.path().join("db");
    let db = Rocks::create(&path, &schema(30, IdKind::Text), Durability::Sync).unwrap();
    let mut model = Model::new(30);
    model.commit(&db, 500, &[]).unwrap();
    match Rocks::open(&path, Durability::Sync) {
        Err(StorageError::Locked { pid, .. }) => assert_eq!(pid, std::process::id()),
        other => panic!("{:?}", other.map(|db| db.view())),
    }
    let reader = Rocks::open_read_only(&path).unwrap();
    let before = contents(&db.view());
    assert_eq!(contents(&reader.view()), before);
    model.commit(&db, 500, &[3]).unwrap();
    assert_eq!(contents(&reader.view()), before);
    assert!(matches!(model.clone().commit(&reader, 1, &[]), Err(StorageError::ReadOnly { .. })));
    assert!(db.statistics().unwrap().contains("rocksdb.bytes.written"));
    assert!(matches!(
        Rocks::create(&path, &schema(30, IdKind::Text), Durability::Sync),
        Err(StorageError::Exists { .. })
    ));
    drop(db);
    assert_eq!(contents(&Rocks::open(&path, Durability::Sync).unwrap().view()), model.slots);
    let none = Rocks::open(dir.path(), Durability::Sync);
    assert!(matches!(none, Err(StorageError::NotADatabase { .. })));
}

/// Every file overwritten in its middle: an error or a finding, or the answer unchanged.
#[test]
fn damage_is_an_error_or_a_finding() {
    let dir = scratch();
    let path = dir.path().join("db");
    let db = Rocks::create(&path, &schema(300, IdKind::U64), Durability::Sync).unwrap();
    let mut model = Model::new(300);
    model.commit(&db, 3000, &[]).unwrap();
    db.checkpoint(&db.view(), &[]).unwrap();
    drop(db.compact(&db.view(), &model.living(), &[]).unwrap());
    model.commit(&db, 30, &[7]).unwrap();
    drop(db);
    let names = || std::fs::read_dir(path.join("rocks")).unwrap().map(|entry| entry.unwrap().path());
    let mut noticed = 0;
    for file in names().collect::<Vec<_>>() {
        let whole = std::fs::read(&file).unwrap();
        for at in [whole.len() / 3, whole.len() / 2, whole.len().saturating_sub(20)] {
            let mut damaged = whole.clone();
            for byte in damaged.iter_mut().skip(at).take(8) {
                *byte ^= 0x55;
            }
            std::fs::write(&file, &damaged).unwrap();
            match Rocks::open_read_only(&path) {
                Err(
                    StorageError::Corrupt { .. } | StorageError::Backend { .. } | StorageError::NotADatabase { .. },
                ) => {
                    noticed += 1;
                }
                Err(other) => panic!("{}: {other:?}", file.display()),
                Ok(db) if db.verify().is_empty() => {
                    assert!(contents(&db.view()) == model.slots, "{}", file.display());
                }
                Ok(_) => noticed += 1,
            }
        }
        std::fs::write(&file, &whole).unwrap();
    }
    assert!(noticed > 3, "{noticed} noticed");
}

/// A writer flushes, compacts and takes files away; readers that open meanwhile see one of its states.
#[test]
fn readers_open_while_a_writer_works() {
    let dir = scratch();
    let path = dir.path().join("db");
    let db = Rocks::create(&path, &schema(500, IdKind::U64), Durability::Os).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    let opens = std::env::var("OMENDB_OPENS").map_or(200, |n| n.parse().expect("a number of openings"));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0u64.. {
                if done.load(std::sync::atomic::Ordering::Relaxed) {
                    return round;
                }
                let dead: Vec<u32> = db.view().living().collect();
                let rows = vec![round as u8; 500 * 700];
                let ids: Vec<u64> = (round * 700..round * 700 + 700).collect();
                let rows = omendb_storage::Packed::new(&rows, 500);
                let ids = omendb_storage::IdColumn::U64(&ids);
                db.commit(omendb_storage::Commit { rows: &rows, ids, dead: &dead }).unwrap();
                let write = |out: &mut dyn std::io::Write| out.write_all(&[round as u8; 300_000]);
                let blobs = [omendb_storage::BlobSource { name: "graph", write: &write }];
                match round % 4 {
                    1 => db.checkpoint(&db.view(), &blobs).unwrap(),
                    3 => drop(db.compact(&db.view(), &db.view().living().collect::<Vec<_>>(), &blobs).unwrap()),
                    _ => {}
                }
            }
            0
        });
        let end = scopeguard::guard((), |()| done.store(true, std::sync::atomic::Ordering::Relaxed));
        for open in 0..opens {
            let reader = Rocks::open_read_only(&path).unwrap_or_else(|error| panic!("{open}: {error}"));
            let view = reader.view();
            assert!(view.live() == 0 || view.live() == 700, "{view:?}");
            let bytes: Vec<u8> = view.living().map(|slot| view.row(slot)[0]).collect();
            assert!(bytes.windows(2).all(|pair| pair[0] == pair[1]));
            if let Some(blob) = reader.blob("graph").unwrap() {
                assert!(blob.len() == 300_000 && blob.windows(2).all(|pair| pair[0] == pair[1]));
            }
        }
        drop(end);
        println!("{opens} openings beside {} commits", writer.join().unwrap());
    });
    // What is written about the data does not grow with every compaction.
    for file in std::fs::read_dir(path.join("rocks")).unwrap().map(Result::unwrap) {
        let (name, long) = (file.file_name(), file.metadata().unwrap().len());
        let about = ["LOG", "MANIFEST"].iter().any(|begin| name.to_str().unwrap().starts_with(begin));
        assert!(!about || long < 3 << 20, "{name:?} has {long} bytes");
    }
}

#[test]
fn what_ended_while_it_was_made_can_be_made_again() {
    let dir = scratch();
    let path = dir.path().join("db");
    drop(Rocks::create(&path, &schema(30, IdKind::U64), Durability::Sync).unwrap());
    // As if the process had ended before RocksDB's directory got its name.
    std::fs::rename(path.join("rocks"), path.join("rocks.new")).unwrap();
    let opened = Rocks::open(&path, Durability::Sync);
    assert!(matches!(opened, Err(StorageError::NotADatabase { .. })));
    let db = Rocks::create(&path, &schema(30, IdKind::U64), Durability::Sync).unwrap();
    Model::new(30).commit(&db, 5, &[]).unwrap();
    let names: Vec<_> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

/// RocksDB's files are reached through the folder's handle as ours are.
#[test]
fn a_folder_that_is_renamed_or_replaced() {
    let dir = scratch();
    let (now, old) = (dir.path().join("now"), dir.path().join("old"));
    let db = Rocks::create(&now, &schema(30, IdKind::U64), Durability::Sync).unwrap();
    let mut model = Model::new(30);
    model.commit(&db, 500, &[]).unwrap();
    std::fs::rename(&now, &old).unwrap();
    model.commit(&db, 500, &[1]).unwrap();
    drop(db.compact(&db.view(), &model.living(), &[]).unwrap());
    model.reorder(&model.living());
    assert!(!now.exists());
    let other = Rocks::create(&now, &schema(30, IdKind::U64), Durability::Sync).unwrap();
    let mut others = Model::new(30);
    others.commit(&other, 7, &[]).unwrap();
    for refused in [model.clone().commit(&db, 1, &[]).err(), db.clear().err(), db.checkpoint(&db.view(), &[]).err()] {
        assert!(matches!(refused, Some(StorageError::Moved { .. })), "{refused:?}");
    }
    drop((db, other));
    assert_eq!(contents(&Rocks::open(&old, Durability::Sync).unwrap().view()), model.slots);
    let db = Rocks::open(&now, Durability::Sync).unwrap();
    assert_eq!(contents(&db.view()), others.slots);
    std::fs::remove_file(now.join("LOCK")).unwrap();
    assert!(matches!(others.clone().commit(&db, 1, &[]), Err(StorageError::Unlocked { .. })));
    assert!(crate::fork::forked(|| {
        assert!(matches!(others.clone().commit(&db, 1, &[]), Err(StorageError::Forked { .. })));
        assert_eq!(contents(&db.view()), others.slots);
    }));
    let mut db = Some(db);
    assert!(crate::fork::forked(|| db = None));
}
