//! Random work while folders are renamed and replaced, LOCK goes, the process forks or ends, and the
//! system sets limits: nothing that was acknowledged is lost, and nobody else's database is touched.
//! Over mapped files, and over RocksDB.
//!
//! `OMENDB_DISTURBED_STEPS=N` does N steps instead of a few, `OMENDB_DISTURBED_SEED=N` others.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use omendb_storage::mapped::Mapped;
#[cfg(feature = "rocksdb")]
use omendb_storage::rocks::Rocks;
use omendb_storage::{BlobSource, Durability, IdKind, StorageError};

use crate::files::Files;
use crate::fork::{forked, refuses_in_a_fork};
use crate::image::scratch;
use crate::kit::{Contents, Model, contents, schema};
use crate::limit::{Limit, is_of_a_limit};
use crate::simulated::Dice;

/// What rows there are.
#[derive(Clone, Copy)]
struct Form {
    row_bytes: usize,
    /// Rows of one commit, at most.
    batch: u64,
    /// With more, all are cleared.
    most: usize,
}

const SHORT: Form = Form { row_bytes: 40, batch: 12, most: 400 };
/// A segment holds 128 of them, and a write buffer of RocksDB as many as there are at most.
const LONG: Form = Form { row_bytes: 263_000, batch: 50, most: 250 };

/// What happened how often.
#[derive(Debug, Default)]
struct Counts {
    done: usize,
    refused: usize,
    short: usize,
    poisoned: usize,
    unopened: usize,
    /// Steps after which there were more rows than a segment holds.
    several: usize,
}

struct Work<F> {
    root: PathBuf,
    durability: Durability,
    kind: IdKind,
    form: Form,
    db: Option<F>,
    model: Model,
    dice: Dice,
    counts: Counts,
}

impl<F: Files> Work<F> {
    fn home(&self) -> PathBuf {
        self.root.join("db")
    }

    fn db(&self) -> &F {
        self.db.as_ref().unwrap()
    }

    fn open(&mut self, path: &Path) {
        self.db = None;
        let db = F::open(path, self.durability).unwrap();
        assert_eq!(contents(&db.view()), self.model.slots);
        self.db = Some(db);
    }

    /// One call that writes.
    fn write(&mut self) -> Result<(), StorageError> {
        self.attempt().1
    }

    /// One call that writes, and what the model is if it is done.
    fn attempt(&mut self) -> (Model, Result<(), StorageError>) {
        let (rows, chance) = (self.dice.roll(self.form.batch) as usize, self.dice.roll(10));
        let dead: Vec<u32> = self.model.living().into_iter().filter(|_| self.dice.roll(8) == 0).collect();
        let db = self.db.as_ref().unwrap();
        let mut after = self.model.clone();
        let done = match chance {
            0 => {
                let write = |out: &mut dyn Write| out.write_all(&[7; 300]);
                db.checkpoint(&db.view(), &[BlobSource { name: "graph", write: &write }])
            }
            1 => {
                let order = self.model.living();
                after.reorder(&order);
                db.compact(&db.view(), &order, &[]).map(drop)
            }
            2 if self.model.slots.len() > self.form.most => {
                after.reorder(&[]);
                db.clear().map(drop)
            }
            3 => db.sync(),
            _ => {
                after = self.model.after(self.kind, rows, &dead);
                self.model.commit(db, rows, &dead)
            }
        };
        if done.is_ok() {
            self.counts.done += 1;
            self.model = after.clone();
        }
        (after, done)
    }

    /// Some calls under a limit: each is done, or refused for the limit. Without it, all goes on.
    fn limited(&mut self) {
        // Of memory less than a segment; RocksDB takes more. Of long rows this suite itself needs too much.
        let memory = if F::HAS_THREADS { 1 << 30 } else { 56 << 20 };
        let limit = Limit::some(&mut self.dice, (self.form.row_bytes < 1000).then_some(memory));
        let (mut stuck, mut doubtful) = (false, None);
        for _ in 0..=self.dice.roll(5) {
            let (after, done) = self.attempt();
            self.model.check(&self.db().view());
            match done {
                Ok(()) => assert!(!stuck, "a write after one that nobody knows the end of"),
                Err(StorageError::Poisoned { .. }) => {
                    assert!(stuck || F::HAS_THREADS);
                    stuck = true;
                }
                Err(error) => {
                    assert!(is_of_a_limit(&error), "{limit:?}: {error:?}");
                    self.counts.short += 1;
                    if matches!(self.db().sync(), Err(StorageError::Poisoned { .. })) {
                        (stuck, doubtful) = (true, Some(after));
                    }
                }
            }
        }
        if !stuck && self.dice.roll(2) == 0 {
            self.db = None;
            match F::open(&self.home(), self.durability) {
                Ok(db) => self.db = Some(db),
                Err(error) => {
                    assert!(is_of_a_limit(&error), "{limit:?}: {error:?}");
                    self.counts.unopened += 1;
                }
            }
        }
        let what = format!("{limit:?}");
        drop(limit);
        if F::HAS_THREADS
            && !stuck
            && let Some(db) = &self.db
            && let Err(error) = self.model.commit(db, 1, &[])
        {
            // What they could not do is told now.
            let poisoned = matches!(error, StorageError::Poisoned { .. });
            assert!(poisoned || is_of_a_limit(&error), "{what}: {error:?}");
            stuck = true;
        }
        if stuck {
            self.counts.poisoned += 1;
            self.db = None;
        }
        if let Some(after) = doubtful
            && found::<F>(&self.home()) == after.slots
        {
            self.model = after;
        }
        if self.db.is_none() {
            self.open(&self.home());
        }
        self.write().unwrap();
    }

