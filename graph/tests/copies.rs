//! Copies share the vertex of the row that they equal. They are in no list and are found, however the graph is made.

mod space;

use std::collections::BTreeSet;
use std::ops::ControlFlow::Continue;

use omendb_graph::{BuildOptions, Graph, NewRows, RowCopy, Scratch, Space, link};
use proptest::prelude::*;
use space::{Points, Products};

/// Rows of which those from `distinct` on equal earlier ones.
fn with_copies(rows: usize, distinct: usize, dim: usize, seed: u64) -> Points {
    let mut points = Points::clustered(rows, dim, seed);
    for row in distinct..rows {
        // Not all as often as each other.
        let of = (row * row / 3 % distinct) * dim;
        points.values.copy_within(of..of + dim, row * dim);
    }
    points
}

/// Links rows up to each of `sizes`, with the copies among them.
fn build<S: Space>(space: &S, points: &Points, sizes: &[u32], degree: usize, threads: usize) -> Graph {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let options = BuildOptions { build_width: 40, ..BuildOptions::default() };
    let all = points.copies();
    sizes.iter().fold(Graph::empty(degree).unwrap(), |graph, &total| {
        let new = graph.rows()..total;
        let copies: Vec<RowCopy> = all.iter().copied().filter(|copy| new.contains(&copy.slot)).collect();
        let rows = NewRows { copies: &copies, ..NewRows::from(total) };
        pool.install(|| link(&graph, space, rows, &options, &mut |_| Continue(()))).unwrap().graph
    })
}

/// Every promise about copies: who is a vertex, that no other row is in a list or met, and that every row is found.
fn keeps_its_promises<S: Space<Probe = Vec<f32>>>(
    graph: &Graph,
    space: &S,
    points: &Points,
    alive: impl Fn(u32) -> bool,
    width: usize,
) -> Result<(), TestCaseError> {
    // The first will do: they may be thousands.
    prop_assert_eq!(graph.check().into_iter().next(), None);
    let groups = points.groups(alive);
    prop_assert_eq!(graph.vertex_count() as usize, groups.len());
    let mut vertices = Vec::new();
    let (mut scratch, mut probe) = (Scratch::new(), space.probe());
    for group in groups.values() {
        let of_group: Vec<u32> = group.iter().copied().filter(|&slot| graph.is_vertex(slot)).collect();
        prop_assert_eq!(of_group.len(), 1, "vertices of the equal rows {:?}", group);
        let vertex = of_group[0];
        let all: BTreeSet<u32> = std::iter::once(vertex).chain(graph.copies_of(vertex)).collect();
        prop_assert_eq!(all.into_iter().collect::<Vec<u32>>(), group.clone());
        for &copy in group.iter().filter(|&&slot| slot != vertex) {
            prop_assert_eq!(graph.csr().neighbours(copy).count(), 0);
            prop_assert_eq!(graph.copies_of(copy).count(), 0);
        }
        space.load(vertex, &mut probe);
        graph.search(space, &probe, width, &mut scratch);
        // Every row that was met is a vertex, none twice, and this one is among them.
        let met: Vec<u32> = scratch.nearest().map(|near| near.slot).collect();
        prop_assert!(met.iter().all(|&slot| graph.is_vertex(slot)), "a search met a copy");
        prop_assert_eq!(met.iter().collect::<BTreeSet<_>>().len(), met.len());
        prop_assert!(met.contains(&vertex), "row {} is not found by its own values", vertex);
        vertices.push(vertex);
    }
    vertices.sort_unstable();
    prop_assert_eq!(graph.vertices().collect::<Vec<u32>>(), vertices);
    for slot in 0..graph.rows() {
        prop_assert!(graph.csr().neighbours(slot).all(|near| graph.is_vertex(near)));
    }
    Ok(())
}

