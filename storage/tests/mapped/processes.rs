//! One writer, many readers, in one process or in several.

use std::sync::atomic::{AtomicBool, Ordering};

use omendb_storage::mapped::Mapped;
use omendb_storage::medium::{Disk, Folder, Medium, MediumFile, Open};
use omendb_storage::{BlobSource, Commit, Durability, IdColumn, IdKind, Packed, Storage, StorageError};

use crate::image::scratch;
use crate::kit::{Model, contents, schema};

#[test]
fn a_second_writer_is_told_who_holds_the_lock() {
    let dir = scratch();
    let path = dir.path().join("db");
    let db = Mapped::create(&path, &schema(8, IdKind::U64), Durability::Sync).unwrap();
    for _ in 0..2 {
        match Mapped::open(&path, Durability::Sync) {
            Err(error @ StorageError::Locked { pid, .. }) => {
                assert_eq!(pid, std::process::id());
                assert!(error.to_string().contains("this process"), "{error}");
            }
            other => panic!("{:?}", other.map(|db| db.view())),
        }
    }
    drop(Mapped::open_read_only(&path).unwrap());
    let held = db.view();
    drop(db);
    // Views do not hold the lock, only the handle does.
    drop(Mapped::open(&path, Durability::Sync).unwrap());
    assert_eq!(held.slots(), 0);
}

#[test]
fn a_reader_writes_nothing() {
    let dir = scratch();
    let path = dir.path().join("db");
    let db = Mapped::create(&path, &schema(8, IdKind::U64), Durability::Sync).unwrap();
    let mut model = Model::new(8);
    model.commit(&db, 5, &[]).unwrap();
    let reader = Mapped::open_read_only(&path).unwrap();
    assert!(reader.is_read_only());
    let refused = model.clone().commit(&reader, 1, &[]);
    assert!(matches!(refused, Err(StorageError::ReadOnly { .. })));
    for refused in [
        reader.clear().err(),
        reader.checkpoint(&reader.view(), &[]).err(),
        reader.compact(&reader.view(), &[0, 1, 2, 3, 4], &[]).err(),
        reader.sync().err(),
    ] {
        assert!(matches!(refused, Some(StorageError::ReadOnly { .. })));
    }
    // It sees what was there when it was opened, whatever comes after.
    let before = contents(&reader.view());
    model.commit(&db, 5, &[1]).unwrap();
    db.checkpoint(&db.view(), &[]).unwrap();
    db.clear().unwrap();
    assert_eq!(contents(&reader.view()), before);
    assert_eq!(reader.verify().iter().filter(|problem| problem.file.ends_with("MANIFEST.a")).count(), 0);
}

/// Readers open again and again while a writer commits, checkpoints, compacts and clears: each
/// sees one of the states that were acknowledged, and its blob whole.
#[test]
fn readers_open_while_a_writer_works() {
    for durability in [Durability::Sync, Durability::Os] {
        let dir = scratch();
        let path = dir.path().join("db");
        let db = Mapped::create(&path, &schema(50, IdKind::U64), durability).unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut opened = 0;
                    while !done.load(Ordering::Relaxed) || opened == 0 {
                        let reader = Mapped::open_read_only(&path).unwrap();
                        let view = reader.view();
                        assert!(view.live() == 0 || view.live() == 7, "{view:?}");
                        let bytes: Vec<u8> = view.living().map(|slot| view.row(slot)[0]).collect();
                        assert!(bytes.windows(2).all(|pair| pair[0] == pair[1]), "{bytes:?}");
                        if let Some(blob) = reader.blob("graph").unwrap() {
                            assert!(blob.len() == 10_000 && blob.windows(2).all(|pair| pair[0] == pair[1]));
                        }
                        opened += 1;
                    }
                    opened
                });
            }
            scopeguard::defer! { done.store(true, Ordering::Relaxed) }
            for round in 0..300u64 {
                let view = db.view();
                let rows = vec![round as u8; 350];
                let ids: Vec<u64> = (round * 7..round * 7 + 7).collect();
                let dead: Vec<u32> = view.living().collect();
                db.commit(Commit { rows: &Packed::new(&rows, 50), ids: IdColumn::U64(&ids), dead: &dead }).unwrap();
                let write = |out: &mut dyn std::io::Write| out.write_all(&[round as u8; 10_000]);
                let blobs = [BlobSource { name: "graph", write: &write }];
                match round % 10 {
                    3 | 6 => db.checkpoint(&db.view(), &blobs).unwrap(),
                    8 => {
                        let order: Vec<u32> = db.view().living().collect();
                        drop(db.compact(&db.view(), &order, &blobs).unwrap());
                    }
                    9 if round % 20 == 9 => drop(db.clear().unwrap()),
                    _ => {}
                }
            }
        });
    }
}

