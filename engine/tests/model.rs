//! Any order of operations, beside a model that keeps rows in a map and looks at all of them.

mod data;

use std::collections::BTreeMap;

use data::{distance, number};
use omendb_engine::{Backend, Db, ElementKind, Hit, IdRef, Metric, Options, SearchOptions};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Add(Vec<u64>),
    Upsert(Vec<u64>),
    Delete(Vec<u64>),
    /// Many rows at once, so that searches walk through the graph instead of looking at all.
    Fill(u8),
    Flush,
    Checkpoint,
    Compact,
    Reopen,
    Clear,
    Search(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let ids = || prop::collection::vec(0u64..60, 1..12);
    prop_oneof![
        4 => ids().prop_map(Step::Add),
        4 => ids().prop_map(Step::Upsert),
        3 => ids().prop_map(Step::Delete),
        2 => any::<u8>().prop_map(Step::Fill),
        1 => Just(Step::Flush),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Compact),
        2 => Just(Step::Reopen),
        1 => Just(Step::Clear),
        4 => any::<u8>().prop_map(Step::Search),
    ]
}

const DIM: usize = 3;

/// The ids of [`Step::Fill`]: some of them are those of the other steps.
fn filled(first: u8) -> Vec<u64> {
    (u64::from(first)..u64::from(first) + 120).collect()
}

/// A row of few different whole values: ties and equal rows are many, and every row type holds it. Some are zeros, of either
/// sign, where rows need no direction; for inner products, lengths differ.
fn row(seed: u64, metric: Metric) -> Vec<f32> {
    if metric != Metric::Cosine && seed % 11 == 3 {
        return (0..DIM as u64).map(|column| if (seed + column).is_multiple_of(2) { 0.0 } else { -0.0 }).collect();
    }
    let length = if metric == Metric::InnerProduct { [1.0, 1.0, 2.0, 30.0][(seed / 3 % 4) as usize] } else { 1.0 };
    let value = |column: u64| ((seed * 31 + column * 17 + seed / 7) % 5) as f32 + f32::from(column == 0);
    (0..DIM as u64).map(|column| length * value(column)).collect()
}

fn check(
    db: &Db,
    model: &BTreeMap<u64, Vec<f32>>,
    metric: Metric,
    query: &[f32],
    k: usize,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(db.count(), model.len());
    // Zero is zero, whatever its sign.
    let measured = |row: &[f32]| distance(metric, row, query) + 0.0;
    let mut all: Vec<(f64, u64)> = model.iter().map(|(id, row)| (measured(row), *id)).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let exact = db.search_with(query, &SearchOptions::new(k).exact(true)).unwrap();
    let expected: Vec<u64> = all.iter().take(k).map(|near| near.1).collect();
    if metric != Metric::Cosine {
        // Whole numbers: exact, ties and all. Cosines of parallel rows differ in their last bit.
        prop_assert_eq!(exact.iter().map(number).collect::<Vec<_>>(), expected);
    }
    // None twice, none that is gone, each at its distance.
    let is_honest = |hits: &[Hit]| -> Result<(), TestCaseError> {
        prop_assert_eq!(hits.len(), k.min(model.len()));
        let mut seen: Vec<u64> = hits.iter().map(number).collect();
        for hit in hits {
            prop_assert!((f64::from(hit.distance) - measured(&model[&number(hit)])).abs() < 1e-5);
        }
        prop_assert!(hits.is_sorted_by(|a, b| a.distance <= b.distance));
        seen.sort_unstable();
        seen.dedup();
        prop_assert_eq!(seen.len(), hits.len());
        Ok(())
    };
    // A search so wide looks at all of these rows.
    for hits in [exact, db.search_with(query, &SearchOptions::new(k).width(400)).unwrap()] {
        is_honest(&hits)?;
        for (hit, near) in hits.iter().zip(&all) {
            prop_assert!((f64::from(hit.distance) - near.0).abs() < 1e-5);
        }
    }
    // Those that walk through the graph, where it has many rows, may miss some.
    for width in [1, 64] {
        is_honest(&db.search_with(query, &SearchOptions::new(k).width(width)).unwrap())?;
    }
    let odd = SearchOptions::new(k).width(1).filter(|id| matches!(id, IdRef::U64(id) if id % 2 == 1));
    let hits = db.search_with(query, &odd).unwrap();
    prop_assert_eq!(hits.len(), k.min(model.keys().filter(|id| *id % 2 == 1).count()));
    prop_assert!(hits.iter().all(|hit| number(hit) % 2 == 1));
    Ok(())
}