#[test]
fn equal_rows_share_a_vertex_however_they_come() {
    let points = with_copies(12_000, 9_000, 8, 1);
    // In bulk; searched for; new rows that copy old ones, many and few; a last step that is all copies.
    for sizes in [&[12_000][..], &[6_000, 12_000], &[9_000, 9_100, 10_000, 12_000]] {
        let graph = build(&points, &points, sizes, 16, 2);
        keeps_its_promises(&graph, &points, &points, |_| true, 64).unwrap();
    }
}

#[test]
fn rows_that_are_all_the_same_are_one_vertex() {
    let points = Points { dim: 4, values: vec![1.0; 4 * 20_000] };
    for sizes in [&[20_000][..], &[1, 2, 20_000]] {
        let graph = build(&points, &points, sizes, 16, 2);
        assert_eq!((graph.vertex_count(), graph.copies_of(0).count()), (1, 19_999));
        let mut scratch = Scratch::new();
        let count = graph.search(&points, &vec![1.0; 4], 10, &mut scratch);
        assert_eq!((scratch.nearest().count(), count.distances), (1, 1));
        assert_eq!(graph.check(), []);
    }
}

#[test]
fn bytes_return_copies_and_a_second_graph() {
    let points = with_copies(700, 500, 6, 2);
    let products = Products::of(&points);
    for graph in [build(&points, &points, &[700], 8, 2), build(&products, &points, &[300, 700], 8, 2)] {
        let mut bytes = Vec::new();
        graph.write_to(&mut bytes).unwrap();
        let read = Graph::read_from(&bytes).unwrap();
        let mut again = Vec::new();
        read.write_to(&mut again).unwrap();
        assert!(bytes == again);
        assert_eq!((read.hash(), read.has_near(), read.check()), (graph.hash(), graph.has_near(), vec![]));
        assert!(graph.vertices().eq(read.vertices()));
        assert!(graph.vertices().all(|slot| graph.copies_of(slot).eq(read.copies_of(slot))));
        let (mut one, mut other) = (Scratch::new(), Scratch::new());
        for row in points.rows().step_by(7) {
            let count = graph.search(&products, &row.to_vec(), 20, &mut one);
            assert_eq!(read.search(&products, &row.to_vec(), 20, &mut other), count);
            assert!(one.nearest().eq(other.nearest()));
        }
    }
}

#[test]
fn the_same_graph_for_any_number_of_threads() {
    let points = with_copies(11_000, 9_500, 8, 3);
    let products = Products::of(&points);
    for sizes in [&[11_000][..], &[2_000, 2_100, 3_000]] {
        // Most rows of some regions leave, so that those that stay there are searched for anew.
        let last = *sizes.last().unwrap();
        let order: Vec<u32> = (0..last).filter(|&slot| points.row(slot)[0] > 0.0 || slot % 3 == 0).collect();
        let hashes = [1, 2, 5].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let hashes = |graph: Graph, compacted: Graph| [graph.hash(), compacted.hash()];
            let graph = build(&points, &points, sizes, 16, threads);
            let compacted = pool.install(|| graph.compacted(&points, &order, &BuildOptions::default()));
            let by_one = hashes(graph, compacted.unwrap());
            let graph = build(&products, &points, sizes, 16, threads);
            let compacted = pool.install(|| graph.compacted(&products, &order, &BuildOptions::default()));
            [by_one, hashes(graph, compacted.unwrap())]
        });
        assert_eq!(hashes, [hashes[0]; 3]);
        assert_ne!(hashes[0][0], hashes[0][1]);
    }
}

/// The rows of `order`, in that order.
fn staying(points: &Points, order: &[u32]) -> Points {
    Points { dim: points.dim, values: order.iter().flat_map(|&slot| points.row(slot).to_vec()).collect() }
}

