//! The threads of a database are its own. Alone in its file: it asks after what a process has once.

mod data;

use data::{clustered, numbers};
use omendb_engine::{Db, Metric, Options, SearchOptions};

#[test]
fn nothing_runs_in_the_pool_that_all_of_a_process_share() {
    let db = Db::in_memory(Options::new(8, Metric::Cosine).threads(1).buffer_rows(500)).unwrap();
    let values = clustered(20_000, 8, 1);
    db.add(1_000_000, &values[..8]).unwrap();
    db.add_batch(&numbers(20_000), &values).unwrap();
    let options = SearchOptions::new(5);
    assert_eq!(db.search_batch(&values[..80], &options.clone().target_recall(0.9)).unwrap().len(), 10);
    db.search_with(&values[..8], &options.exact(true)).unwrap();
    db.delete_batch(0..100u64).unwrap();
    db.flush().unwrap();
    db.compact().unwrap();
    assert!(db.verify().is_ok());
    // It can be made only if nobody has used it yet.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the shared pool was used");
}
