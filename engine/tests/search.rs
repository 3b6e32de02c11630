//! What a search finds: enough of the nearest, only what is asked for, the same each time.

mod data;

use data::{clustered, clustered_u8, nearest, number, numbers, recall, uniform};
use omendb_engine::{Db, ElementKind, IdKind, Metric, Options, SearchError, SearchOptions, f16};

#[test]
fn every_metric_and_row_type_finds_the_nearest() {
    let (rows, dim) = (3000, 24);
    for metric in [Metric::L2, Metric::InnerProduct, Metric::Cosine] {
        for kind in [ElementKind::F32, ElementKind::F16, ElementKind::Bf16, ElementKind::U8, ElementKind::I8] {
            let whole = matches!(kind, ElementKind::U8 | ElementKind::I8);
            let scale = |values: Vec<f32>| -> Vec<f32> {
                match kind {
                    ElementKind::U8 => values.iter().map(|value| (value * 80.0 + 128.0).floor()).collect(),
                    ElementKind::I8 => values.iter().map(|value| (value * 80.0).floor()).collect(),
                    _ => values,
                }
            };
            let values = scale(clustered(rows, dim, 1));
            let queries = scale(clustered(40, dim, 2));
            let db = Db::in_memory(Options::new(dim, metric).row_type(kind)).unwrap();
            db.add_batch(&numbers(rows), &values).unwrap();
            // What is stored is what is compared: rounded, for the half types.
            let stored: Vec<f32> = (0..rows as u64).flat_map(|id| db.get(id).unwrap()).collect();
            let found = recall(&db, &stored, &queries, 10, 100);
            assert!(found >= 0.98, "{metric} {kind}: recall {found}");
            for query in queries.chunks(dim) {
                let exact = db.search_with(query, &SearchOptions::new(10).exact(true)).unwrap();
                let expected = nearest(metric, &stored, query, 10);
                assert_eq!(exact.iter().map(number).collect::<Vec<_>>(), expected, "{metric} {kind}");
            }
            if whole {
                assert_eq!(stored, values);
            }
        }
    }
}

#[test]
fn a_query_may_have_another_type_than_the_rows() {
    let dim = 20;
    let bytes = clustered_u8(800, dim, 3);
    let db = Db::in_memory(Options::new(dim, Metric::L2).row_type(ElementKind::U8)).unwrap();
    db.add_batch(&numbers(800), &bytes).unwrap();
    let floats: Vec<f32> = bytes[..dim].iter().map(|byte| f32::from(*byte)).collect();
    let halves: Vec<f16> = floats.iter().map(|value| f16::from_f32(*value)).collect();
    let same = db.search(&bytes[..dim], 10).unwrap();
    assert_eq!(db.search(&floats, 10).unwrap(), same);
    assert_eq!(db.search(&halves, 10).unwrap(), same);
    let between: Vec<f32> = floats.iter().map(|value| value + 0.25).collect();
    let hit = &db.search(&between, 1).unwrap()[0];
    assert_eq!(hit.distance, 0.0625 * dim as f32);
}

#[test]
fn ties_are_broken_by_id() {
    let db = Db::in_memory(Options::new(2, Metric::L2).id_kind(IdKind::Text)).unwrap();
    let ids = ["pear", "fig", "apple", "date", "cherry"];
    db.add_batch(&ids, &[1.0f32; 10]).unwrap();
    for exact in [true, false] {
        let hits = db.search_with(&[1.0f32, 2.0], &SearchOptions::new(3).exact(exact)).unwrap();
        let found: Vec<String> = hits.iter().map(|hit| hit.id.to_string()).collect();
        assert_eq!(found, ["apple", "cherry", "date"]);
        assert!(hits.iter().all(|hit| hit.distance == 1.0));
    }
}

