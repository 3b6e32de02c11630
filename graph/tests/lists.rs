//! Lists have a least number of neighbours and lead into every group. A stopped link of two graphs leaves no edge.

mod space;

use std::ops::ControlFlow::{Break, Continue};

use omendb_graph::{BuildOptions, Defect, Graph, GraphError, Scratch, Space, link};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use space::{Points, Products};

fn build<S: Space>(space: &S, sizes: &[u32], degree: usize) -> Graph {
    let options = BuildOptions { build_width: 50, ..BuildOptions::default() };
    sizes.iter().fold(Graph::empty(degree).unwrap(), |graph, &rows| {
        link(&graph, space, rows, &options, &mut |_| Continue(())).unwrap().graph
    })
}

#[test]
fn rows_on_a_curve_have_a_quarter_of_their_places_filled() {
    // Of rows on a curve, each is excluded by the next: the rule of the prune leaves two.
    let turn = |row: u32| (f64::from(row) * 1e-3).sin_cos();
    let curve = |row: u32| [turn(row).0 as f32, turn(row).1 as f32, row as f32 * 1e-3];
    let points = Points { dim: 3, values: (0..12_000).flat_map(curve).collect() };
    for sizes in [&[12_000][..], &[3_000], &[1_000, 1_050, 1_800]] {
        for degree in [16, 32] {
            let graph = build(&points, sizes, degree);
            assert_eq!(graph.check(), []);
            let shortest = graph.vertices().map(|row| graph.csr().neighbours(row).count()).min().unwrap();
            assert!(shortest >= degree / 4, "{sizes:?}, R = {degree}: a list of {shortest}");
            // Removing rows prunes too.
            let order: Vec<u32> = (0..graph.rows()).filter(|row| row % 4 != 1).collect();
            let graph = graph.compacted(&points, &order, &BuildOptions::default()).unwrap();
            let shortest = graph.vertices().map(|row| graph.csr().neighbours(row).count()).min().unwrap();
            assert!(shortest >= degree / 4, "{sizes:?}, R = {degree}, compacted: a list of {shortest}");
        }
    }
}

/// Groups of `size` rows, each tight, and far from the others in all directions.
fn far_apart(groups: usize, size: usize, dim: usize, seed: u64) -> Points {
    let mut random = StdRng::seed_from_u64(seed);
    let mut values = Vec::new();
    for _ in 0..groups {
        let centre: Vec<f32> = (0..dim).map(|_| random.random_range(-100.0..100.0)).collect();
        for _ in 0..size {
            values.extend(centre.iter().map(|value| value + random.random_range(-0.5..0.5)));
        }
    }
    Points { dim, values }
}

/// The number of rows that a search for them does not find.
fn missed(graph: &Graph, points: &Points, width: usize) -> usize {
    let mut scratch = Scratch::new();
    let finds = |slot: u32, row: &[f32], scratch: &mut Scratch| {
        graph.search(points, &row.to_vec(), width, scratch);
        scratch.nearest().next().is_some_and(|near| near.slot == slot)
    };
    (0..).zip(points.rows()).filter(|&(slot, row)| !finds(slot, row, &mut scratch)).count()
}

#[test]
fn every_row_of_groups_far_apart_is_found() {
    for (groups, size) in [(60, 200), (300, 40)] {
        let points = far_apart(groups, size, 16, 1);
        let rows = (groups * size) as u32;
        for sizes in [&[rows][..], &[rows / 2, rows], &[rows / 3, rows / 3 + 100, rows / 2 - 1]] {
            let graph = build(&points, sizes, 16);
            assert_eq!(graph.check(), []);
            let linked = Points { dim: 16, values: points.values[..16 * graph.rows() as usize].to_vec() };
            assert_eq!(missed(&graph, &linked, 64), 0, "{groups} groups of {size}, {sizes:?}");
        }
    }
}

#[test]
fn rows_of_groups_far_apart_are_met_when_others_leave() {
    let points = far_apart(100, 60, 16, 2);
    let graph = build(&points, &[6_000], 16);
    // Of every second group most go.
    let order: Vec<u32> = (0..6_000).filter(|row| row / 60 % 2 == 0 || row % 60 < 6).collect();
    let stay = Points { dim: 16, values: order.iter().flat_map(|&slot| points.row(slot).to_vec()).collect() };
    let graph = graph.compacted(&points, &order, &BuildOptions::default()).unwrap();
    assert_eq!(graph.check(), []);
    assert_eq!(missed(&graph, &stay, 64), 0);
}

#[test]
fn a_link_by_two_measures_that_is_stopped_leaves_no_edge_in_either() {
    let points = Points::clustered(3_000, 8, 3);
    let products = Products::of(&points);
    // Few, so that the lists are shared: those by nearness have edges to new rows by the time the others are asked for.
    let (few, many) = (2_100, 3_000u32);
    for total in [few, many] {
        for stop in [0, 1, 40] {
            let graph = build(&products, &[2_000], 16);
            let mut told = 0;
            let stopped = link(&graph, &products, total, &BuildOptions::default(), &mut |done| {
                told = told.max(done);
                if done >= stop { Break(()) } else { Continue(()) }
            });
            assert!(matches!(stopped, Err(GraphError::Cancelled { .. })), "{stop}");
            assert!(told >= stop);
            // In shared lists edges were replaced, and with them paths to a few rows; nothing else.
            let only_lost = |defect: &Defect| total == few && matches!(defect, Defect::Unreachable { .. });
            assert!(graph.check().iter().all(only_lost), "{:?}", graph.check().first());
            // Reading refuses a list that leads to a row that the graph does not have.
            let mut bytes = Vec::new();
            graph.write_to(&mut bytes).unwrap();
            let read = Graph::read_from(&bytes).map(|read| read.hash());
            assert_eq!(read, Ok(graph.hash()), "{total}, stopped at {stop}");
            let whole = link(&graph, &products, total, &BuildOptions::default(), &mut |_| Continue(())).unwrap().graph;
            assert_eq!(whole.check(), []);
        }
    }
}
