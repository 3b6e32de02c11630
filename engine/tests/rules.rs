//! The nine rules of the design, each a test named after it: what the predecessor failed at.

mod data;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use data::{clustered, clustered_u8, each_backend, files, nearest, number, numbers, recall, uniform};
use omendb_engine::{
    BatchError, Db, ElementKind, Metric, OpenError, Options, Phase, RowsRef, SearchOptions, StorageError,
};

/// Small lists and a narrow search: these tests ask for right answers over many rows, and leave
/// recall at the defaults to the benchmarks.
fn quick(dim: usize) -> Options {
    Options::new(dim, Metric::L2).degree(16).build_width(24)
}

#[test]
fn r1_nothing_shared() {
    let folder = tempfile::tempdir().unwrap();
    let first = Db::create(folder.path().join("first"), quick(8)).unwrap();
    let second = Db::create(folder.path().join("second"), quick(8)).unwrap();
    let third = Db::in_memory(quick(8)).unwrap();
    first.add_batch(&numbers(100), &clustered(100, 8, 1)).unwrap();
    assert_eq!((first.count(), second.count(), third.count()), (100, 0, 0));
    assert!(second.search(&[0.0f32; 8], 5).unwrap().is_empty());
    assert!(!third.contains(3));

    // The predecessor crashed at the third of these sizes, in one process.
    for rows in [1_000, 10_000, 50_000] {
        let db = Db::create(folder.path().join(rows.to_string()), quick(128)).unwrap();
        let values = clustered(rows, 128, 2);
        db.add_batch(&numbers(rows), &values).unwrap();
        assert_eq!(db.count(), rows);
        assert_eq!(number(&db.search(&values[..128], 1).unwrap()[0]), 0);
    }
    assert_eq!((first.count(), second.count(), third.count()), (100, 0, 0));
}

#[test]
fn r2_one_batch_of_any_size() {
    for (rows, dim) in [(50_000, 128), (50_000, 1536), (100_000, 128), (500_000, 128)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.omen");
        let options = quick(dim).row_type(ElementKind::U8).degree(8).build_width(10);
        let values = clustered_u8(rows, dim, 3);
        let db = Db::create(&path, options).unwrap();
        db.add_batch(&numbers(rows), &values).unwrap();
        db.close().unwrap();
        let db = Db::open(&path).unwrap();
        assert_eq!(db.count(), rows);
        assert_eq!(db.stats().buffered, 0);
        for row in [0, rows / 2, rows - 1] {
            let query = &values[row * dim..(row + 1) * dim];
            let hit = &db.search_with(query, &SearchOptions::new(1).exact(true)).unwrap()[0];
            assert_eq!(hit.distance, 0.0, "row {row} of {rows} × {dim}");
            let stored: Vec<f32> = query.iter().map(|value| f32::from(*value)).collect();
            assert_eq!(db.get(row as u64), Some(stored));
        }
    }
}

#[test]
fn r3_alignment_is_a_type() {
    let dims = (1..=70).chain([100, 127, 128, 129, 384, 768, 1536, 4097, 65_536]);
    for dim in dims {
        let rows = 12;
        let values = clustered(rows, dim, 4);
        let bytes: Vec<u8> = values.iter().map(|value| (value * 80.0 + 128.0) as u8).collect();
        for (kind, metric) in [(ElementKind::F32, Metric::L2), (ElementKind::F16, Metric::Cosine)] {
            each_backend(
                || Options::new(dim, metric).row_type(kind).buffer_rows(4),
                |db| {
                    db.add_batch(&numbers(rows), &values).unwrap();
                    let hit = &db.search(&values[dim * 5..dim * 6], 1).unwrap()[0];
                    // In one dimension, cosine knows only two directions.
                    assert!(number(hit) == 5 || dim == 1, "{dim} {kind}: {hit:?}");
                },
            );
        }
        // Bytes may start anywhere: one array is read from 5 addresses.
        for offset in 0..5 {
            let mut moved = vec![0u8; offset];
            moved.extend_from_slice(&bytes);
            let db = Db::in_memory(Options::new(dim, Metric::L2).row_type(ElementKind::U8)).unwrap();
            db.add_batch(&numbers(rows), &moved[offset..]).unwrap();
            assert_eq!(db.get(7), Some(bytes[dim * 7..dim * 8].iter().map(|byte| f32::from(*byte)).collect()));
        }
    }
    // A byte view of wider numbers is checked.
    let values = vec![1.5f32; 9];
    let bytes: &[u8] = bytemuck::cast_slice(&values);
    let db = Db::in_memory(Options::new(2, Metric::L2)).unwrap();
    let view = RowsRef::bytes(ElementKind::F32, &bytes[1..33]);
    let error = db.add_batch(&[1, 2, 3, 4], view).unwrap_err();
    let expected = bytes[1..].as_ptr().addr();
    assert!(matches!(error, BatchError::Misaligned { required: 4, address } if address == expected), "{error}");
    for dim in [0, 65_537] {
        let error = Db::in_memory(Options::new(dim, Metric::L2)).unwrap_err();
        assert!(matches!(error, OpenError::Option { name: "dim", .. }));
    }
}

