//! Searches over codes find what searches over rows find, whatever happened to the rows.

mod data;

use data::{clustered, distance, nearest, number, numbers, recall, uniform};
use omendb_engine::{Db, ElementKind, Hit, IdRef, Isa, Metric, OpenOptions, Options, SearchOptions};

const METRICS: [Metric; 3] = [Metric::L2, Metric::InnerProduct, Metric::Cosine];
const ROWS: usize = 6000;
const DIM: usize = 64;

/// Rows of norm 1. Under the inner product rows of varying norm have no codes.
fn of_norm_1(mut rows: Vec<f32>, dim: usize) -> Vec<f32> {
    for row in rows.chunks_mut(dim) {
        let norm = row.iter().map(|value| value * value).sum::<f32>().sqrt();
        row.iter_mut().for_each(|value| *value /= norm);
    }
    rows
}

/// A database that searches over codes: the default.
fn over(dim: usize, metric: Metric) -> Options {
    Options::new(dim, metric)
}

fn without_codes() -> OpenOptions {
    OpenOptions::new().codes(false)
}

fn filled(options: Options, rows: usize, values: &[f32]) -> Db {
    let db = Db::in_memory(options).unwrap();
    db.add_batch(&numbers(rows), values).unwrap();
    db.flush().unwrap();
    db
}

/// How many distances a search computes over codes.
fn over_codes(db: &Db, query: &[f32]) -> u64 {
    db.search_with_stats(query, &SearchOptions::new(10).width(40)).unwrap().1.code_distances
}

fn code_bytes(db: &Db) -> u64 {
    db.stats().memory.iter().find(|part| part.name == "codes").unwrap().bytes
}

#[test]
fn recall_is_that_of_searches_over_rows() {
    for metric in METRICS {
        for (kind, dim) in [(ElementKind::F32, 48), (ElementKind::F32, 200), (ElementKind::F16, 200)] {
            for (what, make) in [("clustered", clustered as fn(usize, usize, u64) -> Vec<f32>), ("uniform", uniform)] {
                let (mut rows, queries) = (make(ROWS, dim, 1), make(60, dim, 2));
                if metric == Metric::InnerProduct {
                    rows = of_norm_1(rows, dim);
                }
                let options = || over(dim, metric).row_type(kind);
                let case = format!("{metric} {kind} {dim} {what}");
                let with = filled(options(), ROWS, &rows);
                let without = filled(options().codes(false), ROWS, &rows);
                assert!(over_codes(&with, &queries[..dim]) > 0, "{case}");
                assert_eq!((over_codes(&without, &queries[..dim]), code_bytes(&without)), (0, 0), "{case}");
                let [found, expected] = [&with, &without].map(|db| recall(db, &rows, &queries, 10, 40));
                // Rows without structure are hardly nearer than others: at this width half of them are found.
                let lost = if what == "uniform" { 0.03 } else { 0.01 };
                assert!(found > expected - lost, "{case}: {found}, over rows {expected}");
                // What is returned is exact, and in order.
                for query in queries.chunks(dim) {
                    let hits = with.search(query, 10).unwrap();
                    assert!(hits.is_sorted_by(|a, b| a.distance <= b.distance), "{case}");
                    for hit in hits {
                        let row = with.get(number(&hit)).unwrap();
                        let exact = distance(metric, &row, query);
                        let size = exact.abs().max(1.0);
                        assert!((f64::from(hit.distance) - exact).abs() < 1e-4 * size, "{case}: {hit:?}, {exact}");
                    }
                }
            }
        }
    }
}

#[test]
fn bytes_and_short_rows_have_no_codes() {
    for (kind, dim) in [(ElementKind::U8, 64), (ElementKind::F32, 16), (ElementKind::F16, 32)] {
        let rows: Vec<f32> = clustered(ROWS, dim, 1).into_iter().map(|value| (value * 30.0 + 60.0).round()).collect();
        let db = filled(over(dim, Metric::L2).row_type(kind), ROWS, &rows);
        assert_eq!((over_codes(&db, &rows[..dim]), code_bytes(&db)), (0, 0), "{kind}");
    }
}

