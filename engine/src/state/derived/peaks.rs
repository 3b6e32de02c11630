//! The largest value of each row: a column for tests, which shows all that a new kind of column takes.
//!
//! It copies all values at each commit, which only a test may do: see `per_slot`.

use std::io::{self, Write};
use std::sync::Arc;

use omendb_kernels::ElementKind;
use omendb_storage::View;

use crate::Config;
use crate::input::values;
use crate::state::derived::Column;

#[derive(Clone)]
pub(super) struct Peaks {
    kind: ElementKind,
    values: Vec<f32>,
}

impl Peaks {
    pub(super) fn empty(config: &Config) -> Option<Arc<dyn Column>> {
        Some(Arc::new(Peaks { kind: config.row_type, values: Vec::new() }))
    }

    fn of(&self, view: &View, slot: u32) -> f32 {
        let mut row = Vec::new();
        values::read(self.kind, view.row(slot), &mut row);
        row.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
}

impl Column for Peaks {
    fn name(&self) -> &'static str {
        "peaks"
    }

    fn len(&self) -> u32 {
        self.values.len() as u32
    }

    fn extended(&self, view: &View) -> Arc<dyn Column> {
        let mut longer = self.clone();
        longer.values.extend((self.len()..view.slots()).map(|slot| self.of(view, slot)));
        Arc::new(longer)
    }

    fn reordered(&self, order: &[u32]) -> Arc<dyn Column> {
        Arc::new(Peaks { kind: self.kind, values: order.iter().map(|&slot| self.values[slot as usize]).collect() })
    }

    fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        self.values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
    }

    fn read_from(&self, bytes: &[u8]) -> Option<Arc<dyn Column>> {
        let (words, rest) = bytes.as_chunks();
        let values = words.iter().map(|&word| f32::from_le_bytes(word)).collect();
        rest.is_empty().then(|| Arc::new(Peaks { kind: self.kind, values }) as Arc<dyn Column>)
    }

    fn wrong(&self, view: &View) -> Vec<u32> {
        view.living().filter(|&slot| self.values[slot as usize] != self.of(view, slot)).collect()
    }

    fn bytes(&self) -> usize {
        self.values.len() * size_of::<f32>()
    }
}

mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Db, Metric, Options};

    const DIM: usize = 3;

    fn open(path: &Path) -> Db {
        Db::open(path).unwrap()
    }

    fn add(db: &Db, ids: std::ops::Range<u64>) {
        let ids: Vec<u64> = ids.collect();
        let rows: Vec<f32> = ids.iter().flat_map(|&id| [id as f32, -1.0, 1.5 * id as f32]).collect();
        db.add_batch(&ids, &rows).unwrap();
    }

    /// The column as it should be, from the rows that users get.
    #[track_caller]
    fn check(db: &Db) {
        let snapshot = db.core.snapshot.load_full();
        let peaks: &Peaks = snapshot.columns.get().unwrap();
        assert_eq!(peaks.len(), snapshot.view.slots());
        for slot in snapshot.view.living() {
            let row = db.get(snapshot.view.id(slot)).unwrap();
            assert_eq!(peaks.values[slot as usize], row.into_iter().fold(f32::MIN, f32::max), "slot {slot}");
        }
        assert!(db.verify().is_ok(), "{}", db.verify());
        let stats = db.stats();
        let part = stats.memory.iter().find(|part| part.name == "peaks").unwrap();
        assert_eq!(part.bytes, 4 * u64::from(snapshot.view.slots()));
    }

    #[test]
    fn a_column_lives_as_long_as_its_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        for metric in [Metric::Cosine, Metric::L2] {
            let db = Db::create(&path, Options::new(DIM, metric)).unwrap();
            add(&db, 1..300);
            check(&db);
            db.checkpoint().unwrap();
            add(&db, 300..400); // after the checkpoint: derived again at the opening
            std::mem::drop(db);
            let db = open(&path);
            check(&db);
            db.delete_batch(50u64..250).unwrap();
            db.upsert(7u64, &[9.0f32, 99.0, 999.0]).unwrap();
            check(&db);
            db.compact().unwrap();
            assert_eq!(db.core.snapshot.load().columns.get::<Peaks>().unwrap().len(), 199);
            check(&db);
            db.close().unwrap();
            let db = open(&path);
            check(&db);
            db.clear().unwrap();
            add(&db, 1..9);
            check(&db);
            db.close().unwrap();
            std::fs::remove_dir_all(&path).unwrap();
        }
    }

    #[test]
    fn verify_finds_what_does_not_follow_from_the_rows_and_an_opening_takes_what_a_checkpoint_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let db = Db::create(&path, Options::new(DIM, Metric::L2)).unwrap();
        add(&db, 1..9);
        let snapshot = db.core.snapshot.load_full();
        let wrong = |column: &dyn Column| {
            let mut values = vec![0.0; column.len() as usize];
            values[0] = 1.5;
            let peaks = Peaks { kind: ElementKind::F32, values };
            Ok::<_, ()>(Arc::new(peaks) as Arc<dyn Column>)
        };
        let columns = snapshot.columns.try_map(wrong).unwrap();
        db.core.publish(|_, present| Some(crate::state::snapshot::Snapshot { columns, ..present.clone() }));
        let report = db.verify().to_string();
        assert_eq!(report, "7 rows with other peaks than those kept: 1, 2, 3, 4, 5, 6, 7");
        db.checkpoint().unwrap();
        drop(db);
        assert_eq!(open(&path).verify().to_string(), report);
        // A lost column is derived again, and written by the closing.
        let peaks = std::fs::read_dir(&path).unwrap().map(|file| file.unwrap().path());
        let peaks = peaks.into_iter().find(|file| file.file_stem().is_some_and(|stem| stem == "peaks")).unwrap();
        std::fs::remove_file(peaks).unwrap();
        drop(open(&path));
        check(&open(&path));
    }
}