#[test]
fn filters_and_deletes_cost_time_and_not_answers() {
    let (rows, dim) = (4000, 12);
    let values = clustered(rows, dim, 5);
    let db = Db::in_memory(Options::new(dim, Metric::L2).buffer_rows(0)).unwrap();
    db.add_batch(&numbers(rows), &values).unwrap();
    let query = clustered(1, dim, 6);
    for every in [2, 10, 100, 1000, 4000] {
        let keep = move |id: omendb_engine::IdRef<'_>| id.to_string().parse::<u64>().unwrap() % every == 1;
        let hits = db.search_with(&query, &SearchOptions::new(10).filter(keep)).unwrap();
        let expected: Vec<u64> =
            nearest(Metric::L2, &values, &query, rows).into_iter().filter(|id| id % every == 1).take(10).collect();
        let found: Vec<u64> = hits.iter().map(number).collect();
        assert_eq!(found.len(), expected.len());
        let right = found.iter().filter(|id| expected.contains(id)).count();
        assert!(right * 10 >= expected.len() * 9, "1 of {every}: {found:?} {expected:?}");
    }
    // The whole neighbourhood of the query dies; what is next is found.
    let near = nearest(Metric::L2, &values, &query, 600);
    db.delete_batch(near[..590].iter().copied()).unwrap();
    let found: Vec<u64> = db.search(&query, 10).unwrap().iter().map(number).collect();
    assert!(found.iter().filter(|id| near[590..].contains(id)).count() >= 9, "{found:?}");
}

#[test]
fn filters_and_deletes_find_as_large_a_share_as_no_filter_does() {
    let (rows, dim, k, asking) = (20_000, 24, 10, 100);
    // Without clusters, so that much is missed.
    let values = uniform(rows, dim, 21);
    let db = Db::in_memory(Options::new(dim, Metric::L2).buffer_rows(0).degree(16)).unwrap();
    db.add_batch(&numbers(rows), &values).unwrap();
    let queries = uniform(asking, dim, 22);
    let recall = |options: &SearchOptions, kept: &dyn Fn(u64) -> bool| {
        let right: usize = queries
            .chunks(dim)
            .map(|query| {
                let found: Vec<u64> = db.search_with(query, options).unwrap().iter().map(number).collect();
                let all = nearest(Metric::L2, &values, query, rows);
                all.iter().filter(|&&id| kept(id)).take(k).filter(|id| found.contains(id)).count()
            })
            .sum();
        right as f64 / (k * asking) as f64
    };
    let of = |id: omendb_engine::IdRef<'_>| id.to_string().parse::<u64>().unwrap();
    for options in [SearchOptions::new(k).width(20), SearchOptions::new(k).target_recall(0.95)] {
        let plain = recall(&options, &|_| true);
        assert!((0.5..0.999).contains(&plain), "{plain}: the test decides nothing");
        for every in [2, 3, 6] {
            let filtered = recall(&options.clone().filter(move |id| of(id) % every == 1), &|id| id % every == 1);
            // A hundredth: ten of the thousand neighbours that are asked for.
            assert!(filtered > plain - 0.01, "1 of {every}: {filtered} of {plain} without a filter, {options:?}");
        }
    }
    let (plain, options) = (recall(&SearchOptions::new(k).width(20), &|_| true), SearchOptions::new(k).width(20));
    db.delete_batch((0..rows as u64).filter(|id| id % 3 != 1)).unwrap();
    let left = recall(&options, &|id| id % 3 == 1);
    assert!(left > plain - 0.01, "{left} of {plain} with all rows");
}

#[test]
fn as_many_hits_as_are_asked_for() {
    let (rows, dim) = (5000, 8);
    let values = clustered(rows, dim, 10);
    let db = Db::in_memory(Options::new(dim, Metric::L2)).unwrap();
    db.add_batch(&numbers(rows), &values).unwrap();
    let query = clustered(1, dim, 11);
    for k in [1, 63, 64, 65, 1000, 4999, 5000, 5001, usize::MAX] {
        for exact in [true, false] {
            let hits = db.search_with(&query, &SearchOptions::new(k).exact(exact)).unwrap();
            let expected = nearest(Metric::L2, &values, &query, k.min(rows));
            let found: Vec<u64> = hits.iter().map(number).collect();
            if exact || k >= 1000 {
                assert_eq!(found, expected, "{k}");
            } else {
                assert_eq!(found.len(), k);
            }
        }
    }
}

#[test]
fn batches_of_queries_get_the_same_answers() {
    let dim = 10;
    let values = clustered(2000, dim, 7);
    let db = Db::in_memory(Options::new(dim, Metric::Cosine)).unwrap();
    db.add_batch(&numbers(2000), &values).unwrap();
    let queries = clustered(100, dim, 8);
    let options = SearchOptions::new(5);
    let batch = db.search_batch(&queries, &options).unwrap();
    assert_eq!(batch.len(), 100);
    for (query, hits) in queries.chunks(dim).zip(&batch) {
        assert_eq!(&db.search_with(query, &options).unwrap(), hits);
    }
    assert!(db.search_batch(&[] as &[f32], &options).unwrap().is_empty());
}