/// A medium on which rows that are zero stay holes.
struct Holes;

struct File(std::sync::Arc<dyn MediumFile>);

impl MediumFile for File {
    fn read_at(&self, out: &mut [u8], offset: u64) -> std::io::Result<()> {
        self.0.read_at(out, offset)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> std::io::Result<()> {
        if bytes.len() > 100_000 { Ok(()) } else { self.0.write_at(bytes, offset) }
    }
    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.0.set_len(len)
    }
    fn punch(&self, offset: u64, len: u64) -> std::io::Result<()> {
        self.0.punch(offset, len)
    }
    fn sync(&self) -> std::io::Result<()> {
        self.0.sync()
    }
    fn file(&self) -> &std::fs::File {
        self.0.file()
    }
}

impl Medium for Holes {
    fn open(&self, folder: &Folder, name: &str, how: Open) -> std::io::Result<std::sync::Arc<dyn MediumFile>> {
        Ok(std::sync::Arc::new(File(Disk.open(folder, name, how)?)))
    }
    fn create_dir(&self, path: &std::path::Path) -> std::io::Result<()> {
        Disk.create_dir(path)
    }
    fn list(&self, folder: &Folder) -> std::io::Result<Vec<String>> {
        Disk.list(folder)
    }
    fn remove(&self, folder: &Folder, name: &str) -> std::io::Result<()> {
        Disk.remove(folder, name)
    }
    fn rename(&self, folder: &Folder, from: &str, to: &str) -> std::io::Result<()> {
        Disk.rename(folder, from, to)
    }
    fn sync_dir(&self, folder: &Folder) -> std::io::Result<()> {
        Disk.sync_dir(folder)
    }
}

/// Descriptors of this process for row segments below `path`.
fn segments_held(path: &std::path::Path) -> usize {
    let held = std::fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let prefix = path.join("rows.").display().to_string();
    held.filter(|fd| std::fs::read_link(fd).is_ok_and(|to| to.display().to_string().starts_with(&prefix))).count()
}

/// A database has more segments than a process may have files open.
#[test]
fn segments_are_mapped_without_keeping_descriptors() {
    struct Zeros(usize);
    impl omendb_storage::RowSource for Zeros {
        fn len(&self) -> usize {
            self.0
        }
        fn fill(&self, _: std::ops::Range<usize>, _: usize, _: &mut [u8]) {}
    }
    let dir = scratch();
    let path = dir.path().join("db");
    let schema = omendb_storage::Schema { row_bytes: 260_000, ..schema(1, IdKind::U64) };
    let medium = std::sync::Arc::new(Holes);
    let db = Mapped::create_on(medium.clone(), &path, &schema, Durability::Sync).unwrap();
    // 256 rows a segment.
    let commit = |db: &Mapped, rows: usize| {
        let first = u64::from(db.view().slots());
        let ids: Vec<u64> = (first..first + rows as u64).collect();
        db.commit(Commit { rows: &Zeros(rows), ids: IdColumn::U64(&ids), dead: &[] }).unwrap()
    };
    assert_eq!(commit(&db, 10 * 256 + 1).slots(), 2561);
    assert!(segments_held(&path) <= 1, "{} of 11", segments_held(&path));
    for _ in 0..3 {
        commit(&db, 256);
    }
    assert_eq!(db.verify(), []);
    assert!(segments_held(&path) <= 1, "{} of 14", segments_held(&path));
    let reader = Mapped::open_read_only(&path).unwrap();
    drop(db.compact(&db.view(), &(0..2561).rev().collect::<Vec<_>>(), &[]).err());
    db.clear().unwrap();
    drop(db);
    // The segments are gone by name; what is mapped is there.
    assert_eq!((reader.view().slots(), segments_held(&path)), (3329, 0));
    assert_eq!(reader.view().row(3328), &[0; 260_000][..]);
    let rows = |problem: &omendb_storage::Problem| problem.file.to_str().unwrap().contains("rows.");
    assert!(!reader.verify().iter().any(rows));
}