#[test]
fn r4_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let db = Db::create(&path, Options::new(4, Metric::Cosine).buffer_rows(10)).unwrap();
    let values = clustered(40, 4, 5);
    db.add_batch(&numbers(40), &values).unwrap();
    let query = [0.3f32, -0.2, 0.9, 0.1];
    let (hits, before) = (db.search(&query, 10).unwrap(), files(&path));

    let ids: Vec<u64> = (100..150).collect();
    let good = clustered(50, 4, 6);
    let with = |row: usize, column: usize, value: f32| {
        let mut rows = good.clone();
        rows[row * 4 + column] = value;
        rows
    };
    let mut zero = good.clone();
    zero[30 * 4..31 * 4].fill(0.0);
    let mut ragged: Vec<Vec<f32>> = good.chunks(4).map(<[f32]>::to_vec).collect();
    ragged[17].push(1.0);
    let mut twice = ids.clone();
    twice[33] = 104;
    let mut known = ids.clone();
    known[12] = 39;
    let good_bytes: &[u8] = bytemuck::cast_slice(&good);
    let misaligned = RowsRef::bytes(ElementKind::F32, &good_bytes[2..2 + 49 * 16]);
    let cut = RowsRef::bytes(ElementKind::F32, &good_bytes[..50 * 16 - 3]);
    let cut_one = RowsRef::bytes(ElementKind::F32, &good_bytes[..18]);
    let strided = |stride, rows| RowsRef::strided(ElementKind::F32, good_bytes, stride, rows);

    type Refused<'a> = (Result<(), BatchError>, fn(&BatchError) -> bool);
    let refused: Vec<Refused<'_>> = vec![
        (db.add_batch(&ids, &ragged), |e| matches!(e, BatchError::Dimension { expected: 4, found: 5, row: 17 })),
        (db.add_batch(&ids, &with(21, 3, f32::NAN)), |e| matches!(e, BatchError::NotFinite { row: 21, column: 3, .. })),
        (db.add_batch(&ids, &with(49, 0, f32::INFINITY)), |e| {
            matches!(e, BatchError::NotFinite { row: 49, column: 0, .. })
        }),
        (db.add_batch(&ids, &zero), |e| matches!(e, BatchError::ZeroNorm { row: 30 })),
        (db.add_batch(&ids, &with(8, 1, 1e30)), |e| matches!(e, BatchError::TooLong { row: 8, .. })),
        (
            db.add_batch(&twice, &good),
            |e| matches!(e, BatchError::DuplicateId { id, first_row: 4, row: 33 } if *id == 104),
        ),
        (
            db.upsert_batch(&twice, &good),
            |e| matches!(e, BatchError::DuplicateId { id, first_row: 4, row: 33 } if *id == 104),
        ),
        (db.add_batch(&known, &good), |e| matches!(e, BatchError::IdExists { id, row: 12 } if *id == 39)),
        (db.add_batch(&ids[..49], misaligned), |e| matches!(e, BatchError::Misaligned { required: 4, .. })),
        (db.add_batch(&ids, strided(12, 50)), |e| matches!(e, BatchError::Stride { stride: 12, row_bytes: 16, .. })),
        (db.add_batch(&ids, strided(16, 51)), |e| matches!(e, BatchError::Stride { rows: 51, bytes: 800, .. })),
        (db.add_batch(&ids, strided(usize::MAX - 3, 3)), |e| matches!(e, BatchError::Stride { rows: 3, .. })),
        (db.add_batch(&ids, cut), |e| matches!(e, BatchError::Length { bytes: 797, row_bytes: 16 })),
        (db.add(1000, cut_one), |e| matches!(e, BatchError::Length { bytes: 18, row_bytes: 16 })),
        (db.add_batch(&ids[..49], &good), |e| matches!(e, BatchError::Ids { expected: 50, found: 49 })),
        (db.add_batch(&["a", "b"], &good[..8]), |e| matches!(e, BatchError::IdKind { .. })),
        (db.add(7, &[1.0f32; 5]), |e| matches!(e, BatchError::Dimension { expected: 4, found: 5, row: 0 })),
        (db.add(7, &[] as &[f32]), |e| matches!(e, BatchError::Dimension { expected: 4, found: 0, row: 0 })),
    ];
    for (number, (result, expected)) in refused.into_iter().enumerate() {
        let error = result.expect_err(&format!("case {number} was taken"));
        assert!(expected(&error), "case {number}: {error:?}");
    }
    assert_eq!(db.count(), 40);
    assert_eq!(db.ids().count(), 40);
    assert_eq!(db.search(&query, 10).unwrap(), hits);
    assert!(files(&path) == before, "a refused batch changed a file");
    db.add_batch(&ids, &good).unwrap();
    assert_eq!(db.count(), 90);
}