#[test]
fn the_same_rows_give_the_same_graph_for_any_number_of_threads() {
    let values = clustered(3000, 16, 9);
    let hash = |threads: usize, step: usize| {
        let db = Db::in_memory(Options::new(16, Metric::L2).threads(threads).buffer_rows(0)).unwrap();
        for (ids, rows) in numbers(3000).chunks(step).zip(values.chunks(step * 16)) {
            db.add_batch(ids, rows).unwrap();
        }
        db.graph_hash()
    };
    assert_eq!(hash(1, 3000), hash(2, 3000));
    assert_eq!(hash(1, 1000), hash(5, 1000));
    assert_ne!(hash(1, 3000), hash(1, 1000));
}

#[test]
fn a_recall_can_be_asked_for_instead_of_a_width() {
    let (rows, dim, asked) = (20_000, 16, 300);
    let (values, queries) = (uniform(rows, dim, 21), uniform(asked, dim, 22));
    // A graph so thin that narrow searches find little.
    let db = Db::in_memory(Options::new(dim, Metric::L2).buffer_rows(0).degree(8).build_width(20)).unwrap();
    db.add_batch(&numbers(rows), &values).unwrap();
    let expected: Vec<Vec<u64>> = queries.chunks(dim).map(|query| nearest(Metric::L2, &values, query, 10)).collect();
    let mut before = 0;
    for goal in [0.9, 0.95, 0.99, 1.0] {
        let options = SearchOptions::new(10).target_recall(goal);
        let found = db.search_batch(&queries, &options).unwrap();
        let right =
            |(hits, expected): (&Vec<_>, &Vec<u64>)| hits.iter().filter(|hit| expected.contains(&number(hit))).count();
        let reached = found.iter().zip(&expected).map(right).sum::<usize>() as f64 / (10 * asked) as f64;
        // 512 rows and 300 queries, whose recalls differ by a tenth or so from one to the next.
        assert!((goal - 0.02..goal + 0.04).contains(&reached), "{goal} was asked for, {reached} found");
        let width = db.width_for(10, goal).unwrap();
        assert!(width > before, "width {width} for {goal}");
        assert_eq!(db.search_with(&queries[..dim], &options).unwrap(), found[0]);
        before = width;
    }
    for wrong in [0.0, -1.0, 1.1, f64::NAN] {
        assert!(matches!(db.width_for(10, wrong), Err(SearchError::Option { name: "target_recall", .. })));
        let options = SearchOptions::new(10).target_recall(wrong);
        assert!(matches!(db.search_with(&queries[..dim], &options), Err(SearchError::Option { .. })));
    }
}

#[test]
fn small_databases_reach_the_recall_that_is_asked_for() {
    let (dim, asked) = (12, 200);
    let queries = uniform(asked, dim, 32);
    for rows in [50, 300, 600, 2_000] {
        let values = uniform(rows, dim, 31);
        let db = Db::in_memory(Options::new(dim, Metric::L2).buffer_rows(0).degree(8).build_width(20)).unwrap();
        db.add_batch(&numbers(rows), &values).unwrap();
        for k in [1, 10] {
            for goal in [0.9, 0.99] {
                let found = db.search_batch(&queries, &SearchOptions::new(k).target_recall(goal)).unwrap();
                let right = queries.chunks(dim).zip(&found).map(|(query, hits)| {
                    let expected = nearest(Metric::L2, &values, query, k);
                    hits.iter().filter(|hit| expected.contains(&number(hit))).count()
                });
                let reached = right.sum::<usize>() as f64 / (k * asked) as f64;
                // 200 queries for one row, and widths measured on 300 rows, have a standard error of 0.03.
                assert!(reached >= goal - 0.05, "{rows} rows, k = {k}: {goal} was asked for, {reached} found");
            }
        }
    }
}

