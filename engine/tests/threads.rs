//! Many threads at once, of whatever pool.

mod data;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use data::{clustered, number, numbers};
use omendb_engine::{Db, Durability, Metric, Options, Phase, Progress, SearchOptions};
use rayon::prelude::*;

#[test]
fn threads_of_another_pool_may_write_and_search() {
    // Such a thread must not be given another of these calls to do while it waits within one.
    let values = clustered(2000, 8, 1);
    let db = Db::in_memory(Options::new(8, Metric::L2).buffer_rows(20)).unwrap();
    values.par_chunks(8).enumerate().for_each(|(id, row)| {
        db.upsert(id as u64, row).unwrap();
        assert_eq!(db.search(row, 1).unwrap()[0].distance, 0.0);
        if id % 100 == 0 {
            assert_eq!(db.search_batch(&values[..80], &SearchOptions::new(1)).unwrap().len(), 10);
            db.flush().unwrap();
        }
    });
    assert_eq!(db.count(), 2000);
    assert!(db.verify().is_ok(), "{}", db.verify());
}

#[test]
fn rows_that_came_while_another_thread_linked_are_linked_too() {
    let values = clustered(3000, 8, 2);
    // Why rows are linked: more come than may wait, or one flushes those that do.
    for (first, flush) in [(1000, false), (100, true)] {
        let started = Arc::new(AtomicBool::new(false));
        let come = Arc::new(AtomicBool::new(false));
        let listen = {
            let (started, come) = (Arc::clone(&started), Arc::clone(&come));
            // Linking waits until the other's rows have come.
            move |progress: Progress| {
                if progress.phase == Phase::Link && !started.swap(true, Ordering::SeqCst) {
                    while !come.load(Ordering::SeqCst) {
                        std::thread::yield_now();
                    }
                }
            }
        };
        let db = Db::in_memory(Options::new(8, Metric::L2).buffer_rows(100).progress(listen)).unwrap();
        std::thread::scope(|scope| {
            scopeguard::defer! { come.store(true, Ordering::SeqCst) }
            scope.spawn(|| {
                db.add_batch(&numbers(first), &values[..first * 8]).unwrap();
                if flush {
                    db.flush().unwrap();
                }
            });
            while !started.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            let others: Vec<u64> = (first as u64..3000).collect();
            db.add_batch(&others, &values[first * 8..]).unwrap();
            assert_eq!(db.stats().buffered, 3000);
        });
        // More wait than may, and nobody asks for them.
        while db.stats().buffered > 100 {
            std::thread::yield_now();
        }
        db.flush().unwrap();
        assert_eq!((db.count(), db.stats().buffered), (3000, 0), "flush: {flush}");
    }
}

#[test]
fn readers_see_each_acknowledged_batch_whole() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::create(folder.path().join("db.omen"), Options::new(4, Metric::L2).buffer_rows(50)).unwrap();
    let (acknowledged, done) = (AtomicU64::new(0), AtomicBool::new(false));
    // Generation g of the ten rows lies at g on every axis: a search never sees two generations.
    let generation = |g: u64| vec![g as f32; 40];
    db.add_batch(&numbers(10), &generation(0)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let before = acknowledged.load(Ordering::SeqCst);
                    let hits = db.search(&[0.0f32; 4], 20).unwrap();
                    assert_eq!(hits.len(), 10);
                    assert!(hits.iter().all(|hit| hit.distance == hits[0].distance), "{hits:?}");
                    let seen = (hits[0].distance / 4.0).sqrt() as u64;
                    assert!(seen >= before, "generation {seen} after {before} was acknowledged");
                    let mut ids: Vec<u64> = hits.iter().map(number).collect();
                    ids.sort_unstable();
                    assert_eq!(ids, numbers(10));
                }
            });
        }
        scopeguard::defer! { done.store(true, Ordering::Relaxed) }
        for g in 1..200 {
            db.upsert_batch(&numbers(10), &generation(g)).unwrap();
            acknowledged.store(g, Ordering::SeqCst);
            match g % 50 {
                20 => db.checkpoint().unwrap(),
                40 => db.compact().unwrap(),
                _ => {}
            }
        }
    });
}

#[test]
fn rows_that_come_and_go_while_others_are_compacted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let (rows, dim) = (12_000, 16);
    let values = clustered(rows, dim, 9);
    let row = |id: usize| &values[id * dim..][..dim];
    for metric in [Metric::L2, Metric::InnerProduct] {
        let db = Db::create(&path, Options::new(dim, metric).durability(Durability::Os).threads(2)).unwrap();
        db.add_batch(&numbers(9_000), &values[..9_000 * dim]).unwrap();
        db.delete_batch((0..9_000u64).step_by(4)).unwrap();
        db.flush().unwrap();
        // Meanwhile one row comes, another goes, and a third is replaced.
        let done = AtomicBool::new(false);
        let turns = std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                let mut turn = 0;
                while !done.load(Ordering::SeqCst) && turn < 2_000 {
                    db.add((9_000 + turn) as u64, row(9_000 + turn)).unwrap();
                    assert!(db.delete((4 * turn + 1) as u64).unwrap());
                    db.upsert((4 * turn + 2) as u64, row(4 * turn + 2)).unwrap();
                    turn += 1;
                }
                turn
            });
            let end = scopeguard::guard((), |()| done.store(true, Ordering::SeqCst));
            db.compact().unwrap();
            drop(end);
            writing.join().unwrap()
        });
        db.flush().unwrap();
        let stays = |id: &usize| match id {
            9_000.. => id - 9_000 < turns,
            _ => !id.is_multiple_of(4) && (id % 4 != 1 || id / 4 >= turns),
        };
        let staying: Vec<usize> = (0..rows).filter(stays).collect();
        assert_eq!((db.stats().epoch, db.count()), (1, staying.len()), "{metric:?}");
        assert!(db.verify().is_ok(), "{metric:?}: {}", db.verify());
        let mut found = 0;
        for &id in staying.iter().step_by(20) {
            assert_eq!(db.get(id as u64).unwrap(), row(id));
            let exact = db.search_with(row(id), &SearchOptions::new(10).exact(true)).unwrap();
            let near = db.search_with(row(id), &SearchOptions::new(10).width(64)).unwrap();
            found += near.iter().filter(|hit| exact.iter().any(|other| other.id == hit.id)).count();
        }
        let of = 10 * staying.len().div_ceil(20);
        assert!(100 * found >= 98 * of, "{metric:?}: {found} of {of}");
        db.close().unwrap();
        std::fs::remove_dir_all(&path).unwrap();
    }
}