    /// Some calls, all of which are refused with such an error; nothing changes.
    fn refuses(&mut self, such: impl Fn(&StorageError) -> bool) {
        for _ in 0..3 {
            let error = self.write().expect_err("a refusal");
            assert!(such(&error), "{error:?}");
            self.model.check(&self.db().view());
            self.counts.refused += 1;
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
                assert_eq!(found::<F>(&self.home()), other);
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
                let second = F::open(&self.home(), self.durability).err();
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
                self.model = Model::of(other, self.form.row_bytes);
                self.open(&self.home());
            }
            5 => self.open(&self.home()),
            6 | 7 => self.limited(),
            8 if self.dice.roll(2) == 0 => {
                // What is left where the process ends now.
                let copy = self.root.join("copy");
                copy_folder(&self.home(), &copy);
                let db = F::open(&copy, self.durability).unwrap();
                assert_eq!(contents(&db.view()), self.model.slots);
                assert_eq!(db.verify(), []);
                drop(db);
                fs::remove_dir_all(copy).unwrap();
            }
            9 => {
                let second = F::open(&self.home(), self.durability).err();
                assert!(matches!(second, Some(StorageError::Locked { .. })), "{second:?}");
                assert_eq!(found::<F>(&self.home()), self.model.slots);
            }
            _ => self.write().unwrap(),
        }
        self.model.check(&self.db().view());
        let rows = self.model.slots.len() * self.form.row_bytes;
        self.counts.several += usize::from(rows > 128 * LONG.row_bytes);
    }

    /// Another database at this one's place.
    fn other(&self) -> Contents {
        let db = F::create(&self.home(), &schema(self.form.row_bytes, self.kind), self.durability).unwrap();
        Model::new(self.form.row_bytes).commit(&db, 4, &[]).unwrap();
        contents(&db.view())
    }
}

fn found<F: Files>(path: &Path) -> Contents {
    let db = F::open_read_only(path).unwrap();
    assert_eq!(db.verify(), []);
    contents(&db.view())
}

/// Holes stay holes: a segment is as long as all rows that it may ever hold. Copied anew where RocksDB's
/// threads changed files meanwhile: a process ends at one moment.
fn copy_folder(from: &Path, to: &Path) {
    loop {
        let before = sizes(from);
        let copied = Command::new("cp").args(["-r", "--sparse=always"]).args([from, to]).output().unwrap();
        if copied.status.success() && sizes(from) == before {
            return;
        }
        fs::remove_dir_all(to).unwrap();
    }
}

/// The files of a folder and of those in it, how long each is, and when it was last changed.
fn sizes(folder: &Path) -> BTreeMap<PathBuf, (u64, Option<SystemTime>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        // One that is gone by now is missing from the next look too, or makes the two differ.
        let Ok(data) = entry.metadata() else { continue };
        if data.is_dir() {
            found.extend(sizes(&entry.path()));
        } else {
            found.insert(entry.path(), (data.len(), data.modified().ok()));
        }
    }
    found
}

/// In a process of its own, for limits are the process's.
const CHILD: &str = "OMENDB_DISTURBED_CHILD";

#[test]
fn nothing_is_lost_whatever_becomes_of_the_folder_and_the_process() {
    let test = "disturbed::nothing_is_lost_whatever_becomes_of_the_folder_and_the_process";
    in_a_process_of_its_own(test, || works::<Mapped>(1000));
}

#[cfg(feature = "rocksdb")]
#[test]
fn nothing_is_lost_in_rocksdb_either() {
    in_a_process_of_its_own("disturbed::nothing_is_lost_in_rocksdb_either", || works::<Rocks>(400));
}

fn in_a_process_of_its_own(test: &str, work: impl FnOnce()) {
    if std::env::var_os(CHILD).is_some() {
        return work();
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    print!("{}", String::from_utf8_lossy(&child.stdout));
    assert!(child.status.success(), "{:?} {}", child.status, String::from_utf8_lossy(&child.stderr));
}

fn works<F: Files>(steps: u64) {
    let number = |name, default| std::env::var(name).map_or(default, |n| n.parse().expect("a number"));
    let (steps, seed) = (number("OMENDB_DISTURBED_STEPS", steps) as usize, number("OMENDB_DISTURBED_SEED", 31));
    let (sync, os) = (Durability::Sync, Durability::Os);
    let forms = [
        (sync, IdKind::U64, SHORT, steps),
        (os, IdKind::Text, SHORT, steps),
        // They take long.
        (sync, IdKind::Text, LONG, steps / 50),
        (os, IdKind::U64, LONG, steps / 50),
    ];
    for ((durability, kind, form, steps), seed) in forms.into_iter().zip(seed..).filter(|((.., steps), _)| *steps > 50)
    {
        let dir = scratch();
        let root = dir.path().to_path_buf();
        let db = F::create(&root.join("db"), &schema(form.row_bytes, kind), durability).unwrap();
        let (model, counts) = (Model::new(form.row_bytes), Counts::default());
        let mut work = Work { root, durability, kind, form, db: Some(db), model, dice: Dice(seed), counts };
        for _ in 0..steps {
            work.step();
        }
        assert_eq!(work.db().verify(), []);
        println!("{durability:?}, rows of {} bytes: {steps} steps, {:?}", form.row_bytes, work.counts);
        let Counts { done, refused, short, unopened, several, .. } = work.counts;
        assert!(done >= steps / 2 && refused > steps / 20 && short > 0 && (several > 0) == (form.row_bytes > 1000));
        assert!(steps < 1000 || unopened > 0);
    }
}
