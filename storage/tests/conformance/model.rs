//! Random operations on every backend, each compared with a model.

use std::io::Write;

use omendb_storage::{BlobSource, IdKind};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::backends::{Backend, InFiles, InMemory};
use crate::kit::{Model, schema};

#[derive(Clone, Debug)]
enum Step {
    Commit { rows: usize, deaths: Vec<prop::sample::Index> },
    Checkpoint { bytes: usize },
    Clear,
    Compact { turn: prop::sample::Index },
    Sync,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = any::<prop::sample::Index>;
    let step = prop_oneof![
        6 => (0usize..40, prop::collection::vec(index(), 0..6)).prop_map(|(rows, deaths)| Step::Commit { rows, deaths }),
        1 => (3000usize..5000).prop_map(|rows| Step::Commit { rows, deaths: Vec::new() }),
        2 => (0usize..5000).prop_map(|bytes| Step::Checkpoint { bytes }),
        1 => Just(Step::Clear),
        1 => index().prop_map(|turn| Step::Compact { turn }),
        1 => Just(Step::Sync),
        3 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..24)
}

fn agrees<B: Backend>(kind: IdKind, row_bytes: usize, steps: &[Step]) {
    let mut db = B::create(&schema(row_bytes, kind));
    let mut model = Model::new(row_bytes);
    let mut blob: Option<(u64, Vec<u8>)> = None;
    for step in steps {
        match step {
            Step::Commit { rows, deaths } => {
                let living = model.living();
                let mut dead: Vec<u32> = match living.len() {
                    0 => Vec::new(),
                    n => deaths.iter().map(|index| living[index.index(n)]).collect(),
                };
                dead.sort_unstable();
                dead.dedup();
                model.commit(db.storage(), *rows, &dead).unwrap();
            }
            Step::Checkpoint { bytes } => {
                let bytes: Vec<u8> = (0..*bytes).map(|i| (i ^ model.slots.len()) as u8).collect();
                let write = |out: &mut dyn Write| out.write_all(&bytes);
                let view = db.storage().view();
                db.storage().checkpoint(&view, &[BlobSource { name: "graph", write: &write }]).unwrap();
                blob = Some((view.commit(), bytes.clone()));
            }
            Step::Clear => {
                drop(db.storage().clear().unwrap());
                model.reorder(&[]);
                blob = None;
            }
            Step::Compact { turn } => {
                let mut order = model.living();
                if !order.is_empty() {
                    let n = order.len();
                    order.rotate_left(turn.index(n));
                }
                drop(db.storage().compact(&db.storage().view(), &order, &[]).unwrap());
                model.reorder(&order);
                blob = None;
            }
            Step::Sync => db.storage().sync().unwrap(),
            Step::Reopen => db = db.reopened(),
        }
        model.check(&db.storage().view());
        let found = db.storage().blob("graph").unwrap().map(|bytes| bytes.to_vec());
        assert_eq!(found, blob.as_ref().map(|(_, bytes)| bytes.clone()));
        assert_eq!(db.storage().checkpoint_commit(), blob.as_ref().map_or(0, |(covers, _)| *covers));
    }
    assert_eq!(db.storage().verify(), []);
}

fn run<B: Backend>(cases: u32) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let kinds = prop_oneof![Just(IdKind::U64), Just(IdKind::Text)];
    let lengths = prop_oneof![Just(1usize), Just(64), Just(100)];
    let tested = runner.run(&(kinds, lengths, steps()), |(kind, row_bytes, steps)| {
        agrees::<B>(kind, row_bytes, &steps);
        Ok(())
    });
    tested.unwrap();
}

#[test]
fn memory_agrees_with_the_model() {
    run::<InMemory>(100);
}

#[test]
fn files_agree_with_the_model() {
    run::<InFiles<true>>(60);
    run::<InFiles<false>>(60);
}

#[cfg(feature = "rocksdb")]
#[test]
fn rocksdb_agrees_with_the_model() {
    run::<crate::backends::InRocks<true>>(15);
    run::<crate::backends::InRocks<false>>(15);
}
