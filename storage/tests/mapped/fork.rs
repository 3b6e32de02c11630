//! A process that was forked from the writer's is no second writer.
#![allow(unsafe_code, reason = "there is no other way to fork")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use omendb_storage::mapped::Mapped;
use omendb_storage::{Commit, Durability, IdColumn, IdKind, Packed, Storage, StorageError};

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
pub(crate) fn refuses_in_a_fork(db: &Mapped) {
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
    assert!(db.blob("graph").unwrap().is_none_or(|blob| !blob.is_empty()));
}

#[test]
fn a_forked_process_reads_and_writes_nothing() {
    let dir = scratch();
    let path = dir.path().join("db");
    let mut db = Some(Mapped::create(&path, &schema(8, IdKind::U64), Durability::Sync).unwrap());
    let mut model = Model::new(8);
    model.commit(db.as_ref().unwrap(), 5, &[]).unwrap();
    assert!(forked(|| {
        refuses_in_a_fork(db.as_ref().unwrap());
        // No seal, and the lock stays the parent's.
        db = None;
        assert!(matches!(Mapped::open(&path, Durability::Sync), Err(StorageError::Locked { .. })));
    }));
    let db = db.unwrap();
    model.commit(&db, 5, &[1]).unwrap();
    assert_eq!(db.verify(), []);
    drop(db);
    let db = Mapped::open(&path, Durability::Sync).unwrap();
    assert_eq!(contents(&db.view()), model.slots);
}

/// A fork while another thread is in the middle of a write: nobody lets go of its mutex in the child.
#[test]
fn a_process_forked_within_a_write_does_not_hang() {
    let dir = scratch();
    let db = Mapped::create(dir.path().join("db"), &schema(8, IdKind::U64), Durability::Sync).unwrap();
    struct Forks<'a>(&'a Mapped);
    impl omendb_storage::RowSource for Forks<'_> {
        fn len(&self) -> usize {
            1
        }
        fn fill(&self, _: std::ops::Range<usize>, _: usize, out: &mut [u8]) {
            out.fill(7);
            assert!(forked(|| {
                refuses_in_a_fork(self.0);
                self.0.verify();
                self.0.usage();
            }));
        }
    }
    db.commit(Commit { rows: &Forks(&db), ids: IdColumn::U64(&[1]), dead: &[] }).unwrap();
    assert_eq!(db.view().row(0), [7; 8]);
}
