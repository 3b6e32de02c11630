//! FORMAT.md says what is in RocksDB.

use std::io::Write;

use omendb_storage::rocks::Rocks;
use omendb_storage::{BlobSource, Durability, IdKind, Storage};
use rocksdb::{DB, IteratorMode, Options};

use crate::format::{compare, tables};
use crate::image::scratch;
use crate::kit::{Model, schema};

const FAMILIES: [&str; 6] = ["default", "meta", "rows", "slots", "dead", "blobs"];

/// All pairs of a family.
fn pairs(db: &DB, family: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let all = db.iterator_cf(db.cf_handle(family).unwrap(), IteratorMode::Start);
    all.map(|pair| pair.unwrap()).map(|(key, value)| (key.into_vec(), value.into_vec())).collect()
}

#[test]
fn the_document_says_what_is_in_rocksdb() {
    let dir = scratch();
    let path = dir.path().join("db");
    let schema = schema(3000, IdKind::Text);
    let storage = Rocks::create(&path, &schema, Durability::Sync).unwrap();
    storage.clear().unwrap();
    let mut model = Model::new(3000);
    let write = |out: &mut dyn Write| out.write_all(&[7; 70_000]);
    for _ in 0..2 {
        storage.checkpoint(&storage.view(), &[BlobSource { name: "graph", write: &write }]).unwrap();
    }
    model.commit(&storage, 5, &[]).unwrap();
    model.commit(&storage, 2, &[1, 3]).unwrap();
    drop(storage);

    let tables = tables();
    let (u32s, u64s) = (|n: u32| n.to_le_bytes(), |n: u64| n.to_le_bytes());
    let db = DB::open_cf_for_read_only(&Options::default(), path.join("rocks"), FAMILIES, false).unwrap();
    assert_eq!(pairs(&db, "default"), []);

    let meta = pairs(&db, "meta");
    let keys: Vec<&[u8]> = meta.iter().map(|(key, _)| &**key).collect();
    assert_eq!(keys, [&b"schema"[..], b"state"]);
    let fields: [(&str, &[u8]); 3] = [("version", &u32s(1)), ("bytes of a row", &u64s(3000)), ("kind", &[1])];
    compare(&tables["Schema"], &meta[0].1, &fields);
    assert_eq!(meta[0].1[13..], schema.user);
    compare(
        &tables["State"],
        &meta[1].1,
        &[
            ("epoch", &u64s(1)),
            ("commit", &u64s(3)),
            ("slots", &u64s(7)),
            ("commit that the blobs cover", &u64s(1)),
            ("number of the next blob", &u64s(2)),
        ],
    );
    let blob = meta[1].1[40..].strip_prefix(b"\x05graph").unwrap();
    let fields: [(&str, &[u8]); 3] =
        [("number", &u64s(1)), ("bytes", &u64s(70_000)), ("checksum", &u32s(crc32c::crc32c(&[7; 70_000])))];
    compare(&tables["Blob"], blob, &fields);
    assert_eq!(blob.len(), 20);

    let key = |major: u64, minor: u32| [&major.to_be_bytes()[..], &minor.to_be_bytes()].concat();
    let rows = |slots: std::ops::Range<usize>| model.slots[slots].iter().flat_map(|(_, row, _)| row.clone()).collect();
    let pages: [(Vec<u8>, Vec<u8>); 4] =
        [(key(1, 0), rows(0..2)), (key(1, 1), rows(2..4)), (key(1, 2), rows(4..6)), (key(1, 3), rows(6..7))];
    assert_eq!(pairs(&db, "rows"), pages);
    let fields: [(&str, &[u8]); 2] = [("epoch, or number", &1u64.to_be_bytes()), ("page", &3u32.to_be_bytes())];
    compare(&tables["Number and page"], &pages[3].0, &fields);

    let blobs = pairs(&db, "blobs");
    assert_eq!(blobs, [(key(1, 0), vec![7; 65_536]), (key(1, 1), vec![7; 70_000 - 65_536])]);

    let ids = |slots: std::ops::Range<usize>| {
        let mut bytes = u32s(slots.len() as u32).to_vec();
        for (id, _, _) in &model.slots[slots] {
            bytes.extend_from_slice(&(id.len() as u16).to_le_bytes());
            bytes.extend_from_slice(id.as_bytes());
        }
        bytes
    };
    let slots = pairs(&db, "slots");
    assert_eq!(slots, [(key(1, 0), ids(0..5)), (key(1, 5), ids(5..7))]);
    compare(&tables["Ids of a commit"], &slots[0].1, &[("ids", &u32s(5))]);

    let dead = pairs(&db, "dead");
    assert_eq!(dead.len(), 1);
    let fields: [(&str, &[u8]); 2] = [("epoch", &1u64.to_be_bytes()), ("commit", &3u64.to_be_bytes())];
    compare(&tables["Epoch and commit"], &dead[0].0, &fields);
    assert_eq!(dead[0].1, [u32s(1), u32s(3)].concat());
}

#[test]
fn a_newer_version_is_refused() {
    let dir = scratch();
    let path = dir.path().join("db");
    drop(Rocks::create(&path, &schema(8, IdKind::U64), Durability::Sync).unwrap());
    let db = DB::open_cf(&Options::default(), path.join("rocks"), FAMILIES).unwrap();
    let meta = db.cf_handle("meta").unwrap();
    let mut value = db.get_cf(meta, "schema").unwrap().unwrap();
    value[0] = 2;
    db.put_cf(meta, "schema", value).unwrap();
    drop(db);
    match Rocks::open(&path, Durability::Sync).err() {
        Some(omendb_storage::StorageError::Version { found: 2, supported: 1, .. }) => {}
        other => panic!("{other:?}"),
    }
}

/// Pages of the next epoch that no state ever named, and a blob under a number that none names.
#[test]
fn what_unfinished_calls_left_goes_with_the_next_that_are_whole() {
    let dir = scratch();
    let path = dir.path().join("db");
    let write = |out: &mut dyn Write| out.write_all(&[7; 100]);
    for compact in [false, true] {
        let storage = Rocks::create(&path, &schema(3000, IdKind::U64), Durability::Sync).unwrap();
        Model::new(3000).commit(&storage, 5, &[]).unwrap();
        for _ in 0..3 {
            storage.checkpoint(&storage.view(), &[BlobSource { name: "graph", write: &write }]).unwrap();
        }
        drop(storage);
        let next = |minor: u32| [&1u64.to_be_bytes()[..], &minor.to_be_bytes()].concat();
        let db = DB::open_cf(&Options::default(), path.join("rocks"), FAMILIES).unwrap();
        for family in ["rows", "slots", "blobs"] {
            db.put_cf(db.cf_handle(family).unwrap(), next(50), [7; 100]).unwrap();
        }
        drop(db);
        let storage = Rocks::open(&path, Durability::Sync).unwrap();
        if compact {
            storage.compact(&storage.view(), &[0, 1, 2, 3, 4], &[]).unwrap();
        } else {
            storage.clear().unwrap();
        }
        drop(storage);
        let db = DB::open_cf_for_read_only(&Options::default(), path.join("rocks"), FAMILIES, false).unwrap();
        let counts = ["rows", "slots", "blobs"].map(|family| pairs(&db, family).len());
        assert_eq!(counts, if compact { [3, 1, 0] } else { [0, 0, 0] }, "compact: {compact}");
        drop(db);
        std::fs::remove_dir_all(&path).unwrap();
    }
}
