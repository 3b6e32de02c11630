//! The same rows, the same graph, the same answers, wherever they rest.

mod data;

use data::{clustered, each_backend, numbers};
use omendb_engine::{Db, ElementKind, IdKind, Metric, Options, SearchOptions};

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

#[test]
fn a_configuration_makes_a_database_of_the_same_kind() {
    let (rows, dim) = (600, 8);
    let values = clustered(rows, dim, 3);
    let names: Vec<String> = numbers(rows).iter().map(|number| format!("row {number}")).collect();
    each_backend(
        || {
            Options::new(dim, Metric::InnerProduct)
                .row_type(ElementKind::F16)
                .id_kind(IdKind::Text)
                .degree(12)
                .build_width(40)
                .alpha(1.3)
                .seed(77)
                .buffer_rows(0)
        },
        |db| {
            let config = db.config().clone();
            let shape = (config.dim(), config.metric(), config.row_type(), config.id_kind(), config.degree());
            assert_eq!(shape, (dim, Metric::InnerProduct, ElementKind::F16, IdKind::Text, 12));
            assert_eq!((config.build_width(), config.alpha(), config.seed(), config.buffer_rows()), (40, 1.3, 77, 0));
            db.add_batch(&names, &values).unwrap();

            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("same.omen");
            let same = Db::create(&path, db.config()).unwrap();
            same.add_batch(&names, &values).unwrap();
            assert_eq!((same.config(), same.graph_hash()), (&config, db.graph_hash()));
            same.close().unwrap();
            // What the files say, backend included.
            let reopened = Db::open(&path).unwrap();
            assert_eq!((reopened.config(), reopened.graph_hash()), (&config, db.graph_hash()));
            // The same again, from what was read, with options for this process.
            let again = Options::from(reopened.config()).threads(1);
            assert_eq!(Db::create(folder.path().join("again.omen"), again).unwrap().config(), &config);
            drop(reopened);
            assert_eq!(Db::open_or_create(&path, &config).unwrap().count(), rows);
        },
    );
}
