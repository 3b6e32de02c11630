//! A database is its folder: what becomes of the folder's name, or of LOCK, loses nothing.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use omendb_storage::mapped::Mapped;
use omendb_storage::{BlobSource, Durability, IdKind, Storage, StorageError};

use crate::image::scratch;
use crate::kit::{Contents, Model, contents, schema};

const ROW: usize = 24;

fn create(path: &Path) -> (Mapped, Model) {
    let db = Mapped::create(path, &schema(ROW, IdKind::U64), Durability::Sync).unwrap();
    let mut model = Model::new(ROW);
    model.commit(&db, 5, &[]).unwrap();
    (db, model)
}

fn found(path: &Path) -> Contents {
    let db = Mapped::open(path, Durability::Sync).unwrap();
    assert_eq!(db.verify(), []);
    contents(&db.view())
}

fn checkpoint(db: &Mapped) -> Result<(), StorageError> {
    let write = |out: &mut dyn std::io::Write| out.write_all(b"edges");
    db.checkpoint(&db.view(), &[BlobSource { name: "graph", write: &write }])
}

/// All that writes, with the error that each gave.
fn all_writes(db: &Mapped, model: &Model) -> Vec<StorageError> {
    let view = db.view();
    let living: Vec<u32> = view.living().collect();
    let tried = [
        model.clone().commit(db, 3, &[]).err(),
        model.clone().commit(db, 0, &living[..1]).err(),
        checkpoint(db).err(),
        db.compact(&view, &living, &[]).err(),
        db.clear().err(),
        db.sync().err(),
    ];
    model.check(&db.view());
    tried.into_iter().map(|error| error.expect("a refusal")).collect()
}

#[test]
fn a_renamed_folder_is_written_on() {
    let dir = scratch();
    let (old, new) = (dir.path().join("old"), dir.path().join("new"));
    let (db, mut model) = create(&old);
    fs::rename(&old, &new).unwrap();
    model.commit(&db, 5, &[1]).unwrap();
    checkpoint(&db).unwrap();
    model.commit(&db, 5, &[2]).unwrap();
    drop(db.compact(&db.view(), &model.living(), &[]).unwrap());
    model.reorder(&model.living());
    assert_eq!(db.verify(), []);
    drop(db);
    assert!(!old.exists(), "nothing is made under the old name");
    assert_eq!(found(&new), model.slots);
}

#[test]
fn a_writer_whose_place_was_taken_is_refused() {
    let dir = scratch();
    let (now, old) = (dir.path().join("now"), dir.path().join("old"));
    let (first, model) = create(&now);
    fs::rename(&now, &old).unwrap();
    let (second, mut other) = create(&now);
    for error in all_writes(&first, &model) {
        assert!(matches!(error, StorageError::Moved { .. }), "{error:?}");
    }
    other.commit(&second, 7, &[0]).unwrap();
    checkpoint(&second).unwrap();
    drop((first, second));
    assert_eq!(found(&old), model.slots);
    assert_eq!(found(&now), other.slots);
}

/// The folder is replaced while a checkpoint, or a compaction, is being written: the manifest does not
/// flip.
#[test]
fn a_place_that_is_taken_within_a_checkpoint_is_noticed_before_the_flip() {
    for compact in [false, true] {
        let dir = scratch();
        let (now, old) = (dir.path().join("now"), dir.path().join("old"));
        let (db, model) = create(&now);
        let before = fs::read(now.join("MANIFEST.a")).unwrap();
        let write = |out: &mut dyn std::io::Write| {
            fs::rename(&now, &old)?;
            fs::create_dir(&now)?;
            out.write_all(b"edges")
        };
        let blobs = [BlobSource { name: "graph", write: &write }];
        let refused = match compact {
            false => db.checkpoint(&db.view(), &blobs),
            true => db.compact(&db.view(), &model.living(), &blobs).map(drop),
        };
        assert!(matches!(refused, Err(StorageError::Moved { .. })), "{refused:?}");
        assert_eq!(fs::read(old.join("MANIFEST.a")).unwrap(), before);
        assert_eq!(fs::read_dir(&now).unwrap().count(), 0, "nothing is made in the other folder");
        let names: Vec<_> = fs::read_dir(&old).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 5, "what was begun is gone: {names:?}");
        drop(db);
        assert_eq!(found(&old), model.slots);
    }
}

