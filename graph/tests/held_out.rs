//! Searches of a graph that holds rows out find as much as those of a graph that never had them.

mod space;

use std::ops::ControlFlow::Continue;

use omendb_graph::{BuildOptions, Graph, HeldOut, NewRows, Scratch, Space, link};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use space::{Points, Products};

const ROWS: u32 = 9_000;
const K: usize = 10;

/// Recall of the 10 nearest rows that are not asking.
fn recall<S: Space>(space: &S, asking: &[u32], mut find: impl FnMut(u32, &S::Probe, &mut Scratch)) -> f64 {
    let (mut scratch, mut probe) = (Scratch::new(), space.probe());
    let mut right = 0;
    for &slot in asking {
        space.load(slot, &mut probe);
        let rows: Vec<u32> = (0..ROWS).filter(|row| !asking.contains(row)).collect();
        let mut distances = vec![0.0; rows.len()];
        space.distances(&probe, &rows, &mut distances);
        distances.select_nth_unstable_by(K - 1, f32::total_cmp);
        find(slot, &probe, &mut scratch);
        let found = scratch.nearest().filter(|near| !asking.contains(&near.slot));
        right += found.take(K).filter(|near| near.distance <= distances[K - 1]).count();
    }
    right as f64 / (K * asking.len()) as f64
}

fn compare<S: Space>(space: &S, name: &str) {
    let options = BuildOptions { build_width: 50, ..BuildOptions::default() };
    let asking: Vec<u32> = (0..ROWS).step_by(45).collect();
    let built = |dead: &[u32]| {
        let rows = NewRows { dead, ..NewRows::from(ROWS) };
        link(&Graph::empty(16).unwrap(), space, rows, &options, &mut |_| Continue(())).unwrap().graph
    };
    let (graph, without) = (built(&[]), built(&asking));
    let hash = graph.hash();
    let held = HeldOut::new(&graph, space, &asking);
    assert_eq!(graph.hash(), hash);
    for width in [10, 20, 40] {
        let never = recall(space, &asking, |_, probe, scratch| {
            without.search(space, probe, width, scratch);
        });
        let held = recall(space, &asking, |row, probe, scratch| {
            held.search(space, (row, probe), width, scratch);
        });
        // With edges that lead to them, rows would be found with 0.1 to 0.3 more.
        assert!((held - never).abs() < 0.09, "{name}, width {width}: {held} held out, {never} never linked");
    }
}

#[test]
fn rows_that_are_held_out_are_asked_for_as_if_they_had_never_been_there() {
    let mut random = StdRng::seed_from_u64(5);
    let points = Points { dim: 24, values: (0..24 * ROWS).map(|_| random.random_range(-1.0..1.0)).collect() };
    compare(&points, "Euclidean distance");
    compare(&Products::of(&points), "inner product");
}
