//! A graph as bytes: an error, or a graph that says of itself what is wrong with it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omendb_fuzz::plant;
use omendb_graph::{BuildOptions, Graph, Space, link};
use std::hint::black_box;
use std::ops::ControlFlow::Continue;

/// Points on a line.
struct Line;

impl Space for Line {
    type Probe = f32;

    fn probe(&self) -> f32 {
        0.0
    }

    fn load(&self, slot: u32, probe: &mut f32) {
        *probe = slot as f32;
    }

    fn distances(&self, probe: &f32, slots: &[u32], out: &mut [f32]) {
        for (slot, out) in slots.iter().zip(out) {
            *out = (*slot as f32 - probe).powi(2);
        }
    }
}

fn seed(rows: u32, degree: usize) -> Vec<u8> {
    let empty = Graph::empty(degree).expect("an empty graph");
    let graph = link(&empty, &Line, rows, &BuildOptions::default(), &mut |_| Continue(())).expect("a graph").graph;
    let mut bytes = Vec::new();
    graph.write_to(&mut bytes).expect("memory takes all");
    bytes
}

fuzz_target!(
    init: plant([seed(0, 4), seed(1, 4), seed(40, 4), seed(200, 8)]),
    |bytes: &[u8]| {
        if let Ok(graph) = Graph::read_from(bytes) {
            black_box(graph.check());
            let mut again = Vec::new();
            graph.write_to(&mut again).expect("memory takes all");
            black_box(again);
        }
    }
);
