//! Rows and queries of any smallness: the right answer, or a refusal that says why.

mod data;

use data::{distance, nearest, number, numbers, uniform};
use omendb_engine::{
    BatchError, Db, Durability, ElementKind, Metric, OpenOptions, Options, SearchError, SearchOptions,
};
use omendb_storage::mapped::Mapped;
use omendb_storage::{Commit, IdColumn, Packed, Storage};

const DIM: usize = 5;
const ROWS: usize = 40;
const METRICS: [Metric; 3] = [Metric::L2, Metric::InnerProduct, Metric::Cosine];

fn scaled(values: &[f32], power: i32) -> Vec<f32> {
    values.iter().map(|value| (f64::from(*value) * 10f64.powi(-power)) as f32).collect()
}

/// What the database keeps of its rows.
fn stored(db: &Db) -> Vec<f32> {
    (0..ROWS as u64).flat_map(|id| db.get(id).unwrap()).collect()
}

/// The first answer is as near as the nearest row, as far as f32 can tell.
fn answers(db: &Db, rows: &[f32], query: &[f32], case: &str) {
    let metric = db.config().metric();
    let row = |id: u64| &rows[id as usize * DIM..][..DIM];
    let length = |values: &[f32]| distance(Metric::L2, values, &[0.0; DIM]).sqrt();
    let best = nearest(metric, rows, query, 1)[0];
    for exact in [false, true] {
        let hits = db.search_with(query, &SearchOptions::new(3).exact(exact)).unwrap();
        let found = number(&hits[0]);
        let [found_at, best_at] = [found, best].map(|id| distance(metric, row(id), query));
        let noise = match metric {
            Metric::L2 => 1e-3 * best_at,
            Metric::InnerProduct => 1e-5 * length(row(best)).max(length(row(found))) * length(query),
            Metric::Cosine => 1e-6,
        };
        assert!(found_at <= best_at + noise, "{case}, exact: {exact}: {found} at {found_at:e}, {best} at {best_at:e}");
    }
}

#[test]
fn small_numbers_are_answered_or_refused() {
    let (values, queries) = (uniform(ROWS, DIM, 1), uniform(10, DIM, 2));
    for metric in METRICS {
        for kind in [ElementKind::F32, ElementKind::F16, ElementKind::Bf16] {
            let (mut taken, mut refused, mut asked) = (0, 0, 0);
            for power in 0..46 {
                let case = format!("{metric:?} {kind} 1e-{power}");
                let db = Db::in_memory(Options::new(DIM, metric).row_type(kind)).unwrap();
                let mut rows = scaled(&values, power);
                if metric != Metric::Cosine && power % 2 == 0 {
                    rows[..DIM].fill(0.0);
                }
                match db.add_batch(&numbers(ROWS), &rows) {
                    Ok(()) => taken += 1,
                    Err(BatchError::TooShort { squared, limit, .. }) => {
                        assert!(squared > 0.0 && squared < limit && power > 17, "{case}: {squared:e}");
                        refused += 1;
                        continue;
                    }
                    // Of f16, and of bf16 at the very end, nothing may be left.
                    Err(BatchError::ZeroNorm { .. }) if kind != ElementKind::F32 => continue,
                    Err(error) => panic!("{case}: {error}"),
                }
                let rows = stored(&db);
                if metric != Metric::Cosine {
                    answers(&db, &rows, &[0.0; DIM], &case);
                }
                for other in [0, power, 18, 30, 42] {
                    for query in scaled(&queries, other).chunks(DIM) {
                        let case = format!("{case}, asked by 1e-{other}");
                        match db.search(query, 1) {
                            Err(SearchError::TooShort { .. }) => assert!(other > 17, "{case}"),
                            Err(SearchError::ZeroNorm { .. }) => {
                                assert!(metric == Metric::Cosine && query.iter().all(|value| *value == 0.0), "{case}");
                            }
                            Err(error) => panic!("{case}: {error}"),
                            Ok(_) => {
                                answers(&db, &rows, query, &case);
                                asked += 1;
                            }
                        }
                    }
                }
            }
            let refuses = kind != ElementKind::F16;
            assert!(
                taken >= 6 && (refused > 20) == refuses && asked > 100,
                "{metric:?} {kind}: {taken} {refused} {asked}"
            );
        }
    }
}

#[test]
fn the_message_says_why() {
    for metric in METRICS {
        let db = Db::in_memory(Options::new(2, metric)).unwrap();
        db.add(1u64, &[1.0f32, 0.0]).unwrap();
        let refused = db.add(2u64, &[1e-30f32, 0.0]).unwrap_err().to_string();
        assert!(refused.contains("row 0 has squared norm 1.0") && refused.contains("e-60"), "{refused}");
        let refused = db.search(&[0.0f32, 1e-30], 1).unwrap_err().to_string();
        assert!(refused.contains("query 0 has squared norm 1.0") && refused.contains("e-60"), "{refused}");
        let refused = db.search_batch(&[1.0f32, 0.0, 0.0, 1e-30], &SearchOptions::new(1)).unwrap_err();
        assert!(matches!(refused, SearchError::TooShort { query: 1, .. }), "{refused}");
        // Beside a value that is not small, a small one is no reason.
        db.add(3u64, &[1e-30f32, 1.0]).unwrap();
        if metric != Metric::Cosine {
            db.add(4u64, &[0.0f32, 0.0]).unwrap();
            assert_eq!(db.search(&[0.0f32, 0.0], 4).unwrap().len(), 3);
        }
        assert!(db.verify().is_ok(), "{}", db.verify());
    }
}

/// What an older version took is still read, and named where it cannot be taken along.
#[test]
fn rows_that_were_taken_before_are_read_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("db.omen"), folder.path().join("saved.omen"));
    let db = Db::create(&path, Options::new(DIM, Metric::L2)).unwrap();
    db.add_batch(&numbers(ROWS), &uniform(ROWS, DIM, 1)).unwrap();
    db.close().unwrap();
    let storage = Mapped::open(&path, Durability::Sync).unwrap();
    let bytes: Vec<u8> = [3e-30f32; 2 * DIM].iter().flat_map(|value| value.to_le_bytes()).collect();
    let rows = Packed::new(&bytes, DIM * 4);
    storage.commit(Commit { rows: &rows, ids: IdColumn::U64(&[700, 701]), dead: &[] }).unwrap();
    drop(storage);

    let db = Db::open(&path).unwrap();
    assert_eq!((db.count(), db.get(700u64)), (ROWS + 2, Some(vec![3e-30; DIM])));
    assert!(db.verify().is_ok(), "{}", db.verify());
    let estimate = db.estimate_recall(100, &SearchOptions::new(3)).unwrap();
    assert_eq!((estimate.asked, estimate.recall), (ROWS, 1.0));
    db.compact().unwrap();
    db.close().unwrap();
    let saved = Db::repair(&path, &to, OpenOptions::new()).unwrap();
    assert_eq!(saved.db.count(), ROWS);
    assert!(saved.lost.len() == 2 && saved.lost[1].to_string().contains("701"), "{:?}", saved.lost);
}
