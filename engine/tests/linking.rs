//! Rows are linked by a thread of the database's own: who waits for it, for how much, and who does not.

mod data;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use data::{clustered, files, number, numbers, recall};
use omendb_engine::{BatchError, Db, Metric, OpenOptions, Options, Phase, Progress, StorageError};

const DIM: usize = 8;

fn quick() -> Options {
    Options::new(DIM, Metric::L2).degree(16).build_width(24).threads(2)
}

/// Holds linking up, from within, until it is opened.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
    /// How many times somebody came to it, and what they linked.
    came: AtomicUsize,
    total: AtomicUsize,
}

impl Gate {
    fn pass(&self, progress: Progress) {
        if progress.phase == Phase::Link {
            self.total.store(progress.total, SeqCst);
            self.came.fetch_add(1, SeqCst);
            let mut open = self.open.lock().unwrap();
            while !*open {
                open = self.opened.wait(open).unwrap();
            }
        }
    }

    fn set(&self, open: bool) {
        *self.open.lock().unwrap() = open;
        self.opened.notify_all();
    }

    fn wait_for_linking(&self) {
        wait_until(|| self.came.load(SeqCst) > 0);
    }

    fn listener(self: &Arc<Self>) -> impl Fn(Progress) + Send + Sync + use<> {
        let gate = Arc::clone(self);
        move |progress| gate.pass(progress)
    }
}

fn wait_until(is_so: impl Fn() -> bool) {
    while !is_so() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A database that was left by a crash with so many rows that no checkpoint has in its graph.
fn crashed(path: &Path, linked: usize, buffered: usize, options: Options) -> Vec<f32> {
    let values = clustered(linked + buffered, DIM, 3);
    let left = path.with_extension("left");
    let fails = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&fails);
    let listen = move |progress: Progress| {
        assert!(progress.phase != Phase::Link || !told.load(SeqCst), "told to fail");
    };
    let db = Db::create(&left, options.progress(listen)).unwrap();
    let ids = numbers(linked + buffered);
    if linked > 0 {
        db.add_batch(&ids[..linked], &values[..linked * DIM]).unwrap();
        db.flush().unwrap();
        db.checkpoint().unwrap();
    }
    fails.store(true, SeqCst);
    db.add_batch(&ids[linked..], &values[linked * DIM..]).unwrap();
    copy(&left, path);
    values
}

/// What a crash would leave now: closing would write more.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for (name, bytes) in files(from) {
        std::fs::write(to.join(name), bytes).unwrap();
    }
}

#[test]
fn a_link_that_is_held_up_keeps_no_writer_and_no_searcher() {
    let folder = tempfile::tempdir().unwrap();
    let gate = Arc::new(Gate::default());
    let options = quick().buffer_rows(100).progress(gate.listener());
    let db = Db::create(folder.path().join("db.omen"), options).unwrap();
    let values = clustered(600, DIM, 1);
    let ids = numbers(600);
    db.add_batch(&ids[..150], &values[..150 * DIM]).unwrap();
    gate.wait_for_linking();
    for (ids, rows) in ids[150..].chunks(50).zip(values[150 * DIM..].chunks(50 * DIM)) {
        db.add_batch(ids, rows).unwrap();
    }
    db.upsert(7, &values[7 * DIM..8 * DIM]).unwrap();
    assert!(db.delete(8).unwrap());
    assert_eq!((db.count(), db.stats().buffered), (599, 601), "nothing is linked");
    assert_eq!(number(&db.search(&values[599 * DIM..], 1).unwrap()[0]), 599);

    // Who needs the graph waits for the present round, and for it alone.
    let (flushed, checkpointed) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            db.flush().unwrap();
            flushed.store(true, SeqCst);
        });
        scope.spawn(|| {
            db.checkpoint().unwrap();
            checkpointed.store(true, SeqCst);
        });
        std::thread::sleep(Duration::from_millis(100));
        assert!(!flushed.load(SeqCst) && !checkpointed.load(SeqCst));
        gate.set(true);
    });
    assert_eq!((db.count(), db.stats().buffered), (599, 0));
    assert!(db.verify().is_ok(), "{}", db.verify());
}