#[test]
fn a_removed_folder_takes_no_more_rows() {
    let dir = scratch();
    let path = dir.path().join("db");
    let (db, model) = create(&path);
    fs::remove_dir_all(&path).unwrap();
    for error in all_writes(&db, &model) {
        assert!(matches!(error, StorageError::Moved { .. }), "{error:?}");
    }
    let (other, others) = create(&path);
    for error in all_writes(&db, &model) {
        assert!(matches!(error, StorageError::Moved { .. }), "{error:?}");
    }
    drop((db, other));
    assert_eq!(found(&path), others.slots);
}

#[test]
fn a_link_that_is_turned_to_another_database_is_noticed() {
    let dir = scratch();
    let [a, b, link] = ["a", "b", "link"].map(|name| dir.path().join(name));
    drop(create(&b));
    let other = found(&b);
    drop(create(&a));
    std::os::unix::fs::symlink(&a, &link).unwrap();
    let db = Mapped::open(&link, Durability::Sync).unwrap();
    let mut model = Model::of(contents(&db.view()), ROW);
    model.commit(&db, 2, &[]).unwrap();
    // By another name it is the same folder, and the same lock.
    assert!(matches!(Mapped::open(&a, Durability::Sync), Err(StorageError::Locked { .. })));
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&b, &link).unwrap();
    for error in all_writes(&db, &model) {
        assert!(matches!(error, StorageError::Moved { .. }), "{error:?}");
    }
    drop(db);
    assert_eq!(found(&a), model.slots);
    assert_eq!(found(&b), other);
}

#[test]
fn a_lock_file_that_goes_is_noticed_and_keeps_others_out() {
    for replaced in [false, true] {
        let dir = scratch();
        let path = dir.path().join("db");
        let (db, model) = create(&path);
        fs::remove_file(path.join("LOCK")).unwrap();
        if replaced {
            fs::write(path.join("LOCK"), "1\n").unwrap();
        }
        for error in all_writes(&db, &model) {
            assert!(matches!(error, StorageError::Unlocked { .. }), "{error:?}");
        }
        // The folder's own lock is still held.
        let second = Mapped::open(&path, Durability::Sync);
        assert!(matches!(second, Err(StorageError::Locked { .. })), "{:?}", second.map(|db| db.view()));
        drop(db);
        assert_eq!(found(&path), model.slots);
    }
}

/// In a process of its own, which changes its current folder.
const CHANGES: &str = "OMENDB_CHANGES_FOLDER";

#[test]
fn another_current_folder_changes_nothing() {
    if let Ok(root) = std::env::var(CHANGES) {
        return changes_folder(Path::new(&root));
    }
    let dir = scratch();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "place::another_current_folder_changes_nothing", "--nocapture"])
        .env(CHANGES, dir.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
}

fn changes_folder(root: &Path) {
    let name = Path::new("notes.omen");
    let turn_to = |folder: &str| {
        fs::create_dir_all(root.join(folder)).unwrap();
        std::env::set_current_dir(root.join(folder)).unwrap();
    };
    turn_to("b");
    drop(create(name));
    let other = found(name);
    turn_to("a");
    let (db, mut model) = create(name);
    turn_to("b");
    model.commit(&db, 3, &[0]).unwrap();
    checkpoint(&db).unwrap();
    model.commit(&db, 3, &[]).unwrap();
    drop(db.compact(&db.view(), &model.living(), &[]).unwrap());
    model.reorder(&model.living());
    drop(db);
    assert_eq!(found(name), other);
    turn_to("a");
    assert_eq!(found(name), model.slots);
}

/// A folder that is exchanged again and again while others open it: each opens one whole or is told
/// that it is locked.
#[test]
fn a_folder_that_is_exchanged_while_it_is_opened() {
    let dir = scratch();
    let path = dir.path().join("db");
    drop(create(&path));
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for read_only in [true, false] {
            let (path, done) = (&path, &done);
            scope.spawn(move || {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let opened =
                        if read_only { Mapped::open_read_only(path) } else { Mapped::open(path, Durability::Os) };
                    match opened {
                        Ok(db) => assert_eq!(db.view().slots(), 5),
                        Err(StorageError::NotFound { .. } | StorageError::Locked { .. }) => {}
                        Err(error) => panic!("{read_only}: {error}"),
                    }
                }
            });
        }
        scopeguard::defer! { done.store(true, std::sync::atomic::Ordering::Relaxed) }
        for round in 0..200 {
            let (new, old) = (dir.path().join(format!("new{round}")), dir.path().join(format!("old{round}")));
            drop(create(&new));
            fs::rename(&path, &old).unwrap();
            fs::rename(&new, &path).unwrap();
            // A writer that opens it meanwhile may make a file in it once its files are gone.
            if let Err(error) = fs::remove_dir_all(&old) {
                assert_eq!(error.kind(), ErrorKind::DirectoryNotEmpty);
            }
        }
    });
}
