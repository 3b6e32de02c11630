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