#[test]
fn a_listener_searches_and_is_refused_what_would_wait_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let own: Arc<Mutex<Option<Db>>> = Arc::default();
    let told: Arc<Mutex<Vec<Phase>>> = Arc::default();
    let (own_now, told_now) = (Arc::clone(&own), Arc::clone(&told));
    let listener = move |progress: Progress| {
        let Some(db) = own_now.lock().unwrap().clone() else { return };
        let row = [0.5f32; DIM];
        let added = db.add(77_777u64, &row).err();
        assert!(matches!(added, Some(BatchError::Storage(StorageError::InListener { .. }))), "{added:?}");
        let closed = db.clone().close();
        let calls = [closed, db.flush(), db.checkpoint(), db.compact(), db.clear()];
        assert!(calls.iter().all(|call| matches!(call, Err(StorageError::InListener { .. }))), "{calls:?}");
        assert!(matches!(db.delete(1u64), Err(BatchError::Storage(StorageError::InListener { .. }))));
        assert!(!db.verify().is_ok());
        assert!(!db.search(&row, 3).unwrap().is_empty());
        told_now.lock().unwrap().push(progress.phase);
    };
    let options = quick().buffer_rows(0).progress(listener);
    let db = Db::create(folder.path().join("db.omen"), options).unwrap();
    db.add(0u64, &[0.25f32; DIM]).unwrap();
    *own.lock().unwrap() = Some(db.clone());
    db.add_batch(&(1..300u64).collect::<Vec<_>>(), &clustered(299, DIM, 9)).unwrap();
    db.checkpoint().unwrap();
    own.lock().unwrap().take();
    let told = told.lock().unwrap();
    assert!([Phase::Check, Phase::Write, Phase::Link, Phase::Checkpoint].iter().all(|phase| told.contains(phase)));
}

#[test]
fn a_listener_may_let_the_last_handle_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let kept: Arc<Mutex<Option<Db>>> = Arc::default();
    let is_last = Arc::new(AtomicBool::new(false));
    let (own, is_last_now) = (Arc::clone(&kept), Arc::clone(&is_last));
    let listener = move |progress: Progress| {
        if progress.phase == Phase::Link {
            wait_until(|| is_last_now.load(SeqCst));
            drop(own.lock().unwrap().take());
        }
    };
    let db = Db::create(&path, quick().buffer_rows(100).progress(listener)).unwrap();
    *kept.lock().unwrap() = Some(db.clone());
    db.add_batch(&numbers(150), &clustered(150, DIM, 9)).unwrap();
    drop(db);
    is_last.store(true, SeqCst);
    wait_until(|| Db::open(&path).is_ok_and(|db| db.count() == 150));
}

#[test]
fn flush_links_what_was_there_when_it_was_called() {
    let gate = Arc::new(Gate::default());
    let db = Db::in_memory(quick().buffer_rows(1000).progress(gate.listener())).unwrap();
    let values = clustered(500, DIM, 2);
    let ids = numbers(500);
    db.add_batch(&ids[..300], &values[..300 * DIM]).unwrap();
    assert_eq!(db.stats().buffered, 300, "no more wait than may");
    std::thread::scope(|scope| {
        let first = scope.spawn(|| db.flush().unwrap());
        gate.wait_for_linking();
        // Another, of a hundred more, that waits for the first; and rows that come then.
        db.add_batch(&ids[300..400], &values[300 * DIM..400 * DIM]).unwrap();
        let second = scope.spawn(|| db.flush().unwrap());
        std::thread::sleep(Duration::from_millis(200));
        db.add_batch(&ids[400..], &values[400 * DIM..]).unwrap();
        assert!(!first.is_finished() && !second.is_finished());
        gate.set(true);
    });
    assert_eq!((db.stats().graph.rows, db.stats().buffered), (400, 100));
    assert_eq!(gate.total.load(SeqCst), 100);
    db.flush().unwrap();
    assert_eq!((db.stats().graph.rows, db.stats().buffered), (500, 0));
}

