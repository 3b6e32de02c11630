//! The graph finds near rows, keeps its bounds, and is the same for any number of threads.

mod space;

use std::ops::ControlFlow::{Break, Continue};

use omendb_graph::{BuildOptions, Defect, Graph, GraphError, NewRows, Scratch, Space, link};
use proptest::prelude::*;
use space::Points;

/// R, unless a test is about another.
const DEGREE: usize = 32;

fn build(points: &Points, sizes: &[u32], options: &BuildOptions, threads: usize) -> Graph {
    build_of(DEGREE, points, sizes, options, threads)
}

fn build_of(degree: usize, points: &Points, sizes: &[u32], options: &BuildOptions, threads: usize) -> Graph {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let empty = Graph::empty(degree).unwrap();
    sizes.iter().fold(empty, |graph, &rows| {
        pool.install(|| link(&graph, points, rows, options, &mut |_| Continue(()))).unwrap().graph
    })
}

/// The recall of the 10 nearest against a scan, over 100 queries.
fn recall(graph: &Graph, points: &Points, width: usize) -> f64 {
    let mut scratch = Scratch::new();
    let mut found = 0;
    for query in Points::clustered(100, points.dim, 999).rows() {
        graph.search(points, &query.to_vec(), width, &mut scratch);
        let exact = points.nearest(query, 10);
        found += scratch.nearest().take(10).filter(|near| exact.contains(&near.slot)).count();
    }
    found as f64 / 1000.0
}

#[test]
fn finds_the_nearest_rows() {
    let points = Points::clustered(5000, 16, 1);
    let graph = build(&points, &[5000], &BuildOptions::default(), 2);
    assert_eq!(graph.check(), []);
    // 0.99 and not 1: the search is approximate; a graph without reverse edges gives below 0.9.
    assert!(recall(&graph, &points, 64) >= 0.99, "{}", recall(&graph, &points, 64));
}

#[test]
fn well_separated_clusters_are_all_found() {
    // 100 clusters far from one another: no edge of a full list leads from one to another.
    let mut points = Points::clustered(20_000, 64, 1);
    for (row, values) in points.values.chunks_mut(64).enumerate() {
        values[row % 64] += 20.0;
        values[row / 64 % 2] += 20.0;
    }
    let graph = build(&points, &[20_000], &BuildOptions { build_width: 50, ..BuildOptions::default() }, 2);
    assert_eq!(graph.check(), []);
    let mut scratch = Scratch::new();
    let mut missed = 0;
    for (slot, row) in (0..20_000).zip(points.rows()).step_by(40) {
        graph.search(&points, &row.to_vec(), 30, &mut scratch);
        missed += u32::from(scratch.nearest().next().unwrap().slot != slot);
    }
    // Without upper levels, more than half are missed.
    assert!(missed <= 5, "{missed} of 500 rows do not find themselves");
}

#[test]
fn many_small_batches_make_as_good_a_graph() {
    let points = Points::clustered(3000, 16, 2);
    let sizes: Vec<u32> = (1..=30).map(|i| i * 100).collect();
    let graph = build(&points, &sizes, &BuildOptions::default(), 2);
    let mut repaired = graph.clone();
    repaired.repair(&points);
    assert_eq!(repaired.check(), []);
    assert!(recall(&graph, &points, 64) >= 0.99, "{}", recall(&graph, &points, 64));
}

#[test]
fn the_graph_does_not_depend_on_the_number_of_threads() {
    let points = Points::clustered(2000, 12, 3);
    let graphs = [1, 2, 3, 7].map(|threads| build(&points, &[700, 2000], &BuildOptions::default(), threads));
    for graph in &graphs[1..] {
        assert_eq!(graph.hash(), graphs[0].hash());
    }
    let other = BuildOptions { seed: 1, ..BuildOptions::default() };
    assert_ne!(build(&points, &[700, 2000], &other, 2).hash(), graphs[0].hash());
}

