//! Random work while folders are renamed and replaced, LOCK goes, and the process forks: nothing that
//! was acknowledged is lost, and nobody else's database is touched.
//!
//! `OMENDB_DISTURBED_STEPS=N` does N steps instead of a few hundred.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use omendb_storage::mapped::Mapped;
use omendb_storage::{BlobSource, Durability, IdKind, Storage, StorageError};

use crate::fork::{forked, refuses_in_a_fork};
use crate::image::scratch;
use crate::kit::{Contents, Model, contents, schema};
use crate::simulated::Dice;

const ROW: usize = 40;

struct Work {
    root: PathBuf,
    durability: Durability,
    db: Option<Mapped>,
    model: Model,
    dice: Dice,
    refused: usize,
}

impl Work {
    fn home(&self) -> PathBuf {
        self.root.join("db")
    }

    fn db(&self) -> &Mapped {
        self.db.as_ref().unwrap()
    }

    fn open(&mut self, path: &Path) {
        self.db = None;
        let db = Mapped::open(path, self.durability).unwrap();
        assert_eq!(contents(&db.view()), self.model.slots);
        self.db = Some(db);
    }

    /// One call that writes.
    fn write(&mut self) -> Result<(), StorageError> {
        let (rows, chance) = (self.dice.roll(12) as usize, self.dice.roll(10));
        let dead: Vec<u32> = self.model.living().into_iter().filter(|_| self.dice.roll(8) == 0).collect();
        let db = self.db.as_ref().unwrap();
        match chance {
            0 => {
                let write = |out: &mut dyn Write| out.write_all(&[7; 300]);
                db.checkpoint(&db.view(), &[BlobSource { name: "graph", write: &write }])
            }
            1 => {
                let order = self.model.living();
                drop(db.compact(&db.view(), &order, &[])?);
                self.model.reorder(&order);
                Ok(())
            }
            2 if self.model.slots.len() > 400 => {
                drop(db.clear()?);
                self.model.reorder(&[]);
                Ok(())
            }
            3 => db.sync(),
            _ => self.model.commit(db, rows, &dead),
        }
    }

    /// Some calls, all of which are refused with such an error; nothing changes.
    fn refuses(&mut self, such: impl Fn(&StorageError) -> bool) {
        for _ in 0..3 {
            let error = self.write().expect_err("a refusal");
            assert!(such(&error), "{error:?}");
            self.model.check(&self.db().view());
            self.refused += 1;
        }
    }

    fn step(&mut self) {
        let away = self.root.join("away");
        let moved = |error: &StorageError| matches!(error, StorageError::Moved { .. });
        match self.dice.roll(24) {
            0 => {
                fs::rename(self.home(), &away).unwrap();
                for _ in 0..3 {
                    self.write().unwrap();
                }
                if self.dice.roll(2) == 0 {
                    self.open(&away);
                }
                fs::rename(&away, self.home()).unwrap();
                self.write().unwrap();
                self.open(&self.home());
            }
            1 => {
                fs::rename(self.home(), &away).unwrap();
                let other = self.other();
                self.refuses(moved);
                self.db = None;
                assert_eq!(found(&self.home()), other);
                fs::remove_dir_all(self.home()).unwrap();
                fs::rename(&away, self.home()).unwrap();
                self.open(&self.home());
            }
            2 => {
                let unlocked = |error: &StorageError| matches!(error, StorageError::Unlocked { .. });
                fs::remove_file(self.home().join("LOCK")).unwrap();
                if self.dice.roll(2) == 0 {
                    fs::write(self.home().join("LOCK"), "").unwrap();
                }
                self.refuses(unlocked);
                let second = Mapped::open(self.home(), self.durability).err();
                assert!(matches!(second, Some(StorageError::Locked { .. })), "{second:?}");
                self.open(&self.home());
            }
            3 => {
                let mut db = self.db.take();
                assert!(forked(|| {
                    refuses_in_a_fork(db.as_ref().unwrap());
                    db = None;
                }));
                self.db = db;
            }
            4 if self.dice.roll(4) == 0 => {
                fs::remove_dir_all(self.home()).unwrap();
                self.refuses(moved);
                let other = self.other();
                self.refuses(moved);
                self.db = None;
                self.model = Model::of(other, ROW);
                self.open(&self.home());
            }
            5 => self.open(&self.home()),
            _ => self.write().unwrap(),
        }
        self.model.check(&self.db().view());
    }

    /// Another database at this one's place.
    fn other(&self) -> Contents {
        let db = Mapped::create(self.home(), &schema(ROW, IdKind::U64), self.durability).unwrap();
        Model::new(ROW).commit(&db, 4, &[]).unwrap();
        contents(&db.view())
    }
}

fn found(path: &Path) -> Contents {
    let db = Mapped::open_read_only(path).unwrap();
    assert_eq!(db.verify(), []);
    contents(&db.view())
}

#[test]
fn nothing_is_lost_whatever_becomes_of_the_folder_and_the_process() {
    let steps = std::env::var("OMENDB_DISTURBED_STEPS").map_or(600, |n| n.parse().expect("a number of steps"));
    for durability in [Durability::Sync, Durability::Os] {
        let dir = scratch();
        let root = dir.path().to_path_buf();
        let db = Mapped::create(root.join("db"), &schema(ROW, IdKind::U64), durability).unwrap();
        let mut work = Work { root, durability, db: Some(db), model: Model::new(ROW), dice: Dice(31), refused: 0 };
        for _ in 0..steps {
            work.step();
        }
        assert_eq!(work.db().verify(), []);
        println!("{durability:?}: {steps} steps, {} calls refused", work.refused);
        assert!(work.refused > 20);
    }
}