#[test]
fn a_checkpoint_links_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::create(folder.path().join("db.omen"), quick().buffer_rows(1000)).unwrap();
    db.add_batch(&numbers(300), &clustered(300, DIM, 2)).unwrap();
    db.checkpoint().unwrap();
    assert_eq!((db.stats().graph.rows, db.stats().buffered), (0, 300));
}

#[test]
fn the_buffer_stays_short_while_many_write() {
    let db = Db::in_memory(quick().buffer_rows(100)).unwrap();
    let values = clustered(8000, DIM, 4);
    let most = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for (ids, rows) in numbers(8000).chunks(2000).zip(values.chunks(2000 * DIM)) {
            let (db, most, ids) = (&db, &most, ids.to_vec());
            scope.spawn(move || {
                for (ids, rows) in ids.chunks(10).zip(rows.chunks(10 * DIM)) {
                    db.add_batch(ids, rows).unwrap();
                    most.fetch_max(db.stats().buffered, SeqCst);
                }
            });
        }
    });
    assert!(most.load(SeqCst) <= 800, "{most:?} rows waited");
    assert_eq!(db.count(), 8000);
    db.flush().unwrap();
    assert_eq!(db.stats().buffered, 0);
    assert!(recall(&db, &values, &clustered(30, DIM, 5), 10, 64) > 0.97);
}

#[test]
fn nobody_is_throttled_for_rows_that_were_found_at_opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let values = crashed(&path, 0, 3000, quick().buffer_rows(100));
    let gate = Arc::new(Gate::default());
    let db = Db::open_with(&path, OpenOptions::new().threads(2).progress(gate.listener())).unwrap();
    gate.wait_for_linking();
    let start = Instant::now();
    for id in 3000..3100u64 {
        db.add(id, &values[..DIM]).unwrap();
    }
    // Throttled, each would take a tenth of a second.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(db.stats().buffered, 3100);
    gate.set(true);
    db.flush().unwrap();
    assert_eq!((db.count(), db.stats().buffered), (3100, 0));
    assert!(db.verify().is_ok(), "{}", db.verify());
}

#[test]
fn linking_goes_on_where_another_crash_ended_it() {
    let folder = tempfile::tempdir().unwrap();
    let (path, again) = (folder.path().join("db.omen"), folder.path().join("again.omen"));
    let values = crashed(&path, 4000, 3500, quick().buffer_rows(100));
    // Slow enough that a checkpoint is worth it before all is linked.
    let saved = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&saved);
    let listen = move |progress: Progress| match progress.phase {
        Phase::Link if !told.load(SeqCst) => std::thread::sleep(Duration::from_millis(200)),
        Phase::Checkpoint if progress.done > 0 => told.store(true, SeqCst),
        _ => {}
    };
    let db = Db::open_with(&path, OpenOptions::new().threads(2).progress(listen)).unwrap();
    assert_eq!(db.stats().graph.rows, 4000);
    wait_until(|| saved.load(SeqCst));
    copy(&path, &again);
    let second = Db::open_read_only(&again).unwrap();
    assert!(second.stats().graph.rows > 4000, "{} rows", second.stats().graph.rows);
    assert_eq!(second.count(), 7500);
    db.flush().unwrap();
    assert_eq!((db.count(), db.stats().buffered), (7500, 0));
    assert!(recall(&db, &values, &clustered(30, DIM, 5), 10, 64) > 0.97);
}