#[test]
fn r5_bounded_csr() {
    let db = Db::in_memory(quick(8).degree(6).buffer_rows(50)).unwrap();
    let values = clustered(3000, 8, 7);
    let reader = db.clone();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Searches go on while the lists grow, over chunks that must not move.
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let hits = reader.search(&values[..8], 5).unwrap();
                assert!(hits.is_sorted_by(|a, b| a.distance <= b.distance));
            }
        });
        scopeguard::defer! { done.store(true, Ordering::Relaxed) }
        for (ids, rows) in numbers(3000).chunks(60).zip(values.chunks(60 * 8)) {
            db.add_batch(ids, rows).unwrap();
        }
    });
    let graph = db.stats().graph;
    assert!(graph.max_degree <= 6 && graph.mean_degree > 3.0, "{graph:?}");
    for degree in [0, 1, 3, 513] {
        let refused = Db::in_memory(Options::new(8, Metric::L2).degree(degree)).unwrap_err();
        assert!(matches!(refused, OpenError::Option { name: "degree", .. }));
    }
}

#[test]
fn r6_the_buffer_is_part_of_the_answer() {
    let values = clustered(2000, 8, 8);
    let queries = clustered(50, 8, 9);
    each_backend(
        || quick(8).buffer_rows(700),
        |db| {
            for (ids, rows) in numbers(2000).chunks(300).zip(values.chunks(300 * 8)) {
                db.add_batch(ids, rows).unwrap();
                let seen = *ids.last().unwrap() as usize + 1;
                assert_eq!(db.count(), seen);
                assert_eq!(db.stats().buffered + db.stats().graph.rows as usize, seen);
                // The newest row is found, linked or not.
                let newest = &rows[rows.len() - 8..];
                assert_eq!(db.search(newest, 1).unwrap()[0].distance, 0.0);
            }
            // In four calls of 300 rows, 700 may wait: some are linked, and the last are not.
            db.flush().unwrap();
            assert_eq!((db.stats().buffered, db.count()), (0, 2000));
            assert!(recall(&db, &values, &queries, 10, 64) > 0.97);
        },
    );
}

#[test]
fn r6_a_failing_link_loses_and_doubles_nothing() {
    let failing = Arc::new(AtomicBool::new(true));
    let fails = Arc::clone(&failing);
    let listen = move |progress: omendb_engine::Progress| {
        if progress.phase == Phase::Link && progress.done > 500 && fails.load(Ordering::Relaxed) {
            panic!("told to fail");
        }
    };
    let db = Db::in_memory(quick(8).buffer_rows(100).progress(listen)).unwrap();
    let values = clustered(1500, 8, 10);
    db.add_batch(&numbers(400), &values[..400 * 8]).unwrap();
    db.flush().unwrap();
    assert_eq!(db.stats().buffered, 0);
    db.add_batch(&numbers(1500)[400..], &values[400 * 8..]).unwrap();
    db.flush().unwrap();
    assert_eq!((db.count(), db.stats().buffered), (1500, 1100), "linking failed, the rows are there");
    let queries = clustered(30, 8, 11);
    assert!(recall(&db, &values, &queries, 10, 64) > 0.97);
    failing.store(false, Ordering::Relaxed);
    db.flush().unwrap();
    assert_eq!((db.count(), db.stats().buffered), (1500, 0));
    assert!(db.verify().is_ok(), "{}", db.verify());
    assert!(recall(&db, &values, &queries, 10, 64) > 0.97);
}