#[test]
fn rows_that_are_all_the_same_are_all_reachable() {
    let points = Points { dim: 4, values: vec![1.0; 4 * 1500] };
    let graph = build(&points, &[1500], &BuildOptions::default(), 2);
    assert_eq!(graph.check(), []);
    let mut scratch = Scratch::new();
    graph.search(&points, &vec![1.0; 4], 20, &mut scratch);
    assert_eq!(scratch.nearest().count(), 20);
    assert_eq!(graph.entries().len(), 1, "every search begins at every entry point");
}

#[test]
fn a_search_while_linking_sees_its_own_rows_only() {
    let points = Points::clustered(2000, 8, 5);
    let old = build(&points, &[1000], &BuildOptions::default(), 2);
    let _new = link(&old, &points, 2000u32, &BuildOptions::default(), &mut |_| Continue(())).unwrap();
    let mut scratch = Scratch::new();
    for query in points.rows() {
        old.search(&points, &query.to_vec(), 10, &mut scratch);
        assert!(scratch.nearest().all(|near| near.slot < 1000));
    }
}

#[test]
fn a_search_while_many_rows_are_linked_still_finds_its_own() {
    let points = Points::clustered(6000, 16, 14);
    let old = build(&points, &[1000], &BuildOptions::default(), 2);
    let own = Points { dim: 16, values: points.values[..1000 * 16].to_vec() };
    let mut worst: f64 = 1.0;
    link(&old, &points, 6000u32, &BuildOptions::default(), &mut |_| {
        worst = worst.min(recall(&old, &own, 64));
        Continue(())
    })
    .unwrap();
    assert!(worst >= 0.99, "{worst}");
}

#[test]
fn a_small_batch_far_from_all_rows_can_be_reached_in_a_large_graph() {
    // Above 8,192 rows the whole graph is not checked after each batch.
    let mut points = Points::clustered(70_500, 4, 15);
    points.values[70_000 * 4..].iter_mut().for_each(|value| *value += 50.0);
    let options = BuildOptions { build_width: 12, ..BuildOptions::default() };
    let old = build_of(8, &points, &[70_000], &options, 2);
    let new = link(&old, &points, 70_500u32, &options, &mut |_| Continue(())).unwrap().graph;
    assert_eq!(new.check(), []);
}

#[test]
fn cancelling_leaves_the_graph_as_it_was() {
    let points = Points::clustered(1000, 8, 6);
    let options = BuildOptions::default();
    let graph = build(&points, &[400], &options, 2);
    let mut batches = 0;
    let cancelled = link(&graph, &points, 1000u32, &options, &mut |_| {
        batches += 1;
        if batches == 3 { Break(()) } else { Continue(()) }
    });
    assert!(matches!(cancelled, Err(GraphError::Cancelled { .. })));
    assert_eq!(graph.check(), []);
    let whole = link(&graph, &points, 1000u32, &options, &mut |_| Continue(())).unwrap().graph;
    assert_eq!(whole.check(), []);
    assert!(recall(&whole, &points, 64) >= 0.99);
}

#[test]
fn an_unreachable_row_is_found_and_repaired() {
    let points = Points::clustered(500, 8, 7);
    let graph = build(&points, &[500], &BuildOptions::default(), 2);
    // The bytes of the same graph without the edges to row 123.
    let mut bytes = Vec::new();
    graph.write_to(&mut bytes).unwrap();
    let first = 40 + 4 * graph.entries().len();
    for row in bytes[first..][..500 * 4 * 32].chunks_exact_mut(4 * 32) {
        // The highest bit tells a late edge.
        let late = 123 | 1u32 << 31;
        let leads_there = |word: &[u8]| [123, late].iter().any(|edge| edge.to_le_bytes() == *word);
        let kept: Vec<u8> = row.chunks(4).filter(|word| !leads_there(word)).flatten().copied().collect();
        row.fill(0xFF);
        row[..kept.len()].copy_from_slice(&kept);
    }
    let mut cut = Graph::read_from(&bytes).unwrap();
    assert_eq!(cut.check(), [Defect::Unreachable { slot: 123 }]);
    assert_eq!(cut.repair(&points), 1);
    assert_eq!(cut.check(), []);
}