#[test]
fn nobody_waits_for_a_link_that_fails() {
    let failing = Arc::new(AtomicBool::new(true));
    let fails = Arc::clone(&failing);
    let listen = move |progress: Progress| {
        assert!(progress.phase != Phase::Link || !fails.load(SeqCst), "told to fail");
    };
    let values = clustered(3000, DIM, 6);
    for limit in [0, 1, 100] {
        failing.store(true, SeqCst);
        let db = Db::in_memory(quick().buffer_rows(limit).progress(listen.clone())).unwrap();
        let start = Instant::now();
        for (ids, rows) in numbers(3000).chunks(1000).zip(values.chunks(1000 * DIM)) {
            // Of a thousand times as many rows as may wait: they would be waited for for a minute and a half.
            db.add_batch(ids, rows).unwrap();
        }
        db.upsert(5, &values[5 * DIM..6 * DIM]).unwrap();
        db.flush().unwrap();
        db.compact().unwrap();
        assert!(start.elapsed() < Duration::from_secs(60), "{:?} with a limit of {limit}", start.elapsed());
        assert_eq!((db.count(), db.stats().buffered), (3000, 3000), "it failed, the rows are there");
        assert_eq!(number(&db.search(&values[5 * DIM..6 * DIM], 1).unwrap()[0]), 5);
        failing.store(false, SeqCst);
        db.flush().unwrap();
        assert_eq!((db.count(), db.stats().buffered), (3000, 0));
        assert!(db.verify().is_ok(), "{}", db.verify());
    }
}

#[test]
fn the_last_handle_may_go_while_rows_are_linked() {
    let folder = tempfile::tempdir().unwrap();
    // In one round, which tells some fifty times how far it is; and in many.
    for (name, linked, buffered) in [("one", 0, 6000), ("many", 4000, 3500)] {
        let path = folder.path().join(name);
        crashed(&path, linked, buffered, quick().buffer_rows(100));
        let gate = Arc::new(Gate::default());
        let db = Db::open_with(&path, OpenOptions::new().threads(2).progress(gate.listener())).unwrap();
        gate.wait_for_linking();
        std::thread::scope(|scope| {
            scope.spawn(move || drop(db));
            std::thread::sleep(Duration::from_millis(200));
            gate.set(true);
        });
        assert!(gate.came.load(SeqCst) < 30, "{name}: it went on linking, and told {:?} times", gate.came);
        let db = Db::open(&path).unwrap();
        assert_eq!(db.count(), linked + buffered);
        db.flush().unwrap();
        assert_eq!((db.count(), db.stats().buffered), (linked + buffered, 0));
        assert!(db.verify().is_ok(), "{}", db.verify());
    }
}

#[test]
fn clearing_ends_a_link_and_whoever_waits_for_it() {
    let gate = Arc::new(Gate::default());
    let db = Db::in_memory(quick().buffer_rows(100).progress(gate.listener())).unwrap();
    let values = clustered(1000, DIM, 8);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            db.add_batch(&numbers(1000), &values).unwrap();
            db.flush().unwrap();
        });
        gate.wait_for_linking();
        db.clear().unwrap();
        db.add(7, &values[..DIM]).unwrap();
        gate.set(true);
    });
    db.flush().unwrap();
    assert_eq!((db.count(), db.stats().graph.rows, db.stats().buffered), (1, 1, 0));
}

#[test]
fn where_no_row_may_wait_the_same_calls_make_the_same_graph() {
    let values = clustered(9000, DIM, 9);
    let built = |threads: usize, pause: u64| {
        let listen = move |_: Progress| std::thread::sleep(Duration::from_millis(pause));
        let db = Db::in_memory(quick().threads(threads).buffer_rows(0).progress(listen)).unwrap();
        for (ids, rows) in numbers(9000).chunks(2500).zip(values.chunks(2500 * DIM)) {
            db.add_batch(ids, rows).unwrap();
            assert_eq!(db.stats().buffered, 0, "a call returns when its rows are linked");
            db.delete_batch(ids.iter().copied().filter(|id| id % 9 == 0)).unwrap();
            db.upsert_batch(&ids[..900], &rows[..900 * DIM]).unwrap();
        }
        let graph = db.stats().graph;
        (db.graph_hash(), graph.vertices)
    };
    let first = built(1, 0);
    assert!(first.1 < 9000, "deleted rows are out of the graph: {first:?}");
    assert_eq!([built(2, 0), built(2, 10), built(3, 3)], [first; 3], "whatever time it takes");
}

#[test]
fn the_dead_are_out_of_the_graph_when_flush_returns() {
    for limit in [0, 1000] {
        let db = Db::in_memory(quick().buffer_rows(limit)).unwrap();
        db.add_batch(&numbers(4000), &clustered(4000, DIM, 11)).unwrap();
        db.flush().unwrap();
        db.delete_batch(0..3000u64).unwrap();
        if limit > 0 {
            db.flush().unwrap();
        }
        assert_eq!(db.stats().graph.vertices, 1000);
    }
}

