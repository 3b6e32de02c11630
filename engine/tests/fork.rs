//! A process that was forked from the one that opened a database: it searches, and writes nothing.
#![allow(unsafe_code, reason = "there is no other way to fork")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use omendb_engine::{BatchError, Db, Durability, Metric, Options, SearchOptions, StorageError};

/// Does `work` in a forked process; whether it ended well, within ten seconds.
fn forked(work: impl FnOnce()) -> bool {
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
        std::thread::sleep(Duration::from_millis(10));
    }
    // SAFETY: as above; the child hangs.
    unsafe {
        libc::kill(child, libc::SIGKILL);
        libc::waitpid(child, std::ptr::null_mut(), 0);
    }
    false
}

/// What no process can do that has a copy of locks and none of the threads is refused; what it can do, it does.
#[test]
fn a_process_that_was_forked_while_rows_are_linked() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
    // Linking is held up in the middle of a round.
    let (holds, held_up) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let listen = {
        let (holds, held_up) = (Arc::clone(&holds), Arc::clone(&held_up));
        move |progress: omendb_engine::Progress| {
            while progress.phase == omendb_engine::Phase::Link && progress.done > 0 && holds.load(SeqCst) {
                held_up.fetch_add(1, SeqCst);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let options = Options::new(8, Metric::L2).buffer_rows(100).threads(2).progress(listen);
    let db = Db::create(dir.path().join("some.omen"), options).unwrap();
    let ids: Vec<u64> = (0..4000).collect();
    let different = |i: u64| std::array::from_fn(|j| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (8 * j) & 255) as f32);
    let all: Vec<[f32; 8]> = ids.iter().map(|i| different(i + 1)).collect();
    // Few are linked beside many, into lists that the old graph shares.
    db.add_batch(&ids[..3800], &all[..3800]).unwrap();
    db.flush().unwrap();
    holds.store(true, SeqCst);
    db.add_batch(&ids[3800..], &all[3800..]).unwrap();
    while held_up.load(SeqCst) == 0 {
        std::thread::yield_now();
    }
    let mut held = Some(db);
    let did = forked(|| {
        let db = held.as_ref().unwrap();
        assert_eq!(db.search(&all[7], 1).unwrap()[0].distance, 0.0);
        assert_eq!((db.count(), db.get(5).unwrap().as_slice()), (4000, &all[5][..]));
        assert!(db.stats().buffered > 0);
        assert!(db.verify().is_ok(), "{}", db.verify());
        for refused in [db.flush().err(), db.checkpoint().err(), db.compact().err(), db.clone().close().err()] {
            assert!(matches!(refused, Some(StorageError::Forked { .. })), "{refused:?}");
        }
        held = None;
    });
    holds.store(false, SeqCst);
    assert!(did);
    let db = held.unwrap();
    db.flush().unwrap();
    assert_eq!((db.count(), db.stats().buffered), (4000, 0));
}

/// Whatever locks other threads hold at the fork, the child waits for none of them.
#[test]
fn processes_forked_beside_busy_threads() {
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    let dir = tempfile::tempdir().unwrap();
    let options = Options::new(8, Metric::L2).buffer_rows(100).threads(2).durability(Durability::Os);
    let db = Db::create(dir.path().join("some.omen"), options).unwrap();
    let (ids, all) = rows(0, 3000);
    db.add_batch(&ids, &all).unwrap();
    db.flush().unwrap();
    let done = AtomicBool::new(false);
    let go_on = || !done.load(SeqCst);
    let wrong = std::thread::scope(|scope| {
        scope.spawn(|| {
            for turn in (0..).take_while(|_| go_on()) {
                db.upsert_batch(&ids[..2000], &all[..2000]).unwrap();
                if turn % 10 == 0 {
                    db.compact().unwrap();
                }
            }
        });
        scope.spawn(|| {
            for k in (1..60).cycle().take_while(|_| go_on()) {
                assert!(db.width_for(k, 0.9).unwrap() >= k);
            }
        });
        scope.spawn(|| {
            while go_on() {
                db.search(&all[0], 3).unwrap();
            }
        });
        scope.spawn(|| {
            while go_on() {
                db.checkpoint().unwrap();
            }
        });
        scopeguard::defer! { done.store(true, SeqCst) }
        let child = |k: usize| {
            std::thread::sleep(Duration::from_millis(k as u64 * 7 % 20));
            forked(|| {
                assert_eq!(db.search_with(&all[0], &SearchOptions::new(k).target_recall(0.9)).unwrap().len(), k);
                assert_eq!(db.get(2500).unwrap(), all[2500]);
                assert!(db.contains(7) && !db.contains(4000));
                assert_eq!((db.count(), db.stats().count), (3000, 3000));
                assert!(db.delete(1).is_err() && db.compact().is_err());
            })
        };
        (60..120).filter(|&k| !child(k)).count()
    });
    assert_eq!(wrong, 0, "of 60 processes");
    assert!(db.verify().is_ok());
}

fn rows(first: u64, n: u64) -> (Vec<u64>, Vec<[f32; 8]>) {
    let row = |i: u64| std::array::from_fn(|j| ((i * 7 + j as u64 * 13) % 101) as f32);
    ((first..first + n).collect(), (first..first + n).map(row).collect())
}

#[test]
fn a_forked_process_searches_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("some.omen");
    let db = Db::create(&path, Options::new(8, Metric::L2).buffer_rows(100).threads(2)).unwrap();
    let (ids, all) = rows(0, 4000);
    db.add_batch(&ids, &all).unwrap();
    let queries = all[..50].concat();
    let expected = db.search_batch(&queries, &SearchOptions::new(3)).unwrap();

    assert!(forked(|| {
        assert_eq!(db.search(&all[0], 3).unwrap(), expected[0]);
        assert_eq!(db.search_batch(&queries, &SearchOptions::new(3)).unwrap(), expected);
        assert_eq!(db.search_with(&all[0], &SearchOptions::new(3).target_recall(0.9)).unwrap().len(), 3);
        assert_eq!(db.get(5).unwrap(), all[5]);
        let (more, others) = rows(4000, 500);
        for refused in [db.add(9999u64, &all[0]).err(), db.add_batch(&more, &others).err(), db.delete(1).err()] {
            assert!(matches!(refused, Some(BatchError::Storage(StorageError::Forked { .. }))), "{refused:?}");
        }
        let refused = [db.clear().err(), db.flush().err(), db.checkpoint().err(), db.clone().close().err()];
        for refused in refused {
            assert!(matches!(refused, Some(StorageError::Forked { .. })), "{refused:?}");
        }
        assert!(db.compact().is_err());
    }));
    // Dropped in the child: no checkpoint, no wait for threads that are not there.
    let mut held = Some(db);
    let before = std::fs::read(path.join("MANIFEST.a")).unwrap();
    assert!(forked(|| held = None));
    assert_eq!(std::fs::read(path.join("MANIFEST.a")).unwrap(), before);

    let db = held.unwrap();
    let (more, others) = rows(4000, 500);
    db.add_batch(&more, &others).unwrap();
    assert!(db.verify().is_ok());
    db.close().unwrap();
    let db = Db::open(&path).unwrap();
    assert_eq!(db.count(), 4500);
    assert!(db.verify().is_ok());
}
