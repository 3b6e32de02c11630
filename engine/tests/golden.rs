//! Graphs of a fixed seed: a change of one of these is a change of every graph that is built.
//!
//! Whether a graph is good is for other tests to say. These say that a change which must not touch graphs did not. Rows are
//! small whole numbers, whose sums are exact: so they are the same in any order, on every processor.
#![cfg(target_arch = "x86_64")]

mod data;

use data::{clustered, numbers};
use omendb_engine::{Db, ElementKind, Isa, Metric, Options};

const DIM: usize = 24;

/// The hashes after batches that are linked with searches, and after a bulk build.
fn hashes(metric: Metric, kind: ElementKind) -> Vec<String> {
    // Of two signs where the type has them.
    let least = if kind == ElementKind::U8 { 0.0 } else { -100.0 };
    let values = clustered(9000, DIM, 41).into_iter().map(|value| (value * 40.0).round().clamp(least, 100.0));
    let values: Vec<f32> = values.collect();
    let options = Options::new(DIM, metric).row_type(kind).degree(16).build_width(32).buffer_rows(0);
    let hash = |rows: usize, batch: usize| {
        let db = Db::in_memory(options.clone().isa(Isa::Portable).threads(2)).unwrap();
        for (ids, values) in numbers(rows).chunks(batch).zip(values.chunks(batch * DIM)) {
            db.add_batch(ids, values).unwrap();
        }
        format!("{:016x}", db.graph_hash())
    };
    // Products from a centroid, which a bulk build for inner products takes, are not exact.
    let bulk = (metric != Metric::InnerProduct).then(|| hash(9000, 9000));
    std::iter::once(hash(1500, 500)).chain(bulk).collect()
}

#[test]
fn graphs_of_a_fixed_seed_are_what_they_were() {
    let found: Vec<String> = [Metric::L2, Metric::InnerProduct, Metric::Cosine]
        .into_iter()
        .flat_map(|metric| {
            [ElementKind::F32, ElementKind::F16, ElementKind::Bf16, ElementKind::U8, ElementKind::I8]
                .map(|kind| format!("{metric} {kind} {}", hashes(metric, kind).join(" ")))
        })
        .collect();
    assert_eq!(found.join("\n"), include_str!("golden.txt").trim_end());
}
