//! A process that was forked from the writer's is no second writer.
#![allow(unsafe_code, reason = "there is no other way to fork")]

use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(feature = "rocksdb")]
use std::path::Path;

use omendb_storage::mapped::Mapped;
#[cfg(feature = "rocksdb")]
use omendb_storage::rocks::Rocks;
use omendb_storage::{Commit, Durability, IdColumn, IdKind, Packed, Storage, StorageError};

use crate::files::Files;
use crate::image::scratch;
use crate::kit::{Model, contents, schema};

/// Does `work` in a forked process; whether it ended well, within ten seconds.
pub(crate) fn forked(work: impl FnOnce()) -> bool {
    // SAFETY: the child is left by `_exit`, runs nothing of the test harness, and takes no lock that
    // another thread of this process can hold, but the allocator's, which the C library looks after.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "the system forks");
    if child == 0 {
        let done = catch_unwind(AssertUnwindSafe(work)).is_ok();
        // SAFETY: ends the child.
        unsafe { libc::_exit(if done { 0 } else { 1 }) };
    }
    for _ in 0..1000 {
        let mut status = 0;
        // SAFETY: the child is this function's own, and is waited for once.
        if unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) } == child {
            return libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // SAFETY: as above; the child hangs.
    unsafe {
        libc::kill(child, libc::SIGKILL);
        libc::waitpid(child, std::ptr::null_mut(), 0);
    }
    false
}

/// Every call that writes says that this is another process, and what can be read is read.
pub(crate) fn refuses_in_a_fork(db: &dyn Storage) {
    let (parent, before) = (std::os::unix::process::parent_id(), contents(&db.view()));
    let view = db.view();
    let commit = Commit { rows: &Packed::new(&[], 1), ids: IdColumn::none(db.schema().ids), dead: &[] };
    for refused in [
        db.commit(commit).err(),
        db.clear().err(),
        db.checkpoint(&view, &[]).err(),
        db.compact(&view, &view.living().collect::<Vec<_>>(), &[]).err(),
        db.sync().err(),
    ] {
        assert!(
            matches!(refused, Some(StorageError::Forked { opened, found, .. })
                if opened == parent && found == std::process::id()),
            "{refused:?}"
        );
    }
    assert_eq!(contents(&db.view()), before);
    match db.blob("graph") {
        Ok(blob) => assert!(blob.is_none_or(|blob| !blob.is_empty())),
        // RocksDB cannot read without its threads.
        Err(error) => assert!(matches!(error, StorageError::Forked { .. }), "{error:?}"),
    }
    db.verify();
    db.usage();
    db.checkpoint_commit();
}

#[test]
fn a_forked_process_reads_and_writes_nothing() {
    reads_and_writes_nothing::<Mapped>();
    #[cfg(feature = "rocksdb")]
    reads_and_writes_nothing::<Rocks>();
}

fn reads_and_writes_nothing<F: Files>() {
    let dir = scratch();
    let path = dir.path().join("db");
    let mut db = Some(F::create(&path, &schema(8, IdKind::U64), Durability::Sync).unwrap());
    let mut model = Model::new(8);
    model.commit(db.as_ref().unwrap(), 5, &[]).unwrap();
    assert!(forked(|| {
        refuses_in_a_fork(db.as_ref().unwrap());
        // No seal, and the lock stays the parent's.
        db = None;
        assert!(matches!(F::open(&path, Durability::Sync), Err(StorageError::Locked { .. })));
        model.check(&F::open_read_only(&path).unwrap().view());
    }));
    let db = db.unwrap();
    model.commit(&db, 5, &[1]).unwrap();
    assert_eq!(db.verify(), []);
    drop(db);
    let db = F::open(&path, Durability::Sync).unwrap();
    assert_eq!(contents(&db.view()), model.slots);
}

/// A fork while another thread is in the middle of a write: nobody lets go of its mutex in the child.
#[test]
fn a_process_forked_within_a_write_does_not_hang() {
    forks_within_a_write::<Mapped>();
    #[cfg(feature = "rocksdb")]
    forks_within_a_write::<Rocks>();
}

fn forks_within_a_write<F: Files>() {
    struct Forks<'a>(&'a dyn Storage);
    impl omendb_storage::RowSource for Forks<'_> {
        fn len(&self) -> usize {
            1
        }
        fn fill(&self, _: std::ops::Range<usize>, _: usize, out: &mut [u8]) {
            out[0] = 7;
            assert!(forked(|| refuses_in_a_fork(self.0)));
        }
    }
    let dir = scratch();
    let db = F::create(&dir.path().join("db"), &schema(1, IdKind::U64), Durability::Sync).unwrap();
    db.commit(Commit { rows: &Forks(&db), ids: IdColumn::U64(&[1]), dead: &[] }).unwrap();
    assert_eq!(db.view().row(0), [7]);
}

/// RocksDB's threads do not come along into a forked process, and are not started again there: a writer
/// would wait for them for ever.
#[cfg(feature = "rocksdb")]
#[test]
fn a_forked_process_opens_rocksdb_for_reading_only() {
    let dir = scratch();
    let path = dir.path().join("db");
    let create = |path: &Path| Rocks::create(path, &schema(8, IdKind::U64), Durability::Sync);
    let db = create(&path).unwrap();
    let mut model = Model::new(8);
    model.commit(&db, 5, &[]).unwrap();
    drop(db);
    assert!(forked(|| {
        for refused in [Rocks::open(&path, Durability::Os), create(&dir.path().join("new"))] {
            let told = refused.err().expect("a refusal").to_string();
            assert!(told.contains("its threads are in process"), "{told}");
        }
        model.check(&Rocks::open_read_only(&path).unwrap().view());
    }));
    model.check(&Rocks::open(&path, Durability::Os).unwrap().view());
}
