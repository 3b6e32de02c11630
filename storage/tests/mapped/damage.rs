//! Every byte flipped, every length cut, files replaced: an error that names the file, or a
//! verification that does, or the answer unchanged.

use std::io::Write;

use omendb_storage::mapped::Mapped;
use omendb_storage::{BlobSource, Durability, IdKind, Storage, StorageError};

use crate::image::{Content, Image, scratch};
use crate::kit::{Contents, Model, contents, made_row, schema};

const BLOB: &[u8] = b"a graph, say, of which some bytes may be damaged";

/// A small database with everything in it, closed.
fn closed(kind: IdKind) -> (Image, Contents) {
    let dir = scratch();
    let path = dir.path().join("db");
    let db = Mapped::create(&path, &schema(9, kind), Durability::Sync).unwrap();
    let mut model = Model::new(9);
    model.commit(&db, 6, &[]).unwrap();
    model.commit(&db, 1, &[2, 4]).unwrap();
    let write = |out: &mut dyn Write| out.write_all(BLOB);
    db.checkpoint(&db.view(), &[BlobSource { name: "graph", write: &write }]).unwrap();
    model.commit(&db, 3, &[0]).unwrap();
    model.commit(&db, 0, &[8]).unwrap();
    model.commit(&db, 1, &[]).unwrap();
    let state = contents(&db.view());
    drop(db);
    (Image::take(&path), state)
}

/// Opens a damaged image both ways and says whether anything was noticed; panics if a wrong
/// answer was called right.
fn examine(image: &Image, file: &str, expected: &Contents, what: &str) -> bool {
    let dir = scratch();
    let path = image.put(&dir);
    let reader = Mapped::open_read_only(&path);
    let read = reader.map(|db| check(&db, file, expected, &format!("{what}, read only")));
    let writer = Mapped::open(&path, Durability::Sync);
    let write = writer.map(|db| check(&db, file, expected, what));
    let mut noticed = false;
    for outcome in [read, write] {
        match outcome {
            Ok(problems) => noticed |= problems,
            Err(StorageError::Corrupt { file: named, .. }) => {
                assert!(named.ends_with(file), "{what}: {} is named", named.display());
                noticed = true;
            }
            Err(StorageError::NeedsRecovery { .. }) => noticed = true,
            Err(StorageError::Version { .. } | StorageError::NotADatabase { .. }) if file.starts_with("MANIFEST") => {
                noticed = true;
            }
            Err(other) => panic!("{what}: {other:?}"),
        }
    }
    noticed
}

fn check(db: &Mapped, file: &str, expected: &Contents, what: &str) -> bool {
    let problems = db.verify();
    for problem in &problems {
        assert!(problem.file.ends_with(file), "{what}: {problem}");
    }
    match db.blob("graph") {
        Ok(blob) => assert_eq!(blob.as_deref(), Some(BLOB), "{what}: another blob, called right"),
        Err(StorageError::Corrupt { .. }) => {
            assert!(!problems.is_empty(), "{what}: the blob is damaged and verification finds nothing");
        }
        Err(other) => panic!("{what}: {other:?}"),
    }
    if problems.is_empty() {
        assert_eq!(contents(&db.view()), *expected, "{what}: another answer, called right");
    }
    !problems.is_empty()
}

#[test]
fn every_byte_flipped() {
    let (mut flips, mut noticed) = (0, 0);
    for kind in [IdKind::U64, IdKind::Text] {
        let (image, expected) = closed(kind);
        assert!(!examine(&image, "none", &expected, "nothing damaged"));
        for (name, content) in &image.0 {
            for offset in content.interesting() {
                for bits in [0x01, 0x80] {
                    let mut damaged = image.clone();
                    damaged.0.get_mut(name).unwrap().flip(offset, bits);
                    let found = examine(&damaged, name, &expected, &format!("{name} byte {offset} ^ {bits:#x}"));
                    flips += 1;
                    noticed += usize::from(found);
                }
            }
        }
    }
    println!("{flips} flips: {noticed} noticed, the answer unchanged by the others");
    assert!(flips > 3000 && noticed > flips / 2);
}

#[test]
fn every_file_cut_at_every_length() {
    let mut cuts = 0;
    for kind in [IdKind::U64, IdKind::Text] {
        let (image, expected) = closed(kind);
        for (name, content) in &image.0 {
            for length in content.interesting() {
                let mut cut = image.clone();
                cut.0.get_mut(name).unwrap().set_len(length);
                let noticed = examine(&cut, name, &expected, &format!("{name} cut to {length}"));
                assert!(noticed || name == "LOCK" || name.starts_with("MANIFEST"), "{name} cut to {length}");
                cuts += 1;
            }
        }
    }
    println!("{cuts} cuts");
    assert!(cuts > 1500);
}

