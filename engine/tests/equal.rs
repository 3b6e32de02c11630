//! Rows that equal one another: one vertex, found all of them, whatever becomes of the others.

mod data;

use std::collections::BTreeSet;

use data::{clustered, distance, number, numbers};
use omendb_engine::{Db, ElementKind, IdRef, Metric, Options, SearchOptions};

const KINDS: [ElementKind; 5] =
    [ElementKind::F32, ElementKind::F16, ElementKind::Bf16, ElementKind::U8, ElementKind::I8];

/// `rows` different rows of small whole numbers, many of them 0, which every row type holds.
fn whole(rows: usize, dim: usize) -> Vec<f32> {
    let digit = |row: usize, place: usize| (row >> (2 * place) & 3) as f32;
    (0..rows).flat_map(|row| (0..dim).map(move |place| digit(row, place))).collect()
}

#[test]
fn rows_of_equal_values_are_one_vertex_in_every_row_type() {
    // Rows of seven numbers end where no word does.
    let (rows, dim) = (600, 7);
    let values = whole(rows, dim);
    let negative: Vec<f32> = values.iter().map(|&value| if value == 0.0 { -0.0 } else { value }).collect();
    // Half of the zeros are negative, so that a row equals others, none of whose bytes are its own.
    let mixed: Vec<f32> =
        values.iter().enumerate().map(|(n, &value)| if value == 0.0 && n % 2 == 0 { -0.0 } else { value }).collect();
    for kind in KINDS {
        let vertices = |batches: &[&[f32]]| {
            let db = Db::in_memory(Options::new(dim, Metric::L2).row_type(kind).buffer_rows(0)).unwrap();
            for (number, &batch) in batches.iter().enumerate() {
                let ids: Vec<u64> = (0..(batch.len() / dim) as u64).map(|id| id + 10_000 * number as u64).collect();
                db.add_batch(&ids, batch).unwrap();
            }
            assert!(db.verify().is_ok(), "{kind}: {}", db.verify());
            (db.stats().graph.vertices, db)
        };
        assert_eq!(vertices(&[&values]).0, rows as u64, "{kind}");
        let (together, _) = vertices(&[&[&mixed[..], &values, &negative].concat()]);
        assert_eq!(together, rows as u64, "{kind}: in one batch");
        let (apart, db) = vertices(&[&mixed, &values, &negative]);
        assert_eq!(apart, rows as u64, "{kind}: in three");
        for (row, query) in values.chunks(dim).enumerate().step_by(29) {
            let hits: BTreeSet<u64> = db.search(query, 3).unwrap().iter().map(number).collect();
            let row = row as u64;
            assert_eq!(hits, BTreeSet::from([row, row + 10_000, row + 20_000]), "{kind}");
        }
    }
}

#[test]
fn rows_that_differ_by_what_their_type_can_tell_are_not_equal() {
    // The last bit of a number that is 1: half types round to it what differs by less.
    for (kind, bit, less) in [
        (ElementKind::F32, f32::EPSILON, 0.0),
        (ElementKind::F16, 1.0 / 1024.0, 1e-5),
        (ElementKind::Bf16, 1.0 / 128.0, 1e-4),
        (ElementKind::U8, 1.0, 0.0),
        (ElementKind::I8, 1.0, 0.0),
    ] {
        let db = Db::in_memory(Options::new(3, Metric::L2).row_type(kind).buffer_rows(0)).unwrap();
        db.add_batch(&[1, 2, 3, 4], &[1.0f32, 1.0, 1.0, 1.0, 1.0, 1.0 + bit, 1.0, 1.0, 1.0, 1.0 + less, 1.0, 1.0])
            .unwrap();
        assert_eq!(db.stats().graph.vertices, 2, "{kind}");
    }
}