/// Every living row is found by a query that is the row.
fn check(db: &Db, rows: &[f32], living: impl Iterator<Item = u64>, what: &str) {
    assert!(db.verify().is_ok(), "{what}: {}", db.verify());
    let (mut lost, mut all) = (0, 0);
    for id in living.step_by(7) {
        let row = &rows[id as usize * DIM..][..DIM];
        let hits = db.search(row, 10).unwrap();
        let is_found = hits.iter().any(|hit| number(hit) == id);
        lost += usize::from(!is_found);
        all += 1;
    }
    assert!(lost * 200 <= all, "{what}: {lost} of {all} rows are not found");
    assert!(over_codes(db, &rows[..DIM]) > 0, "{what}");
}

#[test]
fn codes_follow_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    for metric in [Metric::L2, Metric::Cosine] {
        let path = folder.path().join(metric.to_string());
        let mut rows = clustered(ROWS, DIM, 3);
        let db = Db::create(&path, over(DIM, metric).buffer_rows(100)).unwrap();
        for (ids, values) in numbers(ROWS).chunks(700).zip(rows.chunks(700 * DIM)) {
            db.add_batch(ids, values).unwrap();
        }
        db.flush().unwrap();
        check(&db, &rows, 0..ROWS as u64, "added in batches");
        let others = clustered(1000, DIM, 4);
        rows[..1000 * DIM].copy_from_slice(&others);
        db.upsert_batch(&numbers(1000), &others).unwrap();
        db.flush().unwrap();
        check(&db, &rows, 0..ROWS as u64, "replaced");
        db.delete_batch(2000..3000u64).unwrap();
        let living = || (0..2000).chain(3000..ROWS as u64);
        check(&db, &rows, living(), "deleted");
        db.compact().unwrap();
        check(&db, &rows, living(), "compacted");
        db.close().unwrap();
        let db = Db::open(&path).unwrap();
        check(&db, &rows, living(), "reopened");
        db.add_batch(&(2000..3000u64).collect::<Vec<_>>(), &rows[2000 * DIM..3000 * DIM]).unwrap();
        db.flush().unwrap();
        check(&db, &rows, 0..ROWS as u64, "added again");
        db.clear().unwrap();
        assert_eq!(code_bytes(&db), 0);
    }
}

fn answers(db: &Db, queries: &[f32]) -> Vec<Vec<Hit>> {
    queries.chunks(DIM).map(|query| db.search(query, 10).unwrap()).collect()
}

/// A checkpoint that lost its codes, or has damaged ones, is no different from one that has them.
#[test]
fn answers_do_not_depend_on_what_a_checkpoint_has_of_codes() {
    let (rows, queries) = (clustered(ROWS, DIM, 5), clustered(30, DIM, 6));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let db = Db::create(&path, over(DIM, Metric::L2)).unwrap();
    db.add_batch(&numbers(ROWS), &rows).unwrap();
    db.flush().unwrap();
    let expected = answers(&db, &queries);
    db.close().unwrap();
    let blob = || {
        let files = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
        files.into_iter().find(|file| file.file_stem().is_some_and(|stem| stem == "codes")).unwrap()
    };
    let whole = std::fs::read(blob()).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 16;
    for damaged in [Some(whole.clone()), Some(flipped), Some(whole[..whole.len() / 2].to_vec()), Some(Vec::new()), None]
    {
        match damaged {
            Some(bytes) => std::fs::write(blob(), bytes).unwrap(),
            None => std::fs::remove_file(blob()).unwrap(),
        }
        for read_only in [true, false] {
            let db = if read_only { Db::open_read_only(&path) } else { Db::open(&path) }.unwrap();
            assert!(over_codes(&db, &queries[..DIM]) > 0);
            assert_eq!(answers(&db, &queries), expected);
        }
    }
    // A process that wants none ignores them; the next one makes them again.
    drop(Db::open_with(&path, without_codes()).unwrap());
    let db = Db::open_with(&path, without_codes()).unwrap();
    assert_eq!(over_codes(&db, &queries[..DIM]), 0);
    db.upsert(5u64, &rows[5 * DIM..6 * DIM]).unwrap();
    db.close().unwrap();
    let db = Db::open(&path).unwrap();
    db.flush().unwrap();
    check(&db, &rows, 0..ROWS as u64, "after a process without codes");
}

