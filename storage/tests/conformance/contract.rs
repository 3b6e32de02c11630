//! The promises, each a function over any backend, and each run for every backend.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use omendb_storage::{BlobSource, Commit, IdColumn, IdKind, Packed, StorageError};

#[cfg(feature = "rocksdb")]
use crate::backends::InRocks;
use crate::backends::{Backend, InFiles, InMemory};
use crate::kit::{Made, Model, schema};

macro_rules! every_backend {
    ($($name:ident),* $(,)?) => {
        every_backend!(@ memory, InMemory, $($name),*);
        every_backend!(@ files_sync, InFiles<true>, $($name),*);
        every_backend!(@ files_os, InFiles<false>, $($name),*);
        #[cfg(feature = "rocksdb")]
        every_backend!(@ rocks_sync, InRocks<true>, $($name),*);
        #[cfg(feature = "rocksdb")]
        every_backend!(@ rocks_os, InRocks<false>, $($name),*);
    };
    (@ $module:ident, $backend:ty, $($name:ident),*) => {
        mod $module {
            use super::*;
            $(#[test] fn $name() { super::$name::<$backend>(); })*
        }
    };
}

every_backend!(
    a_new_database_is_empty,
    commits_are_visible_and_survive_reopening,
    string_ids_do_too,
    every_row_length_keeps_its_rows,
    a_batch_may_span_segments,
    deaths_are_seen_by_later_views_only,
    refused_batches_change_nothing,
    clear_begins_again,
    checkpoints_replace_blobs_as_a_set,
    blobs_of_a_former_epoch_are_refused,
    bad_blob_names_are_refused,
    a_failing_blob_leaves_the_former,
    compact_keeps_the_living_in_the_given_order,
    compact_refuses_a_wrong_order,
    readers_never_see_half_a_batch,
    impossible_schemas_are_refused,
);

fn blob<'a>(name: &'a str, write: &'a (dyn Fn(&mut dyn Write) -> std::io::Result<()> + Sync)) -> BlobSource<'a> {
    BlobSource { name, write }
}

fn a_new_database_is_empty<B: Backend>() {
    let db = B::create(&schema(20, IdKind::U64));
    Model::new(20).check(&db.storage().view());
    let db = db.reopened();
    Model::new(20).check(&db.storage().view());
    assert_eq!(db.storage().schema(), &schema(20, IdKind::U64));
    assert_eq!(db.storage().checkpoint_commit(), 0);
    assert!(db.storage().blob("graph").unwrap().is_none());
    assert!(db.storage().verify().is_empty());
}

fn commits_are_visible_and_survive_reopening<B: Backend>() {
    survives_reopening::<B>(IdKind::U64);
}

fn string_ids_do_too<B: Backend>() {
    survives_reopening::<B>(IdKind::Text);
}

fn survives_reopening<B: Backend>(kind: IdKind) {
    let mut model = Model::new(100);
    let mut db = B::create(&schema(100, kind));
    for rows in [1, 0, 3, 100, 5000, 1, 17] {
        let before = db.storage().view().commit();
        let dead: Vec<u32> = model.living().into_iter().step_by(5).take(rows).collect();
        model.commit(db.storage(), rows, &dead).unwrap();
        assert_eq!(db.storage().view().commit(), before + 1);
        db = db.reopened();
        model.check(&db.storage().view());
        assert_eq!(db.storage().view().commit(), before + 1);
        if rows == 100 {
            db.storage().checkpoint(&db.storage().view(), &[]).unwrap();
            db = db.reopened();
            model.check(&db.storage().view());
        }
    }
    assert!(db.storage().verify().is_empty());
    assert!(db.storage().usage().disk() + db.storage().usage().memory() > 5000 * 100);
}

fn every_row_length_keeps_its_rows<B: Backend>() {
    for row_bytes in [1, 3, 63, 64, 65, 128, 1000, 6144, 65_536 * 4] {
        let mut model = Model::new(row_bytes);
        let db = B::create(&schema(row_bytes, IdKind::U64));
        model.commit(db.storage(), 1, &[]).unwrap();
        model.commit(db.storage(), 6, &[0]).unwrap();
        let db = db.reopened();
        model.check(&db.storage().view());
    }
}

/// Rows of 256 KiB: a segment holds 256 of them.
fn a_batch_may_span_segments<B: Backend>() {
    let mut model = Model::new(262_144);
    let db = B::create(&schema(262_144, IdKind::U64));
    model.commit(db.storage(), 250, &[]).unwrap();
    let held = db.storage().view();
    let before = model.clone();
    model.commit(db.storage(), 300, &[]).unwrap();
    before.check(&held);
    let db = db.reopened();
    model.check(&db.storage().view());
}

fn deaths_are_seen_by_later_views_only<B: Backend>() {
    let mut model = Model::new(8);
    let db = B::create(&schema(8, IdKind::U64));
    model.commit(db.storage(), 10, &[]).unwrap();
    let (old, old_model) = (db.storage().view(), model.clone());
    // An upsert: the row's new slot and its old slot's death in one.
    model.commit(db.storage(), 1, &[4]).unwrap();
    model.commit(db.storage(), 0, &[10, 0]).unwrap();
    old_model.check(&old);
    model.check(&db.storage().view());
    assert!(db.storage().commit(Commit { rows: &Packed::new(&[], 8), ids: IdColumn::U64(&[]), dead: &[4] }).is_err());
}

fn refused_batches_change_nothing<B: Backend>() {
    let mut model = Model::new(8);
    let db = B::create(&schema(8, IdKind::Text));
    model.commit(db.storage(), 4, &[]).unwrap();
    model.commit(db.storage(), 0, &[1]).unwrap();
    let rows = [7u8; 16];
    let rows = Packed::new(&rows, 8);
    let long = "x".repeat(1025);
    let none = Packed::new(&[], 8);
    let bad: [(&dyn omendb_storage::RowSource, IdColumn<'_>, &[u32]); 7] = [
        (&rows, IdColumn::Text(&["one"]), &[]),
        (&rows, IdColumn::U64(&[1, 2]), &[]),
        (&rows, IdColumn::Text(&["one", &long]), &[]),
        (&rows, IdColumn::Text(&["one", "two"]), &[4]),
        (&rows, IdColumn::Text(&["one", "two"]), &[1]),
        (&rows, IdColumn::Text(&["one", "two"]), &[2, 2]),
        (&none, IdColumn::Text(&[]), &[u32::MAX]),
    ];
    for (rows, ids, dead) in bad {
        let refused = db.storage().commit(Commit { rows, ids, dead });
        assert!(matches!(refused, Err(StorageError::Batch { .. })), "{ids:?} {dead:?}");
        model.check(&db.storage().view());
    }
    let db = db.reopened();
    model.check(&db.storage().view());
    model.commit(db.storage(), 2, &[]).unwrap();
}

fn clear_begins_again<B: Backend>() {
    let mut model = Model::new(300);
    let mut db = B::create(&schema(300, IdKind::U64));
    model.commit(db.storage(), 2000, &[]).unwrap();
    model.commit(db.storage(), 0, &[5]).unwrap();
    db.storage().checkpoint(&db.storage().view(), &[blob("graph", &|out| out.write_all(b"edges"))]).unwrap();
    model.commit(db.storage(), 20, &[]).unwrap();
    let held = db.storage().view();
    let full = db.storage().usage();
    let cleared = db.storage().clear().unwrap();
    assert_ne!(cleared.epoch(), held.epoch());
    assert!(cleared.commit() > held.commit());
    model.check(&held);
    let empty = Model::new(300);
    empty.check(&cleared);
    let usage = db.storage().usage();
    assert!(usage.disk() <= full.disk() && usage.memory() < full.memory(), "{full:?} then {usage:?}");
    // What a backend keeps for itself is its own; of the data nothing is left.
    assert!(usage.disk() - usage.disk_other < 64 << 10, "{usage:?}");
    db = db.reopened();
    empty.check(&db.storage().view());
    assert!(db.storage().blob("graph").unwrap().is_none());
    assert_eq!(db.storage().checkpoint_commit(), 0);
    let mut model = Model::new(300);
    model.commit(db.storage(), 30, &[]).unwrap();
    model.commit(db.storage(), 30, &[2]).unwrap();
    db = db.reopened();
    model.check(&db.storage().view());
    assert_eq!(db.storage().view().epoch(), cleared.epoch());
}

fn checkpoints_replace_blobs_as_a_set<B: Backend>() {
    let mut model = Model::new(64);
    let mut db = B::create(&schema(64, IdKind::U64));
    model.commit(db.storage(), 100, &[]).unwrap();
    let covered = db.storage().view();
    model.commit(db.storage(), 10, &[3]).unwrap();
    let long: Vec<u8> = (0..3_000_000u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
    let graph = |out: &mut dyn Write| out.write_all(&long);
    db.storage().checkpoint(&covered, &[blob("graph", &graph), blob("codes", &|_| Ok(()))]).unwrap();
    for _ in 0..2 {
        model.check(&db.storage().view());
        assert_eq!(db.storage().checkpoint_commit(), covered.commit());
        let graph = db.storage().blob("graph").unwrap().unwrap();
        assert_eq!(*graph, *long);
        assert_eq!(graph.as_ptr() as usize % 64, 0);
        assert!(db.storage().blob("codes").unwrap().unwrap().is_empty());
        assert!(db.storage().blob("other").unwrap().is_none());
        model.commit(db.storage(), 5, &[]).unwrap();
        db = db.reopened();
    }
    let held = db.storage().blob("graph").unwrap().unwrap();
    let now = db.storage().view();
    db.storage().checkpoint(&now, &[blob("codes", &|out| out.write_all(&[7; 5]))]).unwrap();
    assert_eq!(*held, *long, "a blob stays readable while it is held");
    for _ in 0..2 {
        assert_eq!(db.storage().checkpoint_commit(), now.commit());
        assert!(db.storage().blob("graph").unwrap().is_none());
        assert_eq!(*db.storage().blob("codes").unwrap().unwrap(), [7; 5]);
        db = db.reopened();
    }
    model.check(&db.storage().view());
    assert!(db.storage().verify().is_empty());
}

fn blobs_of_a_former_epoch_are_refused<B: Backend>() {
    let mut model = Model::new(64);
    let db = B::create(&schema(64, IdKind::U64));
    model.commit(db.storage(), 5, &[]).unwrap();
    let old = db.storage().view();
    db.storage().clear().unwrap();
    let refused = db.storage().checkpoint(&old, &[blob("graph", &|out| out.write_all(b"old"))]);
    assert!(matches!(refused, Err(StorageError::Stale { .. })));
    assert!(db.storage().blob("graph").unwrap().is_none());
}

fn bad_blob_names_are_refused<B: Backend>() {
    let db = B::create(&schema(64, IdKind::U64));
    let view = db.storage().view();
    let nothing = |_: &mut dyn Write| Ok(());
    for name in ["", "ids", "rows", "commits", "Graph", "a/b", "../x", "-a", "ä", "a.b", &"x".repeat(33)] {
        let refused = db.storage().checkpoint(&view, &[blob(name, &nothing)]);
        assert!(matches!(refused, Err(StorageError::Blob { .. })), "{name:?}");
    }
    let twice = db.storage().checkpoint(&view, &[blob("a", &nothing), blob("a", &nothing)]);
    assert!(matches!(twice, Err(StorageError::Blob { .. })));
}

fn a_failing_blob_leaves_the_former<B: Backend>() {
    let mut model = Model::new(64);
    let db = B::create(&schema(64, IdKind::U64));
    model.commit(db.storage(), 5, &[]).unwrap();
    db.storage().checkpoint(&db.storage().view(), &[blob("graph", &|out| out.write_all(b"first"))]).unwrap();
    let covers = db.storage().checkpoint_commit();
    model.commit(db.storage(), 5, &[]).unwrap();
    let fails = |out: &mut dyn Write| {
        out.write_all(b"seco")?;
        Err(std::io::Error::other("the owner gave up"))
    };
    let refused = db.storage().checkpoint(&db.storage().view(), &[blob("graph", &fails)]);
    assert!(matches!(refused, Err(StorageError::Blob { .. })), "{refused:?}");
    let db = db.reopened();
    assert_eq!(*db.storage().blob("graph").unwrap().unwrap(), *b"first");
    assert_eq!(db.storage().checkpoint_commit(), covers);
    model.commit(db.storage(), 5, &[]).unwrap();
}

fn compact_keeps_the_living_in_the_given_order<B: Backend>() {
    for kind in [IdKind::U64, IdKind::Text] {
        let mut model = Model::new(200);
        let mut db = B::create(&schema(200, kind));
        model.commit(db.storage(), 3000, &[]).unwrap();
        db.storage().checkpoint(&db.storage().view(), &[blob("graph", &|out| out.write_all(b"old"))]).unwrap();
        model.commit(db.storage(), 10, &(0..2500).collect::<Vec<_>>()).unwrap();
        let (old, old_model) = (db.storage().view(), model.clone());
        let full = db.storage().usage();
        let mut order = model.living();
        order.reverse();
        model.reorder(&order);
        let view = db.storage().compact(&old, &order, &[blob("graph", &|out| out.write_all(b"new"))]).unwrap();
        assert_ne!(view.epoch(), old.epoch());
        assert_eq!(view.commit(), old.commit() + 1);
        for _ in 0..2 {
            old_model.check(&old);
            model.check(&db.storage().view());
            assert_eq!(*db.storage().blob("graph").unwrap().unwrap(), *b"new");
            assert_eq!(db.storage().checkpoint_commit(), view.commit());
            let usage = db.storage().usage();
            assert!(usage.disk() + usage.memory() < full.disk() + full.memory(), "{full:?} then {usage:?}");
            db = db.reopened();
        }
        model.commit(db.storage(), 10, &[0]).unwrap();
        db = db.reopened();
        model.check(&db.storage().view());
        let all: Vec<u32> = model.living();
        model.commit(db.storage(), 0, &all).unwrap();
        let none = db.storage().compact(&db.storage().view(), &[], &[]).unwrap();
        assert_eq!(none.slots(), 0);
        db = db.reopened();
        Model::new(200).check(&db.storage().view());
        assert!(db.storage().verify().is_empty());
    }
}

fn compact_refuses_a_wrong_order<B: Backend>() {
    let mut model = Model::new(8);
    let db = B::create(&schema(8, IdKind::U64));
    model.commit(db.storage(), 5, &[]).unwrap();
    let old = db.storage().view();
    model.commit(db.storage(), 0, &[2]).unwrap();
    let now = db.storage().view();
    assert!(matches!(db.storage().compact(&old, &[0, 1, 2, 3, 4], &[]), Err(StorageError::Stale { .. })));
    for order in [&[0, 1, 3][..], &[0, 1, 3, 3], &[0, 1, 2, 3], &[0, 1, 3, 5], &[0, 1, 3, 4, 4]] {
        let refused = db.storage().compact(&now, order, &[]);
        assert!(matches!(refused, Err(StorageError::Batch { .. })), "{order:?}");
    }
    let db = db.reopened();
    model.check(&db.storage().view());
}

/// Batches of 10 whose rows are all alike: a reader that sees 1 to 9 of them saw half a batch.
fn readers_never_see_half_a_batch<B: Backend>() {
    let db = B::create(&schema(100, IdKind::U64));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let view = db.storage().view();
                    assert!(view.commit() >= last, "time goes on");
                    last = view.commit();
                    assert_eq!(view.slots() % 10, 0);
                    assert!(view.live() == 10 || view.live() == 0);
                    let living: Vec<u32> = view.living().collect();
                    assert_eq!(living.len(), view.live() as usize, "old rows die as new ones appear");
                    for slot in living {
                        assert_eq!(view.id(slot).to_string(), slot.to_string());
                        assert!(view.row(slot).iter().all(|&byte| byte == (slot / 10) as u8));
                    }
                }
            });
        }
        scope.spawn(|| {
            scopeguard::defer! { done.store(true, Ordering::Relaxed) }
            for batch in 0..200u32 {
                let rows = vec![batch as u8; 1000];
                let ids: Vec<u64> = (0..10).map(|i| u64::from(batch) * 10 + i).collect();
                let dead: Vec<u32> = if batch == 0 { vec![] } else { (batch * 10 - 10..batch * 10).collect() };
                let commit = Commit { rows: &Packed::new(&rows, 100), ids: IdColumn::U64(&ids), dead: &dead };
                db.storage().commit(commit).unwrap();
                if batch % 50 == 20 {
                    db.storage().checkpoint(&db.storage().view(), &[]).unwrap();
                }
            }
        });
    });
}

fn impossible_schemas_are_refused<B: Backend>() {
    let db = B::create(&schema(1, IdKind::U64));
    db.storage()
        .commit(Commit { rows: &Made { seed: 1, rows: 3, row_bytes: 1 }, ids: IdColumn::U64(&[1, 2, 3]), dead: &[] })
        .unwrap();
    let mut bad = vec![schema(0, IdKind::U64), schema(65_536 * 4 + 4097, IdKind::U64)];
    bad.push(omendb_storage::Schema { user: vec![0; (64 << 10) + 1], ..schema(8, IdKind::U64) });
    for schema in bad {
        assert!(matches!(B::refused(&schema), StorageError::Schema { .. }));
    }
}