fn run(steps: &[Step], metric: Metric, kind: ElementKind, medium: Option<Backend>) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let options = Options::new(DIM, metric).row_type(kind).buffer_rows(8).degree(8).build_width(16).threads(2);
    let mut db = match medium {
        Some(backend) => Db::create(&path, options.backend(backend)).unwrap(),
        None => Db::in_memory(options).unwrap(),
    };
    let mut model: BTreeMap<u64, Vec<f32>> = BTreeMap::new();
    for (turn, step) in (1..).zip(steps) {
        let rows = |ids: &[u64]| ids.iter().flat_map(|id| row(id + turn, metric)).collect::<Vec<f32>>();
        match step {
            Step::Add(ids) => {
                let mut sorted = ids.clone();
                sorted.sort_unstable();
                sorted.dedup();
                let good = sorted.len() == ids.len() && ids.iter().all(|id| !model.contains_key(id));
                prop_assert_eq!(db.add_batch(ids, &rows(ids)).is_ok(), good);
                if good {
                    model.extend(ids.iter().map(|id| (*id, row(id + turn, metric))));
                }
            }
            Step::Upsert(ids) => {
                let mut ids = ids.clone();
                ids.sort_unstable();
                ids.dedup();
                db.upsert_batch(&ids, &rows(&ids)).unwrap();
                model.extend(ids.iter().map(|id| (*id, row(id + turn, metric))));
            }
            Step::Delete(ids) => {
                let there = ids.iter().filter(|id| model.remove(id).is_some()).count();
                prop_assert_eq!(db.delete_batch(ids.iter().copied()).unwrap(), there);
            }
            Step::Fill(first) => {
                let ids = filled(*first);
                db.upsert_batch(&ids, &rows(&ids)).unwrap();
                model.extend(ids.iter().map(|id| (*id, row(id + turn, metric))));
            }
            Step::Flush => db.flush().unwrap(),
            Step::Checkpoint => db.checkpoint().unwrap(),
            Step::Compact => {
                db.compact().unwrap();
                prop_assert_eq!(db.stats().slots, model.len());
            }
            Step::Clear => {
                db.clear().unwrap();
                model.clear();
            }
            Step::Reopen if medium.is_some() => {
                drop(db);
                db = Db::open(&path).unwrap();
            }
            Step::Reopen => {}
            Step::Search(query) => {
                check(&db, &model, metric, &row(u64::from(*query), metric), 1 + *query as usize % 9)?;
            }
        }
        for id in 0..80 {
            prop_assert_eq!(db.get(id), model.get(&id).cloned());
        }
    }
    check(&db, &model, metric, &row(5, metric), 7)?;
    let ids: std::collections::BTreeSet<String> = db.ids().map(|id| id.to_string()).collect();
    prop_assert_eq!(ids, model.keys().map(u64::to_string).collect());
    db.checkpoint().unwrap();
    prop_assert!(db.verify().is_ok(), "{}", db.verify());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_database_in_memory_is_a_map_with_search(steps in prop::collection::vec(step(), 1..60)) {
        for (metric, kind) in [
            (Metric::L2, ElementKind::F32),
            (Metric::InnerProduct, ElementKind::U8),
            (Metric::InnerProduct, ElementKind::F32),
            (Metric::Cosine, ElementKind::F16),
        ] {
            run(&steps, metric, kind, None)?;
        }
    }

    #[test]
    fn a_database_on_disk_is_a_map_with_search(steps in prop::collection::vec(step(), 1..40)) {
        run(&steps, Metric::L2, ElementKind::I8, Some(Backend::Mapped))?;
        run(&steps, Metric::Cosine, ElementKind::Bf16, Some(Backend::Mapped))?;
        run(&steps, Metric::InnerProduct, ElementKind::F16, Some(Backend::Mapped))?;
    }
}

#[cfg(feature = "rocksdb")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn a_database_in_rocksdb_is_a_map_with_search(steps in prop::collection::vec(step(), 1..40)) {
        run(&steps, Metric::L2, ElementKind::I8, Some(Backend::RocksDb))?;
    }
}
