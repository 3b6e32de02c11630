//! Keys and values made to deceive, in a RocksDB that is whole: its checksums hold, what they sum is
//! extreme. What comes is a typed error or a database that works; never a panic or a huge allocation.

use std::fs;
use std::path::Path;

use omendb_storage::rocks::{Rocks, salvage};
use omendb_storage::{BlobSource, Durability, IdKind, Storage, StorageError};
use rocksdb::{DB, IteratorMode, Options};

use crate::image::scratch;
use crate::kit::{Model, contents, schema};

const FAMILIES: [&str; 6] = ["default", "meta", "rows", "slots", "dead", "blobs"];

fn create(path: &Path) {
    let db = Rocks::create(path, &schema(24, IdKind::Text), Durability::Sync).unwrap();
    let mut model = Model::new(24);
    model.commit(&db, 5, &[]).unwrap();
    model.commit(&db, 0, &[1]).unwrap();
    let write = |out: &mut dyn std::io::Write| out.write_all(b"edges");
    db.checkpoint(&db.view(), &[BlobSource { name: "graph", write: &write }]).unwrap();
    model.commit(&db, 3, &[2]).unwrap();
}

fn raw(path: &Path) -> DB {
    DB::open_cf(&Options::default(), path.join("rocks"), FAMILIES).unwrap()
}

/// What a pair may be replaced by; `None` is no pair at all.
fn replacements(family: &str, key: &[u8], value: &[u8]) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let key = || key.to_vec();
    let mut all = vec![
        (key(), None),
        (key(), Some(Vec::new())),
        (key(), Some(vec![0xFF; value.len()])),
        (key(), Some(value[..value.len() / 2].to_vec())),
        (key(), Some([value, value].concat())),
    ];
    if family == "meta" {
        for at in (0..value.len() - 3).step_by(4) {
            for bytes in [[0xFF; 8], [0; 8]] {
                let mut value = value.to_vec();
                let end = value.len().min(at + bytes.len());
                value[at..end].copy_from_slice(&bytes[..end - at]);
                all.push((key(), Some(value)));
            }
        }
    } else {
        // The same under the last key of the epoch, one that is too long, and one that is too short.
        let major = &key()[..8];
        all.push(([major, &vec![0xFF; key().len() - 8]].concat(), Some(value.to_vec())));
        all.push(([&key()[..], &[1]].concat(), Some(value.to_vec())));
        all.push((vec![0xFF], Some(value.to_vec())));
    }
    all
}

/// Opens it in every way there is and goes on with it where it opens. True if it was refused.
fn survive(path: &Path, what: &str) -> bool {
    let typed = |error: StorageError| match error {
        StorageError::Corrupt { .. } | StorageError::Version { .. } | StorageError::NotADatabase { .. } => {}
        other => panic!("{what}: {other:?}"),
    };
    match Rocks::open_read_only(path) {
        Ok(db) => drop(db.verify()),
        Err(error) => typed(error),
    }
    if let Err(error) = salvage(path, |_, _, _| Ok::<_, StorageError>(())) {
        typed(error);
    }
    match Rocks::open(path, Durability::Sync) {
        Ok(db) => {
            let (row_bytes, view) = (db.schema().row_bytes, db.view());
            assert!(view.slots() < 1000, "{what}: {view:?}");
            assert_eq!(view.living().count(), view.live() as usize, "{what}");
            drop(db.blob("graph"));
            drop(db.verify());
            let mut model = Model::of(contents(&view), row_bytes);
            model.commit(&db, 2, &[]).unwrap_or_else(|error| panic!("{what}: {error:?}"));
            db.checkpoint(&db.view(), &[]).unwrap();
            drop(db.compact(&db.view(), &db.view().living().collect::<Vec<_>>(), &[]));
            drop(db.clear().unwrap());
            false
        }
        Err(error) => {
            typed(error);
            true
        }
    }
}

#[test]
fn extreme_values_are_refused_or_harmless() {
    let dir = scratch();
    let whole = dir.path().join("whole");
    create(&whole);
    let mut cases = Vec::new();
    {
        let db = raw(&whole);
        for family in FAMILIES {
            for pair in db.iterator_cf(db.cf_handle(family).unwrap(), IteratorMode::Start) {
                let (key, value) = pair.unwrap();
                for (at, by) in replacements(family, &key, &value) {
                    cases.push((family, key.to_vec(), at, by));
                }
            }
        }
    }
    let (mut refused, mut opened) = (0, 0);
    for (family, key, at, by) in &cases {
        let path = dir.path().join("case");
        fs::create_dir_all(path.join("rocks")).unwrap();
        for folder in [".", "rocks"] {
            for entry in fs::read_dir(whole.join(folder)).unwrap().map(Result::unwrap) {
                if entry.path().is_file() {
                    fs::copy(entry.path(), path.join(folder).join(entry.file_name())).unwrap();
                }
            }
        }
        let db = raw(&path);
        let family_of = db.cf_handle(family).unwrap();
        db.delete_cf(family_of, key).unwrap();
        if let Some(by) = by {
            db.put_cf(family_of, at, by).unwrap();
        }
        drop(db);
        match survive(&path, &format!("{family} {key:?} at {at:?}: {by:?}")) {
            true => refused += 1,
            false => opened += 1,
        }
        fs::remove_dir_all(&path).unwrap();
    }
    assert!(refused > 40 && opened > 10, "{refused} refused and {opened} opened of {}", cases.len());
}