#[test]
fn answers_do_not_depend_on_the_instruction_set_beyond_rounding() {
    let (rows, queries) = (clustered(ROWS, DIM, 7), clustered(50, DIM, 8));
    // Whole numbers: their distances are exact.
    let whole = |values: Vec<f32>| -> Vec<f32> { values.into_iter().map(|value| (value * 50.0).round()).collect() };
    let (rows, queries) = (whole(rows), whole(queries));
    let mut expected = None;
    for isa in Isa::available() {
        let db = filled(over(DIM, Metric::L2).isa(isa), ROWS, &rows);
        let found = answers(&db, &queries);
        assert!(over_codes(&db, &queries[..DIM]) > 0);
        assert_eq!(*expected.get_or_insert_with(|| found.clone()), found, "{isa}");
    }
}

/// Rows that have the same codes, more than a search keeps: codes cannot tell which is the nearest. So few rows are like them
/// that codes serve the others.
#[test]
fn rows_that_share_their_codes_are_told_apart() {
    for metric in [Metric::L2, Metric::Cosine] {
        let mut rows = clustered(ROWS, DIM, 9);
        let (first, noise) = (rows[..DIM].to_vec(), uniform(ROWS, DIM, 10));
        let alike = 1..46;
        for id in alike.clone() {
            let row = rows[id * DIM..][..DIM].iter_mut().zip(&first).zip(&noise[id * DIM..]);
            row.for_each(|((value, first), noise)| *value = first + 1e-4 * noise);
        }
        let queries: Vec<f32> = rows[alike.start * DIM..alike.end * DIM].iter().map(|value| value * 1.00001).collect();
        let db = filled(over(DIM, metric), ROWS, &rows);
        assert!(over_codes(&db, &rows[3000 * DIM..][..DIM]) > 0, "{metric}");
        let without = filled(over(DIM, metric).codes(false), ROWS, &rows);
        let [found, expected] = [&db, &without].map(|db| recall(db, &rows, &queries, 10, 20));
        assert!(found > expected - 0.01, "{metric}: {found}, over rows {expected}");
    }
}

/// The distances from such queries differ less from row to row, so codes order rows worse.
#[test]
fn queries_from_elsewhere_find_as_much_as_over_rows_at_the_same_width() {
    let queries = uniform(400, DIM, 21);
    for metric in [Metric::L2, Metric::Cosine] {
        let rows = clustered(ROWS, DIM, 20);
        let with = filled(over(DIM, metric), ROWS, &rows);
        let without = filled(over(DIM, metric).codes(false), ROWS, &rows);
        for width in [12, 20, 40, 100] {
            let [found, expected] = [&with, &without].map(|db| recall(db, &rows, &queries, 10, width));
            // At a width of about k, exact distances choose among few more. Of 4,000 neighbours 20 are chance.
            let chance = if width < 20 { 0.02 } else { 0.005 };
            assert!(found > expected - chance, "{metric}, width {width}: {found}, over rows {expected}");
        }
        let answered_over_codes = queries.chunks(DIM).filter(|query| over_codes(&with, query) > 0).count();
        assert!(answered_over_codes > 200, "{metric}: {answered_over_codes} of 400");
    }
}

#[test]
fn queries_unlike_the_rows_are_answered_over_rows() {
    let rows = clustered(ROWS, DIM, 11);
    let db = filled(over(DIM, Metric::L2), ROWS, &rows);
    let far: Vec<f32> = clustered(40, DIM, 12).into_iter().map(|value| 5.0 * value).collect();
    assert_eq!(over_codes(&db, &far[..DIM]), 0);
    let without = filled(over(DIM, Metric::L2).codes(false), ROWS, &rows);
    let [found, expected] = [&db, &without].map(|db| recall(db, &rows, &far, 10, 64));
    assert_eq!(found, expected);
    // Of the norm of the rows, and one column alone: outside the grid too.
    let rows = of_norm_1(rows, DIM);
    let db = filled(over(DIM, Metric::InnerProduct), ROWS, &rows);
    let mut query = vec![0.0; DIM];
    query[3] = 1.0;
    assert!(over_codes(&db, &rows[..DIM]) > 0);
    assert_eq!(over_codes(&db, &query), 0);
    let hits = db.search_with(&query, &SearchOptions::new(10).width(100)).unwrap();
    let expected = nearest(Metric::InnerProduct, &rows, &query, 10);
    assert!(hits.iter().filter(|hit| expected.contains(&number(hit))).count() >= 9);
}