#[test]
fn files_missing_lengthened_and_replaced() {
    for kind in [IdKind::U64, IdKind::Text] {
        let (image, expected) = closed(kind);
        for (name, content) in &image.0 {
            let mut missing = image.clone();
            missing.0.remove(name);
            let noticed = examine(&missing, name, &expected, &format!("{name} missing"));
            assert!(noticed || name == "LOCK" || name.starts_with("MANIFEST"), "{name} missing");

            for more in [1, 8, 64, 5000] {
                let mut longer = image.clone();
                longer.0.get_mut(name).unwrap().write(&made_row(3, more, more), content.length);
                examine(&longer, name, &expected, &format!("{name} longer by {more}"));
                longer.0.get_mut(name).unwrap().set_len(1 << 40);
                examine(&longer, name, &expected, &format!("{name} longer by a terabyte"));
            }
            for length in [0, 1, 7, 64, 100, 4096, 10_000, content.length.min(200_000) as usize] {
                for seed in 0..4 {
                    let mut replaced = image.clone();
                    replaced.0.insert(name.clone(), Content::of(&made_row(seed, length, length)));
                    let noticed = examine(&replaced, name, &expected, &format!("{name} replaced by {length} bytes"));
                    assert!(noticed || name == "LOCK" || name.starts_with("MANIFEST"), "{name} replaced");
                }
            }
        }
        // Both slots: there is no database left, and that is said.
        for bytes in [vec![], vec![0; 300], made_row(1, 2, 500)] {
            let mut gone = image.clone();
            gone.0.insert("MANIFEST.a".into(), Content::of(&bytes));
            gone.0.insert("MANIFEST.b".into(), Content::of(&bytes));
            let dir = scratch();
            let path = gone.put(&dir);
            assert!(matches!(Mapped::open(&path, Durability::Sync), Err(StorageError::Corrupt { .. })));
        }
    }
}

/// What is derived may be missing: it is derived again.
#[test]
fn a_missing_blob_is_told_to_who_asks_for_it() {
    let (image, expected) = closed(IdKind::U64);
    let name = image.named("graph.");
    let mut missing = image.clone();
    missing.0.remove(&name);
    let dir = scratch();
    let path = missing.put(&dir);
    for read_only in [true, false] {
        let db = if read_only { Mapped::open_read_only(&path) } else { Mapped::open(&path, Durability::Sync) }.unwrap();
        assert_eq!(contents(&db.view()), expected);
        let asked = db.blob("graph").unwrap_err();
        assert!(matches!(&asked, StorageError::Corrupt { file, .. } if file.ends_with(&name)), "{asked:?}");
        assert_eq!(db.verify().len(), 1);
        if !read_only {
            db.checkpoint(&db.view(), &[]).unwrap();
            assert_eq!((db.blob("graph").unwrap().is_none(), db.verify()), (true, vec![]));
        }
    }
}

#[test]
fn rows_that_are_damaged_together_are_one_finding() {
    let dir = scratch();
    let path = dir.path().join("db");
    let db = Mapped::create(&path, &schema(64, IdKind::U64), Durability::Sync).unwrap();
    Model::new(64).commit(&db, 9000, &[]).unwrap();
    drop(db);
    let mut image = Image::take(&path);
    let name = image.named("rows.");
    image.0.get_mut(&name).unwrap().write(&vec![0xee; 64 * 3000], 4096 + 64 * 50);
    image.0.get_mut(&name).unwrap().flip(4096 + 64 * 5000, 1);
    let found = Mapped::open(image.put(&dir), Durability::Sync).unwrap().verify();
    let told: Vec<&str> = found.iter().map(|problem| problem.what.as_str()).collect();
    assert!(told[0].starts_with("the 3000 rows of slots 50 to 3049 (ids"), "{told:?}");
    assert!(told.len() == 2 && told[1].starts_with("the row of slot 5000 (id"), "{told:?}");
}

/// Files of one database are refused in another, even where they would fit.
#[test]
fn files_of_another_database_are_refused() {
    let (one, expected) = closed(IdKind::U64);
    let (other, _) = closed(IdKind::U64);
    for prefix in ["rows.", "commits.", "ids."] {
        let name = one.named(prefix);
        let mut mixed = one.clone();
        mixed.0.insert(name.clone(), other.0[&name].clone());
        assert!(examine(&mixed, &name, &expected, &format!("{name} of another database")));
    }
}

#[test]
fn what_is_no_database_is_told_apart() {
    let dir = scratch();
    let open = |name: &str| Mapped::open(dir.path().join(name), Durability::Sync).err().expect("no database");
    assert!(matches!(open("nothing"), StorageError::NotFound { .. }));
    std::fs::write(dir.path().join("file"), b"text").unwrap();
    assert!(matches!(open("file"), StorageError::NotADatabase { .. }));
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    assert!(matches!(open("empty"), StorageError::NotADatabase { .. }));
    assert_eq!(std::fs::read_dir(dir.path().join("empty")).unwrap().count(), 0, "opening leaves nothing behind");
    std::fs::create_dir(dir.path().join("full")).unwrap();
    std::fs::write(dir.path().join("full/letter.txt"), b"text").unwrap();
    let create = |name: &str| Mapped::create(dir.path().join(name), &schema(8, IdKind::U64), Durability::Sync);
    assert!(matches!(create("full"), Err(StorageError::Exists { .. })));
    assert!(matches!(create("file"), Err(StorageError::Exists { .. })));
    assert!(matches!(create("no/parent"), Err(StorageError::Io { .. })));
    drop(create("empty").unwrap());
    assert!(matches!(create("empty"), Err(StorageError::Exists { .. })));
}

/// A later format's files are not touched, and the version is told.
#[test]
fn a_newer_version_is_told() {
    let (mut image, _) = closed(IdKind::U64);
    let dir = scratch();
    let path = image.put(&dir);
    let mut bytes = std::fs::read(path.join("MANIFEST.a")).unwrap();
    bytes[8] = 4;
    let summed = bytes.len() - 4;
    let crc = crc32c::crc32c(&bytes[..summed]).to_le_bytes();
    bytes[summed..].copy_from_slice(&crc);
    image.0.insert("MANIFEST.a".into(), Content::of(&bytes));
    let path = image.put(&dir);
    for opened in [Mapped::open(&path, Durability::Sync), Mapped::open_read_only(&path)] {
        assert!(matches!(opened, Err(StorageError::Version { found: 4, supported: 3, .. })));
    }
    assert_eq!(Image::take(&path), image);
}