#[test]
fn of_thousands_of_equal_rows_any_are_found_at_little_cost() {
    let (rows, dim) = (20_000, 8);
    for metric in [Metric::L2, Metric::InnerProduct, Metric::Cosine] {
        let db = Db::in_memory(Options::new(dim, metric).buffer_rows(0)).unwrap();
        db.add_batch(&numbers(rows), &vec![0.5f32; rows * dim]).unwrap();
        db.flush().unwrap();
        assert_eq!(db.stats().graph.vertices, 1);
        let query = [1.0f32; 8];
        let (hits, cost) = db.search_with_stats(&query, &SearchOptions::new(10)).unwrap();
        assert_eq!(hits.iter().map(number).collect::<BTreeSet<u64>>().len(), 10, "{metric}");
        let expected = distance(metric, &[0.5; 8], &query);
        assert!(hits.iter().all(|hit| (f64::from(hit.distance) - expected).abs() < 1e-5), "{metric}");
        assert!(cost.distances < 10, "{metric}: {} distances", cost.distances);
        // Their deletion leaves the others to be found.
        db.delete_batch((0..rows as u64).filter(|id| id % 1000 != 7)).unwrap();
        let found: Vec<u64> = db.search(&query, 30).unwrap().iter().map(number).collect();
        assert_eq!(found, (0..20).map(|n| n * 1000 + 7).collect::<Vec<u64>>(), "{metric}");
    }
}

/// Groups of four equal rows: the ids of group g are g, g + GROUPS, and so on. The first comes first.
const GROUPS: u64 = 1000;
const DIM: usize = 12;

fn in_groups(metric: Metric, step: usize) -> (Db, Vec<f32>) {
    let values = clustered(GROUPS as usize, DIM, 3);
    let db = Db::in_memory(Options::new(DIM, metric).buffer_rows(0)).unwrap();
    let all: Vec<f32> = (0..4).flat_map(|_| values.clone()).collect();
    for (ids, rows) in numbers(4 * GROUPS as usize).chunks(step).zip(all.chunks(step * DIM)) {
        db.add_batch(ids, rows).unwrap();
    }
    assert_eq!(db.stats().graph.vertices, GROUPS);
    (db, values)
}

/// Each group's own values find those of its ids that `is_there` says, and nothing else at that distance.
fn finds_its_groups(
    db: &Db,
    values: &[f32],
    options: &SearchOptions,
    is_there: impl Fn(u64) -> bool,
) -> Result<(), String> {
    for (group, query) in (0..).zip(values.chunks(DIM)).step_by(7) {
        let own: Vec<u64> = (0..4).map(|copy| group + copy * GROUPS).filter(|&id| is_there(id)).collect();
        let hits = db.search_with(query, options).map_err(|error| error.to_string())?;
        let found: Vec<u64> = hits.iter().map(number).collect();
        if found.iter().collect::<BTreeSet<_>>().len() != found.len() || found.iter().any(|&id| !is_there(id)) {
            return Err(format!("group {group}: {found:?} has one twice, or one that is not there"));
        }
        if found[..own.len()] != own {
            return Err(format!("group {group}: {found:?} instead of {own:?}"));
        }
    }
    Ok(())
}

#[test]
fn copies_are_found_when_the_row_they_equal_is_gone_or_not_asked_for() {
    for metric in [Metric::L2, Metric::Cosine] {
        for step in [4000, 500] {
            let (db, values) = in_groups(metric, step);
            let options = SearchOptions::new(10);
            finds_its_groups(&db, &values, &options, |_| true).unwrap();
            let filtered = options.clone().filter(|id| matches!(id, IdRef::U64(id) if id >= 2 * GROUPS));
            finds_its_groups(&db, &values, &filtered, |id| id >= 2 * GROUPS).unwrap();

            // The vertices of most groups, and the whole of others.
            let gone = |id: u64| (id < GROUPS && !id.is_multiple_of(3)) || id % GROUPS % 10 == 5;
            db.delete_batch((0..4 * GROUPS).filter(|&id| gone(id))).unwrap();
            finds_its_groups(&db, &values, &options, |id| !gone(id)).unwrap();
            finds_its_groups(&db, &values, &filtered, |id| id >= 2 * GROUPS && !gone(id)).unwrap();
            assert!(db.verify().is_ok(), "{}", db.verify());
            db.compact().unwrap();
            assert_eq!(db.stats().graph.vertices, GROUPS * 9 / 10);
            finds_its_groups(&db, &values, &options, |id| !gone(id)).unwrap();
            assert!(db.verify().is_ok(), "{}", db.verify());

            // What comes again joins those that are there.
            let again: Vec<u64> = (0..4 * GROUPS).filter(|&id| gone(id)).collect();
            let rows: Vec<f32> =
                again.iter().flat_map(|id| values[(id % GROUPS) as usize * DIM..][..DIM].to_vec()).collect();
            db.add_batch(&again, &rows).unwrap();
            assert_eq!(db.stats().graph.vertices, GROUPS);
            finds_its_groups(&db, &values, &options, |_| true).unwrap();
        }
    }
}