/// Later rows outside the grid, which would have the codes of rows within. The queries are within.
#[test]
fn later_rows_outside_the_grid_do_not_hide_those_within() {
    let mut rows = clustered(ROWS, DIM, 13);
    rows.chunks_mut(DIM).for_each(|row| row[0] = 1.0);
    let db = filled(over(DIM, Metric::L2), ROWS, &rows);
    let queries: Vec<f32> = rows[..100 * DIM].iter().map(|value| value * 1.001).collect();
    assert!(over_codes(&db, &queries[..DIM]) > 0);
    let mut others = rows[..500 * DIM].repeat(3);
    for (number, row) in others.chunks_mut(DIM).enumerate() {
        row[0] = -100.0 * (1 + number / 500) as f32;
    }
    db.add_batch(&(ROWS as u64..ROWS as u64 + 1500).collect::<Vec<_>>(), &others).unwrap();
    db.flush().unwrap();
    rows.extend(&others);
    let found = recall(&db, &rows, &queries, 10, 20);
    let expected = recall(&filled(over(DIM, Metric::L2).codes(false), ROWS + 1500, &rows), &rows, &queries, 10, 20);
    assert!(found > expected - 0.01, "{found}, over rows {expected}");
    assert!(db.verify().is_ok());
}

#[test]
fn a_target_recall_is_met_over_codes() {
    let (rows, queries) = (clustered(12_000, DIM, 16), clustered(200, DIM, 17));
    for metric in METRICS {
        let db = filled(over(DIM, metric), 12_000, &rows);
        for target in [0.9, 0.95, 0.99] {
            let width = db.width_for(10, target).unwrap();
            let found = recall(&db, &rows, &queries, 10, width);
            assert!(found > target - 0.01, "{metric} {target}: {found} at width {width}");
        }
    }
}

/// Threads search while rows are replaced, deleted, compacted and cleared.
#[test]
fn searches_over_codes_go_on_while_rows_come_and_go() {
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    let rows = clustered(ROWS, DIM, 19);
    let db = Db::in_memory(over(DIM, Metric::L2).buffer_rows(200).threads(2)).unwrap();
    db.add_batch(&numbers(ROWS), &rows).unwrap();
    db.flush().unwrap();
    let (done, seen) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for first in 0..2 {
            let (db, rows, done, seen) = (&db, &rows, &done, &seen);
            scope.spawn(move || {
                for turn in (first..).step_by(2).take_while(|_| !done.load(SeqCst)) {
                    let query = &rows[turn % ROWS * DIM..][..DIM];
                    let (hits, stats) = db.search_with_stats(query, &SearchOptions::new(10)).unwrap();
                    assert!(hits.is_sorted_by(|a, b| a.distance <= b.distance));
                    seen.fetch_or(stats.code_distances > 0, SeqCst);
                    if turn % 64 == 0 {
                        db.search_with(query, &SearchOptions::new(10).target_recall(0.9)).unwrap();
                    }
                }
            });
        }
        scopeguard::defer! { done.store(true, SeqCst) }
        for turn in 0..6usize {
            let some = 500 * turn..500 * turn + 1500;
            db.upsert_batch(&numbers(ROWS)[some.clone()], &rows[some.start * DIM..some.end * DIM]).unwrap();
            db.delete_batch(some.start as u64..some.start as u64 + 300).unwrap();
            db.compact().unwrap();
            if turn == 3 {
                db.clear().unwrap();
            }
            db.upsert_batch(&numbers(ROWS), &rows).unwrap();
            db.flush().unwrap();
        }
    });
    assert!(seen.load(SeqCst));
    db.compact().unwrap();
    check(&db, &rows, 0..ROWS as u64, "afterwards");
}

/// Filters that accept few rows, more rows than a search keeps, and all rows.
#[test]
fn as_many_rows_are_found_as_there_are() {
    let rows = clustered(ROWS, DIM, 18);
    let db = filled(over(DIM, Metric::L2), ROWS, &rows);
    let query = &rows[..DIM];
    for k in [1, 63, 64, 65, 500, ROWS, ROWS + 1] {
        assert_eq!(db.search(query, k).unwrap().len(), k.min(ROWS));
    }
    for part in [2, 20, 200, 3000] {
        let options = SearchOptions::new(10).filter(move |id| matches!(id, IdRef::U64(id) if id % part == 0));
        let hits = db.search_with(query, &options).unwrap();
        assert_eq!(hits.len(), 10.min(ROWS.div_ceil(part as usize)));
        assert!(hits.iter().all(|hit| number(hit).is_multiple_of(part)));
    }
}
