//! What a database needs now and then: its space back, its rows out of damaged files.

mod data;

use data::{clustered, files, number, numbers, recall};
use omendb_engine::{Db, IdKind, Metric, OpenOptions, Options, SearchOptions};

#[test]
fn compacting_gives_space_back_and_keeps_answers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let (rows, dim) = (6000, 32);
    let values = clustered(rows, dim, 1);
    let db = Db::create(&path, Options::new(dim, Metric::Cosine)).unwrap();
    db.add_batch(&numbers(rows), &values).unwrap();
    // Every row is replaced by itself, and five of six deleted.
    db.upsert_batch(&numbers(rows), &values).unwrap();
    db.delete_batch((0..rows as u64).filter(|id| id % 6 != 0)).unwrap();
    let before = db.stats();
    let reader = db.clone();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for query in values.chunks(dim).step_by(60) {
                let hits = reader.search(query, 5).unwrap();
                assert!(hits.len() == 5 && hits.iter().all(|hit| number(hit).is_multiple_of(6)));
            }
        });
        db.compact().unwrap();
    });
    let after = db.stats();
    assert_eq!((after.count, after.slots, after.buffered), (1000, 1000, 0));
    assert!(after.disk_bytes() < before.disk_bytes() / 3, "{:?} {:?}", before.disk, after.disk);
    assert!(db.verify().is_ok(), "{}", db.verify());
    let kept = |db: &Db| {
        for query in values.chunks(dim).step_by(60) {
            let exact = db.search_with(query, &SearchOptions::new(10).exact(true)).unwrap();
            let found = db.search_with(query, &SearchOptions::new(10).width(100)).unwrap();
            let right = found.iter().filter(|hit| exact.iter().any(|near| near.id == hit.id)).count();
            assert!(right >= 9);
        }
    };
    kept(&db);
    db.add(7, &values[7 * dim..8 * dim]).unwrap();
    drop(reader);
    drop(db);
    let db = Db::open(&path).unwrap();
    assert_eq!((db.count(), db.contains(6), db.contains(8)), (1001, true, false));
    kept(&db);
}

#[test]
fn compacting_rewrites_nothing_where_nothing_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let values = clustered(2000, 8, 5);
    let db = Db::create(&path, Options::new(8, Metric::L2)).unwrap();
    db.add_batch(&numbers(2000), &values).unwrap();
    db.compact().unwrap();
    let stats = db.stats();
    assert_eq!((stats.epoch, stats.count, stats.buffered), (0, 2000, 0));
    db.delete(7u64).unwrap();
    db.compact().unwrap();
    let stats = db.stats();
    assert_eq!((stats.epoch, stats.count, stats.slots), (1, 1999, 1999));
}

#[test]
fn in_memory_compacting_keeps_no_second_graph() {
    let db = Db::in_memory(Options::new(8, Metric::L2)).unwrap();
    db.add_batch(&numbers(2000), &clustered(2000, 8, 5)).unwrap();
    db.flush().unwrap();
    let before = db.stats().memory_bytes();
    db.delete(7u64).unwrap();
    db.compact().unwrap();
    assert!(db.stats().memory_bytes() <= before, "{:?}, {before} before", db.stats().memory);
}

#[test]
fn repairing_saves_the_rows_that_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("damaged.omen"), folder.path().join("repaired.omen"));
    let (rows, dim) = (2000, 16);
    let values = clustered(rows, dim, 2);
    let ids: Vec<String> = (0..rows).map(|row| format!("row {row}")).collect();
    let db = Db::create(&from, Options::new(dim, Metric::L2).id_kind(IdKind::Text)).unwrap();
    db.add_batch(&ids, &values).unwrap();
    db.delete("row 3").unwrap();
    drop(db);
    // The graph is lost, and one byte of one row.
    for (name, mut bytes) in files(&from) {
        let row: &[u8] = bytemuck::cast_slice(&values[77 * dim..78 * dim]);
        if name.starts_with("graph") {
            bytes.truncate(100);
        } else if name.starts_with("rows")
            && let Some(place) = bytes.windows(row.len()).position(|window| window == row)
        {
            bytes[place + 5] ^= 4;
        }
        std::fs::write(from.join(name), bytes).unwrap();
    }
    let damaged = files(&from);
    let repaired = Db::repair(&from, &to, OpenOptions::new()).unwrap();
    assert!(damaged == files(&from), "repairing changed the damaged database");
    let db = repaired.db;
    assert_eq!((db.count(), db.contains("row 77"), db.contains("row 3")), (rows - 2, false, false));
    assert!(repaired.lost.iter().any(|what| what.to_string().contains("77")), "{:?}", repaired.lost);
    assert!(db.verify().is_ok(), "{}", db.verify());
    assert_eq!(db.get("row 78").unwrap(), &values[78 * dim..79 * dim]);
}

