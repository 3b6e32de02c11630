//! Rows of a region that lost most of its rows are found as well as in a graph that is linked anew.

mod space;

use std::ops::ControlFlow::Continue;

use omendb_graph::{BuildOptions, Graph, Scratch, Space, link};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use space::Points;

const ROWS: u32 = 6_000;
const K: usize = 10;

/// In one half of space, one row in twenty stays.
fn is_alive(points: &Points, slot: u32) -> bool {
    points.row(slot)[0] < 0.0 || slot.is_multiple_of(20)
}

/// Recall of the 10 nearest living rows to those that stay in that half.
fn recall(graph: &Graph, points: &Points, width: usize) -> f64 {
    let (mut scratch, mut probe) = (Scratch::new(), points.probe());
    let living: Vec<u32> = (0..ROWS).filter(|&slot| is_alive(points, slot)).collect();
    let queries: Vec<u32> = living.iter().copied().filter(|&slot| points.row(slot)[0] >= 0.0).collect();
    let mut right = 0;
    for &query in &queries {
        points.load(query, &mut probe);
        let mut distances = vec![0.0; living.len()];
        points.distances(&probe, &living, &mut distances);
        distances.select_nth_unstable_by(K - 1, f32::total_cmp);
        graph.search(points, &probe, width, &mut scratch);
        right += scratch.nearest().take(K).filter(|near| near.distance <= distances[K - 1]).count();
    }
    right as f64 / (K * queries.len()) as f64
}

#[test]
fn rows_that_lost_half_of_their_list_are_linked_anew() {
    let mut random = StdRng::seed_from_u64(6);
    let points = Points { dim: 24, values: (0..24 * ROWS).map(|_| random.random_range(-1.0..1.0)).collect() };
    let options = BuildOptions::default();
    let graph = link(&Graph::empty(16).unwrap(), &points, ROWS, &options, &mut |_| Continue(())).unwrap().graph;
    let without = graph.without_dead(&points, |slot| is_alive(&points, slot), &options).unwrap().unwrap();
    let anew = graph.relinked(&points, |slot| is_alive(&points, slot), &options, &mut |_| Continue(())).unwrap();
    assert_eq!(without.check(), []);
    for width in [10, 20, 40] {
        let (found, best) = (recall(&without, &points, width), recall(&anew, &points, width));
        assert!(found >= best - 0.01, "width {width}: {found} without the deleted rows, {best} linked anew");
    }
}
