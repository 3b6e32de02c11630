//! Salvage from a damaged RocksDB gives rows as they were written, and says what it does not give.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use omendb_storage::rocks::{Rocks, salvage};
use omendb_storage::{Durability, IdKind, Salvaged, StorageError};

use crate::image::scratch;
use crate::kit::{Model, schema};

/// Many small commits, deaths and, after the database was closed and opened again, a long one; and
/// the living rows.
fn database(path: &Path) -> Vec<(String, Vec<u8>)> {
    let db = Rocks::create(path, &schema(300, IdKind::U64), Durability::Os).unwrap();
    let mut model = Model::new(300);
    for _ in 0..2500 {
        model.commit(&db, 1, &[]).unwrap();
    }
    drop(db);
    let db = Rocks::open(path, Durability::Os).unwrap();
    model.commit(&db, 5000, &[3, 2400]).unwrap();
    drop(db);
    model.slots.iter().filter(|(_, _, dead)| !dead).map(|(id, row, _)| (id.clone(), row.clone())).collect()
}

type Rows = Vec<(String, Vec<u8>)>;

fn salvaged(path: &Path) -> Result<(Rows, Salvaged), StorageError> {
    let mut rows = Vec::new();
    let report = salvage(path, |schema, id, row| {
        assert_eq!(schema.row_bytes, row.len());
        rows.push((id.to_string(), row.to_vec()));
        Ok::<_, StorageError>(())
    })?;
    assert_eq!(report.rows as usize, rows.len());
    Ok((rows, report))
}

fn files(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let names = std::fs::read_dir(path.join("rocks")).unwrap().map(|entry| entry.unwrap().path());
    names.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn what_rocksdb_still_reads_comes_out() {
    let dir = scratch();
    let path = dir.path().join("db");
    let living = database(&path);
    let (rows, report) = salvaged(&path).unwrap();
    assert!(rows == living);
    assert_eq!(report.lost, []);

    let whole = files(&path);
    let mut partly = 0;
    for (file, bytes) in &whole {
        // Losses of the list of files are told least surely: it ends where it is damaged.
        let name = file.file_name().unwrap().display();
        let parts = if name.to_string().starts_with("MANIFEST") { 48 } else { 8 };
        for part in 0..parts {
            let at = bytes.len() * part / parts;
            let mut damaged = bytes.clone();
            damaged.iter_mut().skip(at).take(16).for_each(|byte| *byte ^= 0x55);
            std::fs::write(file, &damaged).unwrap();
            match salvaged(&path) {
                Ok((rows, report)) => {
                    // A death may be among what is lost.
                    let strange = rows.iter().filter(|row| !living.contains(row)).count();
                    assert!(strange <= 2, "{name}: {strange} rows that were not there");
                    assert!(rows == living || !report.lost.is_empty(), "{name}: {} rows and no loss told", rows.len());
                    partly += usize::from(rows.len() < living.len() && rows.len() > living.len() / 4);
                }
                Err(
                    StorageError::Corrupt { .. } | StorageError::Backend { .. } | StorageError::NotADatabase { .. },
                ) => {}
                Err(other) => panic!("{name}: {other:?}"),
            }
        }
        std::fs::write(file, bytes).unwrap();
    }
    assert!(partly >= 4, "{partly} damages left a part");
    assert_eq!(salvaged(&path).unwrap().0.len(), living.len());
}

/// A reader of the other backend says what the folder is.
#[test]
fn the_mapped_backend_says_that_it_is_rocksdb() {
    let dir = scratch();
    let path = dir.path().join("db");
    drop(Rocks::create(&path, &schema(8, IdKind::U64), Durability::Sync).unwrap());
    match omendb_storage::mapped::Mapped::open(&path, Durability::Sync).err() {
        Some(StorageError::NotADatabase { what, .. }) => assert!(what.contains("RocksDB"), "{what}"),
        other => panic!("{other:?}"),
    }
}