#[test]
fn a_vertex_that_is_replaced_leaves_its_copies_to_be_found() {
    let (db, values) = in_groups(Metric::L2, 4000);
    let other = clustered(GROUPS as usize, DIM, 4);
    // Some first rows of their groups, whose copies they are not any more, get values of their own.
    let replaced: Vec<u64> = (0..GROUPS).filter(|id| id.is_multiple_of(2)).collect();
    let rows: Vec<f32> = replaced.iter().flat_map(|&id| other[id as usize * DIM..][..DIM].to_vec()).collect();
    db.upsert_batch(&replaced, &rows).unwrap();
    let moved = |id: u64| id < GROUPS && id.is_multiple_of(2);
    for round in 0..2 {
        for (group, query) in (0..GROUPS).zip(values.chunks(DIM)).step_by(7) {
            let hits = db.search(query, 4).unwrap();
            let own: Vec<u64> = (0..4).map(|copy| group + copy * GROUPS).filter(|&id| !moved(id)).collect();
            let found: Vec<u64> = hits.iter().filter(|hit| hit.distance == 0.0).map(number).collect();
            assert_eq!(found, own, "round {round}");
        }
        for &id in replaced.iter().step_by(9) {
            let hit = &db.search(&other[id as usize * DIM..][..DIM], 1).unwrap()[0];
            assert_eq!((number(hit), hit.distance), (id, 0.0), "round {round}");
        }
        // Replaced by the same values, they are copies of what they were.
        db.upsert_batch(&replaced, &rows).unwrap();
        assert!(db.verify().is_ok(), "{}", db.verify());
    }
    assert_eq!(db.stats().graph.rows, 4 * GROUPS + 3 * replaced.len() as u64);
}

#[test]
fn cosines_that_f32_cannot_tell_apart_are_decided_in_f64() {
    // Around one direction, so near that the distances of all are within what f32 rounds away of 1.
    let (rows, dim) = (4000, 24);
    let base = clustered(1, dim, 5);
    let values: Vec<f32> =
        clustered(rows, dim, 6).chunks(dim).flat_map(|row| base.iter().zip(row).map(|(b, x)| b + 2e-3 * x)).collect();
    let db = Db::in_memory(Options::new(dim, Metric::Cosine).buffer_rows(0)).unwrap();
    db.add_batch(&numbers(rows), &values).unwrap();
    let k = 10;
    let (mut right, mut asked) = (0, 0);
    for query in values.chunks(dim).step_by(80) {
        let exact = data::nearest(Metric::Cosine, &values, query, k);
        let spread = distance(Metric::Cosine, &values[exact[k - 1] as usize * dim..][..dim], query);
        assert!(spread < 1e-6, "{spread}: f32 can tell these apart");
        let found: Vec<u64> =
            db.search_with(query, &SearchOptions::new(k).width(400)).unwrap().iter().map(number).collect();
        right += found.iter().filter(|id| exact.contains(id)).count();
        asked += k;
    }
    // By f32 alone, two of three are right.
    assert!(right * 10 >= asked * 9, "{right} of {asked}");
}