/// RocksDB sums pages, so that a page is lost with a row; the new database is in RocksDB too.
#[cfg(feature = "rocksdb")]
#[test]
fn repair_saves_what_is_whole_in_rocksdb() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from.omen"), folder.path().join("to.omen"));
    let (rows, dim) = (2000, 16);
    let values = clustered(rows, dim, 2);
    let options = Options::new(dim, Metric::L2).backend(omendb_engine::Backend::RocksDb);
    let db = Db::create(&from, options).unwrap();
    db.add_batch(&numbers(rows), &values).unwrap();
    db.delete(3u64).unwrap();
    drop(db);
    let row: &[u8] = bytemuck::cast_slice(&values[777 * dim..778 * dim]);
    let mut hit = 0;
    for (name, mut bytes) in files(&from.join("rocks")) {
        if let Some(place) = bytes.windows(row.len()).position(|window| window == row) {
            bytes[place + 5] ^= 4;
            std::fs::write(from.join("rocks").join(name), bytes).unwrap();
            hit += 1;
        }
    }
    assert_eq!(hit, 1, "the row lies in one file");
    assert!(matches!(
        Db::open(&from),
        Err(omendb_engine::OpenError::Storage(omendb_engine::StorageError::Corrupt { .. }))
    ));
    let damaged = files(&from.join("rocks"));
    let repaired = Db::repair(&from, &to, OpenOptions::new()).unwrap();
    assert!(damaged == files(&from.join("rocks")), "repairing changed the damaged database");
    let db = repaired.db;
    assert_eq!((db.contains(777u64), db.contains(3u64)), (false, false));
    let lost = rows - 1 - db.count();
    assert!((1..=128).contains(&lost), "{lost} rows lost");
    assert!(repaired.lost.iter().any(|what| what.to_string().contains("777")), "{:?}", repaired.lost);
    assert!(db.verify().is_ok(), "{}", db.verify());
    assert_eq!(db.get(5u64).unwrap(), &values[5 * dim..6 * dim]);
    assert!(to.join("rocks").is_dir());
}

#[test]
fn a_row_in_the_buffer_outlives_checkpoints_and_compacting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let values = clustered(300, 8, 3);
    let queries = clustered(20, 8, 4);
    for compact in [false, true] {
        let db = Db::open_or_create(&path, Options::new(8, Metric::Cosine).buffer_rows(1000)).unwrap();
        db.upsert_batch(&numbers(300), &values).unwrap();
        if compact {
            db.compact().unwrap();
        } else {
            db.checkpoint().unwrap();
        }
        db.upsert_batch(&numbers(150), &values[..150 * 8]).unwrap();
        drop(db);
        let db = Db::open(&path).unwrap();
        assert_eq!(db.count(), 300);
        assert_eq!(recall(&db, &values, &queries, 10, 300), 1.0);
    }
}

#[test]
fn a_checkpoint_with_nothing_to_write_says_that_the_folder_was_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (path, away) = (folder.path().join("db.omen"), folder.path().join("away"));
    let db = Db::create(&path, Options::new(8, Metric::L2)).unwrap();
    db.add_batch(&numbers(2_000), &clustered(2_000, 8, 3)).unwrap();
    db.flush().unwrap();
    db.checkpoint().unwrap();
    db.checkpoint().unwrap();
    std::fs::rename(&path, &away).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(db.checkpoint().is_err(), "another folder has its path");
    drop(db);
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0, "nothing is written into the other folder");
    assert_eq!(Db::open(&away).unwrap().stats().count, 2_000);
}

#[test]
fn rows_behind_the_checkpoint_are_linked_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, crashed) = (folder.path().join("db.omen"), folder.path().join("crashed.omen"));
    let (rows, late, dim) = (2500, 500, 8);
    let values = clustered(rows, dim, 5);
    let (ids, early) = (numbers(rows), rows - late);
    let db = Db::create(&path, Options::new(dim, Metric::L2)).unwrap();
    db.add_batch(&ids[..early], &values[..early * dim]).unwrap();
    db.checkpoint().unwrap();
    db.add_batch(&ids[early..], &values[early * dim..]).unwrap();
    db.flush().unwrap();
    // What a crash leaves now: closing would make another checkpoint.
    std::fs::create_dir(&crashed).unwrap();
    for (name, bytes) in files(&path) {
        std::fs::write(crashed.join(name), bytes).unwrap();
    }
    let db = Db::open(&crashed).unwrap();
    let found_all = |db: &Db| {
        for (id, row) in ids.iter().zip(values.chunks(dim)).skip(early) {
            let hit = &db.search(row, 1).unwrap()[0];
            assert_eq!((number(hit), hit.distance), (*id, 0.0));
        }
    };
    found_all(&db);
    db.flush().unwrap();
    let stats = db.stats();
    assert_eq!((stats.count, stats.buffered), (rows, 0));
    assert_eq!((stats.graph.rows, stats.graph.linked), (rows as u64, late as u64));
    found_all(&db);
}