#[test]
fn everything_at_once() {
    for limit in [0, 30] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.omen");
        let db = Db::create(&path, quick().buffer_rows(limit)).unwrap();
        let values = clustered(4000, DIM, 10);
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let (db, values) = (db.clone(), &values);
                scope.spawn(move || {
                    for turn in 0..50u64 {
                        let first = thread * 1000 + turn * 20;
                        let ids: Vec<u64> = (first..first + 20).collect();
                        let rows = &values[first as usize * DIM..(first as usize + 20) * DIM];
                        db.add_batch(&ids, rows).unwrap();
                        db.upsert_batch(&ids[..10], &rows[..10 * DIM]).unwrap();
                        assert!(db.delete(first).unwrap());
                        assert_eq!(db.search(&rows[DIM..2 * DIM], 1).unwrap()[0].distance, 0.0);
                        match (thread + turn) % 16 {
                            3 => db.flush().unwrap(),
                            7 => db.checkpoint().unwrap(),
                            11 => db.compact().unwrap(),
                            15 => assert!(db.verify().is_ok()),
                            _ => {}
                        }
                    }
                });
            }
        });
        assert_eq!(db.count(), 4 * 50 * 19);
        db.flush().unwrap();
        assert_eq!(db.stats().buffered, 0);
        assert!(db.verify().is_ok(), "{}", db.verify());
        db.close().unwrap();
        assert_eq!(Db::open(&path).unwrap().count(), 4 * 50 * 19);
    }
}

#[test]
fn who_asks_for_the_graph_has_it_after_the_present_round() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    crashed(&path, 4000, 3500, quick().buffer_rows(100));
    // Every round is one tell and some, and takes a while; a checkpoint that is asked for during one is next.
    let (gate, rounds) = (Arc::new(Gate::default()), Arc::new(Mutex::new(Vec::new())));
    let listen = {
        let (gate, rounds) = (Arc::clone(&gate), Arc::clone(&rounds));
        move |progress: Progress| {
            rounds.lock().unwrap().push((progress.phase, progress.done));
            // Held in the second round: after the first, enough is new for a checkpoint.
            if progress.done > 256 {
                gate.pass(progress);
            }
        }
    };
    let db = Db::open_with(&path, OpenOptions::new().threads(2).progress(listen)).unwrap();
    gate.wait_for_linking();
    std::thread::scope(|scope| {
        scope.spawn(|| db.checkpoint().unwrap());
        std::thread::sleep(Duration::from_millis(200));
        gate.set(true);
    });
    let told = rounds.lock().unwrap();
    let first = told.iter().position(|(phase, _)| *phase == Phase::Checkpoint).unwrap();
    // At most 256 rows are linked in the first round, and at most twice as many in the second.
    assert!(told[..first].iter().all(|(_, done)| *done <= 768), "{:?}", &told[..first]);
}

#[test]
fn checkpoints_in_quick_succession_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let values = clustered(6600, DIM, 5);
    let ids = numbers(6600);
    let db = Db::create(&path, quick()).unwrap();
    let linked = |from: usize, to: usize| {
        db.add_batch(&ids[from..to], &values[from * DIM..to * DIM]).unwrap();
        db.flush().unwrap();
        db.checkpoint().unwrap();
        let graphs: Vec<String> = files(&path).into_keys().filter(|name| name.starts_with("graph")).collect();
        assert_eq!(graphs.len(), 1, "{graphs:?}");
        graphs
    };
    let first = linked(0, 6400);
    assert_eq!(linked(6400, 6450), first, "50 of 6,450 rows are new");
    let second = linked(6450, 6520);
    assert_ne!(second, first, "120 of 6,520 rows are new");
    assert_eq!(linked(6520, 6600), second);
    db.close().unwrap();
    // What a checkpoint left is linked again; a closing leaves nothing.
    let db = Db::open(&path).unwrap();
    assert_eq!((db.count(), db.stats().buffered), (6600, 0));
}
