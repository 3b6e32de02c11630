//! The same rows, the same graph, the same answers, wherever they rest.

mod data;

use data::{clustered, each_backend, numbers};
use omendb_engine::{Metric, Options, SearchOptions};

#[test]
fn answers_are_the_same_on_every_backend_bit_for_bit() {
    let (rows, dim) = (3000, 24);
    let values = clustered(rows, dim, 1);
    let queries = clustered(50, dim, 2);
    let mut first: Option<(u64, Vec<_>)> = None;
    each_backend(
        || Options::new(dim, Metric::Cosine).buffer_rows(0),
        |db| {
            db.add_batch(&numbers(2000), &values[..2000 * dim]).unwrap();
            db.add_batch(&numbers(rows)[2000..], &values[2000 * dim..]).unwrap();
            db.delete_batch(100u64..200).unwrap();
            db.flush().unwrap();
            let answers = db.search_batch(&queries, &SearchOptions::new(10)).unwrap();
            let bits: Vec<_> = answers.iter().flatten().map(|hit| (hit.id.clone(), hit.distance.to_bits())).collect();
            let these = (db.graph_hash(), bits);
            assert_eq!(first.get_or_insert_with(|| these.clone()), &these);
        },
    );
}