#[test]
fn r6_a_listener_that_panics_leaves_no_lock_behind() {
    let folder = tempfile::tempdir().unwrap();
    let failing = Arc::new(AtomicBool::new(true));
    let fails = Arc::clone(&failing);
    let listen = move |progress: omendb_engine::Progress| {
        if progress.phase == Phase::Checkpoint && fails.load(Ordering::Relaxed) {
            panic!("told to fail");
        }
    };
    let options = quick(8).buffer_rows(0).progress(listen);
    let db = Db::create(folder.path().join("db.omen"), options).unwrap();
    let values = clustered(3, 8, 30);
    db.add(0, &values[..8]).unwrap();
    assert!(std::thread::scope(|scope| scope.spawn(|| db.checkpoint()).join()).is_err());
    failing.store(false, Ordering::Relaxed);
    db.add(1, &values[8..16]).unwrap();
    db.checkpoint().unwrap();
    db.add(2, &values[16..]).unwrap();
    assert_eq!((db.count(), db.stats().buffered), (3, 0));
}

#[test]
fn r7_a_database_is_made_where_none_was_finished() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let open = || Db::open_or_create(&path, quick(8));
    std::fs::create_dir(&path).unwrap();
    open().unwrap().add(1, &[0.5f32; 8]).unwrap();
    assert_eq!(open().unwrap().count(), 1);

    // Of a process that ended before the database was whole: all but the manifest.
    std::fs::remove_dir_all(&path).unwrap();
    drop(open().unwrap());
    for name in files(&path).keys().filter(|name| name.starts_with("MANIFEST")) {
        std::fs::remove_file(path.join(name)).unwrap();
    }
    open().unwrap().add(1, &[0.5f32; 8]).unwrap();
    assert_eq!(open().unwrap().count(), 1);

    // What is no database is none of ours to fill.
    std::fs::remove_dir_all(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("letter.txt"), "dear").unwrap();
    assert!(matches!(open(), Err(OpenError::Storage(StorageError::NotADatabase { .. }))));
}

#[test]
fn r7_a_reader_refuses_to_write_before_it_works() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let db = Db::create(&path, quick(8).buffer_rows(1000)).unwrap();
    db.add_batch(&numbers(100), &clustered(100, 8, 31)).unwrap();
    let reader = Db::open_read_only(&path).unwrap();
    let read_only = |error: &StorageError| matches!(error, StorageError::ReadOnly { .. });
    let nothing: &[f32] = &[];
    for refused in [reader.add_batch(&numbers(0), nothing), reader.upsert(1, &[0.5f32; 8])] {
        assert!(matches!(refused, Err(BatchError::Storage(error)) if read_only(&error)));
    }
    for refused in [reader.flush(), reader.checkpoint(), reader.compact(), reader.clear()] {
        assert!(read_only(&refused.unwrap_err()));
    }
    assert_eq!((reader.count(), reader.stats().graph.linked), (100, 0));
    reader.close().unwrap();
}

#[test]
fn r7_gone_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let values = clustered(500, 8, 12);
    let db = Db::create(&path, quick(8).buffer_rows(100)).unwrap();
    let empty: u64 = db.stats().disk_bytes();
    db.add_batch(&numbers(500), &values).unwrap();
    assert!(matches!(Db::open(&path), Err(OpenError::Storage(StorageError::Locked { .. }))));

    assert!(db.delete(7).unwrap() && !db.delete(7).unwrap());
    assert_eq!(db.delete_batch([8u64, 9, 9, 1000]).unwrap(), 2);
    assert_eq!(db.count(), 497);
    let around = db.search(&values[7 * 8..8 * 8], 497).unwrap();
    assert_eq!(around.len(), 497);
    assert!(around.iter().all(|hit| ![7, 8, 9].contains(&number(hit))));
    assert_eq!((db.get(7), db.contains(8), db.contains(10)), (None, false, true));

    // The last handle gone, lock and files are free, and what was acknowledged is there.
    let other = db.clone();
    drop(db);
    assert!(matches!(Db::open(&path), Err(OpenError::Storage(StorageError::Locked { .. }))));
    drop(other);
    let db = Db::open(&path).unwrap();
    assert_eq!(db.count(), 497);
    assert!(db.search(&values[7 * 8..8 * 8], 497).unwrap().iter().all(|hit| ![7, 8, 9].contains(&number(hit))));
    assert_eq!(number(&db.search(&values[10 * 8..11 * 8], 1).unwrap()[0]), 10);

    db.clear().unwrap();
    assert_eq!((db.count(), db.ids().count(), db.stats().slots), (0, 0, 0));
    assert!(db.search(&values[..8], 5).unwrap().is_empty());
    assert!(db.stats().disk_bytes() <= empty + 4096, "{:?}", db.stats().disk);
    db.add(7, &values[..8]).unwrap();
    drop(db);
    let db = Db::open(&path).unwrap();
    assert_eq!(db.ids().collect::<Vec<_>>(), [7]);
}