#[test]
fn the_buffer_stays_short_while_others_are_compacted() {
    let (rows, dim, limit, writers) = (12_000, 32, 4, 16);
    let values = clustered(rows, dim, 10);
    let db = Db::in_memory(Options::new(dim, Metric::InnerProduct).buffer_rows(limit).threads(2)).unwrap();
    db.add_batch(&numbers(rows), &values).unwrap();
    db.delete_batch((0..rows as u64).step_by(4)).unwrap();
    db.flush().unwrap();
    let (done, most) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let (db, values, done, most) = (&db, &values, &done, &most);
            scope.spawn(move || {
                let mut id = rows + writer;
                while !done.load(Ordering::SeqCst) {
                    db.add(id as u64, &values[writer * dim..][..dim]).unwrap();
                    most.fetch_max(db.stats().buffered as u64, Ordering::SeqCst);
                    id += writers;
                }
            });
        }
        scopeguard::defer! { done.store(true, Ordering::SeqCst) }
        db.compact().unwrap();
    });
    // Each writer waits after it added a row. Before rows are linked anew, and after it, for a limited time only.
    let most = most.into_inner() as usize;
    assert!(most <= 8 * limit + 8 * writers, "{most} rows were in the buffer");
}

#[test]
fn all_rows_go_while_they_are_compacted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let values = clustered(9_000, 16, 9);
    for metric in [Metric::L2, Metric::InnerProduct] {
        for (clears, wait) in [(true, 0), (true, 60), (false, 0), (false, 60), (false, 200)] {
            let db = Db::create(&path, Options::new(16, metric).durability(Durability::Os).threads(2)).unwrap();
            db.add_batch(&numbers(9_000), &values).unwrap();
            db.delete_batch((0..9_000u64).step_by(4)).unwrap();
            db.flush().unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| db.compact().unwrap());
                std::thread::sleep(std::time::Duration::from_millis(wait));
                if clears {
                    db.clear().unwrap();
                } else {
                    db.delete_batch((0..9_000u64).filter(|id| id % 4 > 0)).unwrap();
                }
                db.add_batch(&numbers(20), &values[..20 * 16]).unwrap();
                db.delete(3u64).unwrap();
            });
            let case = format!("{metric:?}, clear {clears}, after {wait} ms");
            db.compact().unwrap();
            assert_eq!((db.count(), db.stats().slots, db.contains(3u64)), (19, 19, false), "{case}");
            assert!(db.verify().is_ok(), "{case}: {}", db.verify());
            assert_eq!(db.search(&values[16 * 5..16 * 6], 19).unwrap().len(), 19, "{case}");
            db.close().unwrap();
            assert_eq!(Db::open(&path).unwrap().count(), 19, "{case}");
            std::fs::remove_dir_all(&path).unwrap();
        }
    }
}

/// Threads that find nothing there and make it at once: one is the writer, others are told so.
#[test]
fn databases_that_are_opened_or_created_at_once() {
    use omendb_engine::{OpenError, StorageError};
    for round in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("some.omen");
        let opened = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let (path, opened) = (&path, &opened);
                scope.spawn(move || {
                    for turn in 0..4u64 {
                        match Db::open_or_create(path, Options::new(2, Metric::L2).threads(1)) {
                            Ok(db) => {
                                db.add(thread * 100 + turn, &[1.0f32, turn as f32]).unwrap();
                                opened.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                            }
                            Err(OpenError::Storage(StorageError::Locked { .. })) => {}
                            Err(error) => panic!("round {round}: {error}"),
                        }
                    }
                });
            }
        });
        assert_eq!(Db::open(&path).unwrap().count(), opened.into_inner());
    }
}

#[test]
fn more_threads_than_any_machine_has_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("some.omen");
    let refused = |made: Result<Db, omendb_engine::OpenError>| {
        assert!(matches!(made, Err(omendb_engine::OpenError::Option { name: "threads", .. })), "{made:?}");
    };
    refused(Db::create(&path, Options::new(2, Metric::L2).threads(1_000_000)));
    assert!(!path.exists());
    drop(Db::create(&path, Options::new(2, Metric::L2).threads(1)).unwrap());
    let many = omendb_engine::OpenOptions::new().threads(1_000_000);
    refused(Db::open_with(&path, many.clone()));
    refused(Db::open_read_only_with(&path, many));
}
