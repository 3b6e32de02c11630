//! What is derived from the rows may be lost: it is made again, and who listens is told.

mod data;

use std::path::Path;
use std::sync::{Arc, Mutex};

use data::{clustered, numbers, recall};
use omendb_engine::{Db, Metric, Options};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

const DIM: usize = 12;
const ROWS: usize = 2500;

/// Keeps the warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 += &format!("{}: {value:?} ", field.name());
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Opens, and returns what was warned of.
fn open(path: &Path, read_only: bool) -> (Db, Vec<String>) {
    let warnings = Warnings::default();
    let open = || if read_only { Db::open_read_only(path) } else { Db::open(path) };
    let db = tracing::subscriber::with_default(warnings.clone(), open).unwrap();
    let told = warnings.0.lock().unwrap().clone();
    (db, told)
}

#[derive(Clone, Copy, Debug)]
enum Loss {
    Removed,
    Flipped,
    Emptied,
}

fn lose(path: &Path, name: &str, loss: Loss) {
    let found = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = found.filter(|file| file.file_stem().is_some_and(|stem| stem == name)).collect();
    assert_eq!(files.len(), 1, "{name}");
    match loss {
        Loss::Removed => std::fs::remove_file(&files[0]).unwrap(),
        Loss::Emptied => std::fs::write(&files[0], "").unwrap(),
        Loss::Flipped => {
            let mut bytes = std::fs::read(&files[0]).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 4;
            std::fs::write(&files[0], bytes).unwrap();
        }
    }
}

#[test]
fn what_is_derived_is_made_again() {
    let (values, queries) = (clustered(ROWS, DIM, 1), clustered(30, DIM, 2));
    for (metric, names) in [(Metric::L2, &["graph", "widths"][..]), (Metric::Cosine, &["graph", "norms", "widths"])] {
        for loss in [Loss::Removed, Loss::Flipped, Loss::Emptied] {
            for name in names {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("db.omen");
                let db = Db::create(&path, Options::new(DIM, metric)).unwrap();
                db.add_batch(&numbers(ROWS), &values).unwrap();
                db.flush().unwrap();
                db.width_for(1, 0.9).unwrap();
                let graph = db.stats().graph;
                db.close().unwrap();
                assert!(open(&path, false).1.is_empty());

                lose(&path, name, loss);
                let case = format!("{metric:?}, {name} {loss:?}");
                for read_only in [true, false] {
                    let (db, told) = open(&path, read_only);
                    assert!(told.len() == 1 && told[0].contains(name), "{case}: {told:?}");
                    assert_eq!(db.count(), ROWS, "{case}");
                    assert!(recall(&db, &values, &queries, 10, 100) > 0.97, "{case}");
                    assert_eq!(db.verify().problems.len(), 1, "{case}: {}", db.verify());
                    if !read_only {
                        db.flush().unwrap();
                        assert_eq!((db.stats().buffered, db.stats().graph.rows), (0, graph.rows), "{case}");
                    }
                }
                // The handle's end wrote it anew.
                let (db, told) = open(&path, false);
                assert!(told.is_empty(), "{case}: {told:?}");
                assert!(db.verify().is_ok(), "{case}: {}", db.verify());
                assert!(recall(&db, &values, &queries, 10, 100) > 0.97, "{case}");
            }
        }
    }
}