#[test]
fn r8_flat_cost() {
    // The cost in distances, which no machine's mood changes. A narrow search over short lists, so
    // that the smallest size is past the start, where a search sees most of what is there.
    let per_row = |rows: usize, step: usize| {
        let options = Options::new(8, Metric::L2).degree(8).build_width(12);
        let db = Db::in_memory(options).unwrap();
        let values = uniform(rows, 8, 13);
        for (ids, rows) in numbers(rows).chunks(step).zip(values.chunks(step * 8)) {
            db.add_batch(ids, rows).unwrap();
        }
        db.flush().unwrap();
        db.stats().graph.link_distances as f64 / rows as f64
    };
    // In steps rows are searched for; in one batch they are compared with each other in partitions.
    for step in [1_001, usize::MAX] {
        let sizes = [12_000, 48_000, 192_000];
        let costs = sizes.map(|rows| per_row(rows, step.min(rows)));
        for (sizes, costs) in sizes.windows(2).zip(costs.windows(2)) {
            let allowed = 1.1 * (sizes[1] as f64).ln() / (sizes[0] as f64).ln();
            assert!(costs[1] / costs[0] <= allowed, "{costs:?} for steps of {step}");
        }
    }
}

#[test]
fn r9_errors_are_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.omen");
    let values = clustered(300, 8, 14);
    let db = Db::create(&path, quick(8).buffer_rows(100)).unwrap();
    db.add_batch(&numbers(300), &values).unwrap();
    for query in [&[][..], &[1.0; 7], &[1.0; 9], &[f32::NAN; 8], &[1e30; 8]] {
        assert!(db.search(query, 5).is_err());
    }
    assert!(db.search_batch(&[1.0f32; 13], &SearchOptions::new(3)).is_err());
    assert!(db.search_with(&[1.0f32; 8], &SearchOptions::new(3).width(0)).is_err());
    assert_eq!(db.search(&[0.0f32; 8], 0).unwrap(), []);
    assert_eq!(db.search(&[0.0f32; 8], usize::MAX).unwrap().len(), 300);
    assert_eq!(db.search_with(&[0.0f32; 8], &SearchOptions::new(5).width(usize::MAX)).unwrap().len(), 5);
    assert!(matches!(Db::create(&path, quick(8)), Err(OpenError::Storage(_))));
    drop(db);

    // Whatever the damage to a file, opening and searching give an error or the right answer. A search of a database that
    // `verify` finds damaged still returns its rows.
    let whole = files(&path);
    let expected = nearest(Metric::L2, &values, &values[..8], 5);
    for (name, bytes) in &whole {
        let random: Vec<u8> = (0..bytes.len()).map(|i| ((i * 7919) >> 3) as u8).collect();
        let damages = [vec![], bytes[..bytes.len() / 2].to_vec(), [&bytes[..], &[0; 999]].concat(), random];
        for damaged in damages {
            std::fs::write(path.join(name), &damaged).unwrap();
            if let Ok(db) = Db::open(&path) {
                let exact = SearchOptions::new(5).exact(true);
                let found: Vec<_> = db.search_with(&values[..8], &exact).unwrap().iter().map(number).collect();
                if db.verify().is_ok() {
                    assert_eq!(found, expected, "{name} damaged");
                }
                let near: Vec<_> = db.search(&values[..8], 5).unwrap().iter().map(number).collect();
                for mut found in [found, near] {
                    assert!(found.iter().all(|&id| id < 300), "{name} damaged: {found:?}");
                    found.sort_unstable();
                    found.dedup();
                    assert_eq!(found.len(), 5, "{name} damaged");
                }
            }
            for (name, bytes) in &whole {
                std::fs::write(path.join(name), bytes).unwrap();
            }
        }
    }
    assert_eq!(Db::open(&path).unwrap().count(), 300);
}
