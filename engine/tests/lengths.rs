//! Inner products of rows of any length: how they are linked follows from the lengths, and lasts.

mod data;

use std::path::Path;

use data::{clustered, files, nearest, number, numbers, recall};
use omendb_engine::{Db, Metric, Options, SearchOptions};

const DIM: usize = 16;

/// Rows of length 1.
fn even(rows: usize, seed: u64) -> Vec<f32> {
    let scaled = |row: &[f32]| -> Vec<f32> {
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        row.iter().map(|x| x / length).collect()
    };
    clustered(rows, DIM, seed).chunks(DIM).flat_map(scaled).collect()
}

/// The same with lengths from a tenth to ten, most of them short.
fn uneven(rows: usize, seed: u64) -> Vec<f32> {
    let length = |row: usize| 0.1 * 100f32.powf(((row * 7919 % 1000) as f32 / 1000.0).powi(2));
    even(rows, seed).chunks(DIM).enumerate().flat_map(|(n, row)| row.iter().map(move |x| x * length(n))).collect()
}

/// How many graphs the file of the graph holds: one more where rows have lists by two measures.
fn graphs(db: &Db, path: &Path) -> usize {
    db.checkpoint().unwrap();
    let files = files(path).into_iter().filter(|(name, _)| name.starts_with("graph"));
    files.map(|(_, bytes)| bytes.windows(8).filter(|window| *window == b"OMENGRPH").count()).sum()
}

#[test]
fn rows_of_uneven_length_have_lists_by_two_measures_and_keep_them() {
    let folder = tempfile::tempdir().unwrap();
    let rows = 3000;
    for (name, values, expected) in [("even", even(rows, 1), 1), ("uneven", uneven(rows, 1), 2)] {
        let path = folder.path().join(name);
        let db = Db::create(&path, Options::new(DIM, Metric::InnerProduct).buffer_rows(0)).unwrap();
        db.add_batch(&numbers(2000), &values[..2000 * DIM]).unwrap();
        assert_eq!(graphs(&db, &path), expected, "{name}");
        drop(db);
        let db = Db::open(&path).unwrap();
        assert_eq!((db.stats().buffered, db.stats().graph.rows), (0, 2000), "{name}: the graph is read, not built");
        assert_eq!(graphs(&db, &path), expected, "{name}, opened again");
        // In small batches, each of which is linked as those before it.
        for (ids, rows) in numbers(rows)[2000..].chunks(250).zip(values[2000 * DIM..].chunks(250 * DIM)) {
            db.add_batch(ids, rows).unwrap();
        }
        assert_eq!(graphs(&db, &path), expected, "{name}, with more rows");
        assert!(db.verify().is_ok(), "{name}: {}", db.verify());
        let queries = even(50, 2);
        let found = recall(&db, &values, &queries, 10, 64);
        assert!(found >= 0.97, "{name}: recall {found}");
        db.delete_batch((0..rows as u64).filter(|id| id % 3 == 0)).unwrap();
        db.compact().unwrap();
        assert_eq!(graphs(&db, &path), expected, "{name}, compacted");
        assert!(db.verify().is_ok(), "{name}: {}", db.verify());
    }
}

#[test]
fn by_distance_one_graph_is_enough_whatever_the_lengths() {
    let folder = tempfile::tempdir().unwrap();
    for metric in [Metric::L2, Metric::Cosine] {
        let path = folder.path().join(metric.to_string());
        let db = Db::create(&path, Options::new(DIM, metric).buffer_rows(0)).unwrap();
        db.add_batch(&numbers(500), &uneven(500, 3)).unwrap();
        assert_eq!(graphs(&db, &path), 1, "{metric}");
    }
}

#[test]
fn lengths_that_turn_uneven_have_all_rows_linked_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let db = Db::create(&path, Options::new(DIM, Metric::InnerProduct).buffer_rows(0)).unwrap();
    // Every row twice, so that the old graph has copies that the new one must know.
    let first = even(800, 4);
    let mut values = [&first[..], &first].concat();
    db.add_batch(&numbers(1600), &values).unwrap();
    assert_eq!((graphs(&db, &path), db.stats().graph.vertices), (1, 800));
    values.extend(uneven(1000, 5));
    db.add_batch(&numbers(2600)[1600..], &values[1600 * DIM..]).unwrap();
    assert_eq!((graphs(&db, &path), db.stats().graph.vertices), (2, 1800));
    let is_right = |db: &Db| {
        assert!(db.verify().is_ok(), "{}", db.verify());
        let mut right = 0;
        for query in even(40, 6).chunks(DIM) {
            let hits = db.search_with(query, &SearchOptions::new(10).width(64)).unwrap();
            let mut found: Vec<u64> = hits.iter().map(number).collect();
            // By distance: of two equal rows either will do.
            let tenth = nearest(Metric::InnerProduct, &values, query, 10)[9] as usize;
            let limit = data::distance(Metric::InnerProduct, &values[tenth * DIM..][..DIM], query) + 1e-5;
            right += hits.iter().filter(|hit| f64::from(hit.distance) <= limit).count();
            found.sort_unstable();
            found.dedup();
            assert_eq!(found.len(), 10, "one row twice in an answer");
        }
        assert!(right >= 390, "{right} of 400");
    };
    is_right(&db);
    drop(db);
    let db = Db::open(&path).unwrap();
    assert_eq!((db.stats().buffered, db.stats().graph.rows), (0, 2600), "the graph is read, not built");
    is_right(&db);
}

#[test]
fn short_rows_are_found_by_those_who_ask_from_their_side() {
    // Rows on one side of the origin, where each row's largest products are with the same few long ones.
    let mut values = uneven(4000, 7);
    values.iter_mut().for_each(|value| *value += 1.0);
    let db = Db::in_memory(Options::new(DIM, Metric::InnerProduct).buffer_rows(0)).unwrap();
    db.add_batch(&numbers(4000), &values).unwrap();
    let away: Vec<f32> = even(50, 8).iter().map(|value| value - 0.5).collect();
    for queries in [even(50, 8), away] {
        let found = recall(&db, &values, &queries, 10, 64);
        assert!(found >= 0.95, "recall {found}");
    }
}