#[test]
fn a_compacted_graph_finds_the_rows_that_stay() {
    let points = Points::clustered(3000, 16, 12);
    let graph = build(&points, &[3000], &BuildOptions::default(), 2);
    // A third of the rows leaves, or five of six; the others stand in reverse.
    for leaves in [|slot: u32| slot.is_multiple_of(3), |slot: u32| !slot.is_multiple_of(6)] {
        let order: Vec<u32> = (0..3000).rev().filter(|&slot| !leaves(slot)).collect();
        let stay = Points { dim: 16, values: order.iter().flat_map(|&slot| points.row(slot).to_vec()).collect() };
        let compact = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| graph.compacted(&points, &order, &BuildOptions::default())).unwrap()
        };
        let compacted = compact(2);
        assert_eq!(compacted.rows() as usize, order.len());
        assert_eq!(compacted.check(), []);
        assert_eq!(compacted.hash(), compact(1).hash());
        assert!(recall(&compacted, &stay, 64) >= 0.99, "{}", recall(&compacted, &stay, 64));
    }
    let none = graph.compacted(&points, &[], &BuildOptions::default()).unwrap();
    assert_eq!((none.rows(), none.entries().len()), (0, 0));
}

#[test]
fn rows_that_follow_dead_ones_are_found() {
    let points = Points::clustered(2_000, 8, 4);
    let options = BuildOptions::default();
    let dead: Vec<u32> = (0..1_500).collect();
    let rows = NewRows { dead: &dead, ..NewRows::from(1_500) };
    let graph = link(&Graph::empty(16).unwrap(), &points, rows, &options, &mut |_| Continue(())).unwrap().graph;
    let linked = link(&graph, &points, 2_000, &options, &mut |_| Continue(())).unwrap();
    assert_eq!(linked.graph.check(), []);
    assert!(linked.repaired <= 5, "{} of 500 rows needed another edge", linked.repaired);
    let (mut scratch, mut probe) = (Scratch::new(), points.probe());
    for slot in 1_500..2_000 {
        points.load(slot, &mut probe);
        linked.graph.search(&points, &probe, 64, &mut scratch);
        assert!(scratch.nearest().any(|near| near.slot == slot), "row {slot} is not found by its own values");
    }
}

#[test]
fn degrees_outside_the_bounds_are_errors() {
    for degree in [0, 3, 513, usize::MAX] {
        assert!(matches!(Graph::empty(degree), Err(GraphError::Degree { found, .. }) if found == degree));
    }
}

#[test]
fn bytes_return_the_graph_and_damage_is_an_error() {
    let points = Points::clustered(300, 8, 8);
    let options = BuildOptions::default();
    let graph = build_of(12, &points, &[300], &options, 2);
    let mut bytes = Vec::new();
    graph.write_to(&mut bytes).unwrap();
    assert_eq!(Graph::read_from(&bytes).unwrap().hash(), graph.hash());
    for length in 0..bytes.len() {
        assert!(Graph::read_from(&bytes[..length]).is_err(), "{length} bytes");
    }
    for place in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xFF] {
            let mut damaged = bytes.clone();
            damaged[place] ^= flip;
            // Either it is refused, or it is a graph whose every edge leads to a row.
            if let Ok(graph) = Graph::read_from(&damaged) {
                assert!(graph.check().iter().all(|defect| !matches!(defect, Defect::OutOfRange { .. })));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_sizes_in_any_steps_keep_every_promise(
        steps in prop::collection::vec(1u32..120, 1..8),
        dim in 1usize..6,
        degree in 4usize..20,
        distinct in 1usize..50,
    ) {
        let sizes: Vec<u32> = steps.iter().scan(0, |sum, step| { *sum += step; Some(*sum) }).collect();
        let rows = *sizes.last().unwrap() as usize;
        let mut points = Points::clustered(rows, dim, 11);
        // Some rows many times over: ties, and the α of the prune at distance 0.
        for row in distinct..rows {
            points.values.copy_within(row % distinct * dim..(row % distinct + 1) * dim, row * dim);
        }
        let options = BuildOptions { build_width: 20, ..BuildOptions::default() };
        let mut graph = build_of(degree, &points, &sizes, &options, 2);
        graph.repair(&points);
        prop_assert_eq!(graph.check(), []);
        for slot in 0..graph.rows() {
            prop_assert!(graph.csr().neighbours(slot).count() <= degree);
        }
    }
}