#[test]
fn of_equal_rows_one_that_stays_is_the_vertex() {
    // Groups of four: rows 0 to 499, the same again, and so on.
    let mut points = Points::clustered(2_000, 8, 4);
    (1..4).for_each(|copy| points.values.copy_within(0..500 * 8, copy * 500 * 8));
    let products = Products::of(&points);
    type Goes = fn(u32) -> bool;
    let ways: [(&str, Goes); 4] = [
        ("the vertices go", |slot| slot < 500),
        ("vertices and copies go, of most groups some stay", |slot| slot.is_multiple_of(3) || slot % 500 < 50),
        ("whole groups go", |slot| slot % 500 % 5 == 1),
        ("most groups go", |slot| slot % 500 % 4 != 1),
    ];
    for (name, goes) in ways {
        let order: Vec<u32> = (0..2_000).rev().filter(|&slot| !goes(slot)).collect();
        let stay = staying(&points, &order);
        let options = BuildOptions::default();
        let graph = build(&points, &points, &[2_000], 16, 2).compacted(&points, &order, &options).unwrap();
        assert_eq!(graph.rows() as usize, order.len(), "{name}");
        keeps_its_promises(&graph, &stay, &stay, |_| true, 64).unwrap_or_else(|error| panic!("{name}: {error}"));

        let graph = build(&products, &points, &[2_000], 16, 2).compacted(&products, &order, &options).unwrap();
        assert!(graph.has_near(), "{name}");
        // Under the inner product the row itself may be far down; a wide search meets all.
        let all = Products::of(&stay);
        keeps_its_promises(&graph, &all, &stay, |_| true, 2_000).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut bytes = Vec::new();
        graph.write_to(&mut bytes).unwrap();
        assert_eq!(Graph::read_from(&bytes).unwrap().hash(), graph.hash(), "{name}");
    }
}

#[test]
fn a_graph_that_is_linked_anew_knows_its_copies_in_both_its_graphs() {
    // As when lengths turn uneven: what was linked by one measure is linked by two.
    let points = with_copies(1_000, 600, 8, 5);
    let products = Products::of(&points);
    let old = build(&points, &points, &[900], 16, 2);
    let copies: Vec<RowCopy> = points.copies().into_iter().filter(|copy| copy.slot >= 900).collect();
    let rows = NewRows { copies: &copies, ..NewRows::from(1_000) };
    let options = BuildOptions::default();
    let graph = link(&old.emptied(), &products, rows, &options, &mut |_| Continue(())).unwrap().graph;
    assert!(graph.has_near());
    keeps_its_promises(&graph, &products, &points, |_| true, 1_000).unwrap();
    let mut bytes = Vec::new();
    graph.write_to(&mut bytes).unwrap();
    assert_eq!(Graph::read_from(&bytes).unwrap().hash(), graph.hash());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_copies_in_any_steps_and_any_that_stay_keep_every_promise(
        steps in prop::collection::vec(1u32..150, 1..6),
        dim in 1usize..5,
        degree in 4usize..20,
        distinct in 1usize..200,
        stays in prop::collection::vec(any::<bool>(), 64),
        by_products in any::<bool>(),
    ) {
        let sizes: Vec<u32> = steps.iter().scan(0, |sum, step| { *sum += step; Some(*sum) }).collect();
        let rows = *sizes.last().unwrap();
        let points = with_copies(rows as usize, distinct.min(rows as usize), dim, 6);
        let order: Vec<u32> = (0..rows).filter(|&slot| stays[(slot * 7 % 64) as usize]).collect();
        let stay = staying(&points, &order);
        let options = BuildOptions::default();
        // So wide that every row is met which a path leads to.
        let all = rows as usize;
        if by_products {
            let (space, left) = (Products::of(&points), Products::of(&stay));
            let graph = build(&space, &points, &sizes, degree, 2);
            keeps_its_promises(&graph, &space, &points, |_| true, all)?;
            let graph = graph.compacted(&space, &order, &options).unwrap();
            keeps_its_promises(&graph, &left, &stay, |_| true, all)?;
        } else {
            let graph = build(&points, &points, &sizes, degree, 2);
            keeps_its_promises(&graph, &points, &points, |_| true, all)?;
            let graph = graph.compacted(&points, &order, &options).unwrap();
            keeps_its_promises(&graph, &stay, &stay, |_| true, all)?;
        }
    }
}
