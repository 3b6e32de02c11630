//! Calls that take several things at once, compared with the same things one by one.

mod data;

use std::collections::BTreeMap;

use data::{clustered, files};
use omendb_engine::{
    BatchError, Db, ElementKind, Id, IdKind, Metric, Options, Plan, QueryRef, RowsRef, SearchError, SearchOptions,
    WriteBatch,
};

const DIM: usize = 4;

fn row(value: u64) -> [f32; DIM] {
    [value as f32, 1.0, (value % 7) as f32, 0.5]
}

/// Random batches beside a map; each is one commit.
#[test]
fn a_write_batch_is_its_upserts_and_deletes_in_one_commit() {
    let folder = tempfile::tempdir().unwrap();
    for kind in [IdKind::U64, IdKind::Text] {
        let path = folder.path().join(format!("{kind}.omen"));
        let db = Db::create(&path, Options::new(DIM, Metric::Cosine).id_kind(kind)).unwrap();
        let id = |number: u64| if kind == IdKind::U64 { Id::from(number) } else { Id::from(format!("n{number}")) };
        let (mut model, mut state) = (BTreeMap::<Id, u64>::new(), 17u64);
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for turn in 0..60u64 {
            let mut numbers: Vec<u64> = (0..40).collect();
            numbers.rotate_left(random(40) as usize);
            let (upserts, deletes) = numbers[..random(12) as usize + 12].split_at(random(12) as usize);
            let (upserts, deletes): (Vec<Id>, Vec<Id>) =
                (upserts.iter().map(|n| id(*n)).collect(), deletes.iter().map(|n| id(*n)).collect());
            let rows: Vec<[f32; DIM]> = (0..upserts.len() as u64).map(|i| row(100 * turn + i)).collect();
            // The first by itself, the others as a batch.
            let mut batch = WriteBatch::new();
            if let ([first, ids @ ..], [row, rows @ ..]) = (&upserts[..], &rows[..]) {
                batch.upsert(first, row).upsert_batch(ids, rows);
            }
            batch.delete_batch(&deletes);
            let before = db.stats().commits;
            let written = db.write(&batch).unwrap();

            let deleted = deletes.iter().filter(|id| model.remove(id).is_some()).count();
            let replaced =
                upserts.iter().zip(0..).filter(|(id, i)| model.insert((*id).clone(), 100 * turn + i).is_some());
            assert_eq!((written.replaced, written.deleted), (replaced.count(), deleted));
            assert_eq!(written.upserted, upserts.len());
            assert_eq!(db.stats().commits - before, u64::from(!upserts.is_empty() || deleted > 0));
        }
        assert_eq!(db.count(), model.len());
        db.close().unwrap();
        let db = Db::open(&path).unwrap();
        assert!(db.verify().is_ok(), "{}", db.verify());
        let ids: Vec<Id> = (0..40).map(id).collect();
        for (id, found) in ids.iter().zip(db.get_batch(&ids)) {
            assert_eq!(found, model.get(id).map(|value| row(*value).to_vec()));
        }
    }
}

#[test]
fn a_write_batch_that_is_wrong_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let db = Db::create(&path, Options::new(DIM, Metric::Cosine)).unwrap();
    db.add_batch(&[1, 2], &[row(1), row(2)]).unwrap();
    let before = files(&path);
    let (good, nan, zero) = (row(3), [1.0, f32::NAN, 0.0, 0.0], [0.0f32; DIM]);
    let short = [1.0f32; DIM - 1];
    let refused = |fill: &dyn Fn(&mut WriteBatch<'_>)| {
        let mut batch = WriteBatch::new();
        batch.upsert(10, &[1.0f32, 0.0, 0.0, 0.0]).delete(1);
        fill(&mut batch);
        let error = db.write(&batch).unwrap_err();
        assert_eq!((db.count(), files(&path) == before), (2, true), "{error}");
        error
    };
    // Rows are counted over the whole batch.
    let (partly, twice) = ([good, nan], [good, good]);
    let mut batch = WriteBatch::new();
    batch.upsert(10, &good).upsert_batch(&[11, 12], &partly);
    assert!(matches!(db.write(&batch), Err(BatchError::NotFinite { row: 2, column: 1, .. })));
    let mut batch = WriteBatch::new();
    batch.upsert(10, &good).upsert(11, &zero);
    assert!(matches!(db.write(&batch), Err(BatchError::ZeroNorm { row: 1 })));
    let mut batch = WriteBatch::new();
    batch.upsert(10, &good).upsert(11, &short);
    assert!(matches!(db.write(&batch), Err(BatchError::Dimension { row: 1, found: 3, expected: 4 })));
    let mut batch = WriteBatch::new();
    batch.upsert(10, &good).upsert_batch(&[11, 10], &twice);
    assert!(matches!(db.write(&batch), Err(BatchError::DuplicateId { first_row: 0, row: 2, .. })));
    assert!(matches!(
        refused(&|batch| {
            batch.delete(10);
        }),
        BatchError::UpsertedAndDeleted { id: Id::U64(10) }
    ));
    assert!(matches!(
        refused(&|batch| {
            batch.delete("a");
        }),
        BatchError::IdKind { found: Some(IdKind::Text), .. }
    ));
    assert!(matches!(db.delete("a"), Err(BatchError::IdKind { .. })));
    assert!(matches!(db.delete_batch(["a", "b"]), Err(BatchError::IdKind { .. })));
    assert_eq!((db.count(), files(&path) == before), (2, true));
    // Of another kind, an id is no row's.
    assert!(db.get("a").is_none() && !db.contains("a"));
}