#[test]
fn a_recall_is_measured_while_rows_are_linked() {
    let dim = 8;
    let values = uniform(9_000, dim, 33);
    for metric in [Metric::L2, Metric::InnerProduct] {
        let db = Db::in_memory(Options::new(dim, metric).buffer_rows(50).degree(12).build_width(30)).unwrap();
        db.add_batch(&numbers(5_000), &values[..5_000 * dim]).unwrap();
        db.flush().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for id in 5_000..9_000 {
                    db.add(id as u64, &values[id * dim..][..dim]).unwrap();
                }
            });
            // Each asks for widths that are not known, of a graph that has changed.
            for k in 1..40 {
                let width = db.width_for(k, 0.5 + k as f64 / 100.0).unwrap();
                assert!(width >= k);
            }
        });
    }
}

#[test]
fn a_recall_is_measured_again_when_the_graph_has_grown() {
    let dim = 12;
    let values = uniform(24_000, dim, 23);
    let db = Db::in_memory(Options::new(dim, Metric::L2).buffer_rows(0).build_width(40)).unwrap();
    assert_eq!(db.width_for(10, 0.9).unwrap(), 10, "of no rows, all are looked at");
    db.add_batch(&numbers(3000), &values[..3000 * dim]).unwrap();
    let few = db.width_for(10, 0.99).unwrap();
    let ids: Vec<u64> = (3000..24_000).collect();
    db.add_batch(&ids, &values[3000 * dim..]).unwrap();
    let many = db.width_for(10, 0.99).unwrap();
    assert!(many > few, "{few} for 3,000 rows, {many} for 24,000");
    assert!(db.width_for(5000, 0.5).unwrap() >= 5000);
}

#[test]
fn one_large_batch_is_found_as_well_as_small_ones() {
    // The large one is linked in bulk, by kernels of its own; the small ones are searched for.
    let (rows, dim) = (10_000, 24);
    let mut values = clustered(rows, dim, 31);
    // Something far from all others, which no precision may be lost to.
    values[..dim].fill(1e4);
    let mut farther = values.clone();
    farther[..dim].fill(1e8);
    let bytes: Vec<f32> = clustered_u8(rows, dim, 32).into_iter().map(f32::from).collect();
    let cases = [
        (ElementKind::F32, Metric::L2, &values),
        (ElementKind::F32, Metric::L2, &farther),
        (ElementKind::F16, Metric::L2, &values),
        (ElementKind::F16, Metric::Cosine, &values),
        (ElementKind::F32, Metric::InnerProduct, &values),
        (ElementKind::U8, Metric::L2, &bytes),
    ];
    for (kind, metric, values) in cases {
        let queries = &values[5_000 * dim..5_100 * dim];
        let found = |step: usize, threads: usize| {
            let db = Db::in_memory(Options::new(dim, metric).buffer_rows(0).row_type(kind).threads(threads)).unwrap();
            for (ids, rows) in numbers(rows).chunks(step).zip(values.chunks(step * dim)) {
                db.add_batch(ids, rows).unwrap();
            }
            db.flush().unwrap();
            assert!(db.verify().is_ok(), "{kind} {metric}: {}", db.verify());
            (recall(&db, values, queries, 10, 40), db.graph_hash())
        };
        let ((large, hash), (small, _)) = (found(rows, 1), found(rows / 2, 2));
        // Of a thousand answers, five. Under the inner product, where one row is thousands of times as long as the others
        // and rows are linked by two measures, 26 were measured between two orders of linking.
        let apart = if metric == Metric::InnerProduct { 0.03 } else { 0.005 };
        assert!(large >= small - apart, "{kind} {metric}: {large} of {small}");
        assert_eq!(found(rows, 3).1, hash, "{kind} {metric}");
    }
}

/// Rounding takes some cosines just beyond 1 and -1.
#[test]
fn a_cosine_distance_is_from_0_to_2() {
    for dim in [3, 8, 17, 100] {
        let rows = data::clustered(500, dim, dim as u64);
        let db = Db::in_memory(Options::new(dim, Metric::Cosine).buffer_rows(0).threads(1)).unwrap();
        db.add_batch(&(0..500u64).collect::<Vec<_>>(), &rows).unwrap();
        for row in rows.chunks(dim) {
            let opposite: Vec<f32> = row.iter().map(|x| -x).collect();
            for query in [row, &opposite] {
                let hits = db.search_with(query, &SearchOptions::new(500)).unwrap();
                assert!(hits.iter().all(|hit| (0.0..=2.0).contains(&hit.distance)), "{:?}", hits.last());
            }
        }
    }
}