#[test]
fn queries_come_in_as_rows_do() {
    let db = Db::in_memory(Options::new(DIM, Metric::L2)).unwrap();
    let rows: Vec<[f32; DIM]> = clustered(300, DIM, 5).as_chunks().0.to_vec();
    db.add_batch(&(0..300).collect::<Vec<u64>>(), &rows).unwrap();
    let options = SearchOptions::new(3);
    let each: Vec<_> = rows[..20].iter().map(|query| db.search(query, 3).unwrap()).collect();
    let flat: Vec<f32> = rows[..20].concat();
    assert_eq!(db.search_batch(&flat, &options).unwrap(), each);
    assert_eq!(db.search_batch(&rows[..20], &options).unwrap(), each);
    let vectors: Vec<Vec<f32>> = rows[..20].iter().map(|row| row.to_vec()).collect();
    assert_eq!(db.search_batch(&vectors, &options).unwrap(), each);

    // As bytes, from any address, and with gaps.
    let mut bytes = vec![0u8];
    for row in &rows[..20] {
        bytes.extend_from_slice(bytemuck::cast_slice(row));
        bytes.extend_from_slice(&[9; 3]);
    }
    let strided = RowsRef::strided(ElementKind::F32, &bytes[1..], 4 * DIM + 3, 20);
    assert_eq!(db.search_batch(strided, &options).unwrap(), each);
    assert_eq!(db.search(QueryRef::bytes(ElementKind::F32, &bytes[1..=4 * DIM]), 3).unwrap(), each[0]);

    let long = RowsRef::strided(ElementKind::F32, &bytes, usize::MAX / 2, 20);
    assert!(matches!(db.search_batch(long, &options), Err(SearchError::Stride { rows: 20, .. })));
    let ragged = db.search_batch(&flat[..DIM + 1], &options);
    assert!(matches!(ragged, Err(SearchError::Dimension { query: 1, found: 1, expected: DIM })), "{ragged:?}");
    let bytes = db.search(QueryRef::bytes(ElementKind::F32, &[0; 4 * DIM + 1]), 3);
    assert!(matches!(bytes, Err(SearchError::Dimension { found: DIM, .. })), "{bytes:?}");
}

#[test]
fn a_plan_is_told() {
    let db = Db::in_memory(Options::new(DIM, Metric::L2)).unwrap();
    let options = SearchOptions::new(10);
    assert_eq!(db.explain(&options).unwrap(), Plan::Nothing);
    let rows = clustered(5000, DIM, 5);
    db.add_batch(&(0..100).collect::<Vec<u64>>(), &rows[..100 * DIM]).unwrap();
    assert_eq!(db.explain(&options).unwrap(), Plan::Scan);
    db.add_batch(&(100..5000).collect::<Vec<u64>>(), &rows[100 * DIM..]).unwrap();
    db.flush().unwrap();
    assert_eq!(db.explain(&options).unwrap(), Plan::Graph { width: 64 });
    assert_eq!(db.explain(&options.clone().width(7)).unwrap(), Plan::Graph { width: 10 });
    assert_eq!(db.explain(&options.clone().exact(true)).unwrap(), Plan::Scan);
    assert_eq!(db.explain(&SearchOptions::new(0)).unwrap(), Plan::Nothing);
    assert!(matches!(db.explain(&options.width(0)), Err(SearchError::Option { name: "width", .. })));
}
