//! Limits that the system sets a process, until they are dropped.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Command;

use omendb_storage::mapped::Mapped;
#[cfg(feature = "rocksdb")]
use omendb_storage::rocks::Rocks;
use omendb_storage::{BlobSource, Commit, Durability, IdColumn, IdKind, Packed, Storage, StorageError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::files::Files;
use crate::image::scratch;
use crate::kit::{Model, schema};
use crate::simulated::Dice;

/// A limit that is set.
#[derive(Debug)]
pub(crate) struct Limit {
    resource: Resource,
    before: Rlimit,
    #[allow(dead_code, reason = "for messages")]
    most: u64,
}

impl Limit {
    /// One of those that files run into: how long each may be, how many may be open, or how much memory may be
    /// mapped: a few MiB more, and so many bytes at most.
    pub(crate) fn some(dice: &mut Dice, memory: Option<u64>) -> Self {
        let (resource, most) = match dice.roll(6 + u64::from(memory.is_some())) {
            0 => (Resource::Fsize, dice.roll(1000)),
            1 => (Resource::Fsize, dice.roll(30_000)),
            // As long as a segment of short rows without most of its checksums.
            2 => (Resource::Fsize, (64 << 20) + dice.roll(10_000)),
            3 => (Resource::Nofile, 3 + dice.roll(4)),
            6 => (Resource::As, mapped() + (4 << 20) + dice.roll(memory.unwrap_or(1))),
            // A few more.
            _ => (Resource::Nofile, next_number() + dice.roll(6)),
        };
        Self::set(resource, most)
    }

    fn set(resource: Resource, most: u64) -> Self {
        let before = getrlimit(resource);
        setrlimit(resource, Rlimit { current: Some(most), maximum: before.maximum }).unwrap();
        Self { resource, before, most }
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        setrlimit(self.resource, Rlimit { current: self.before.current, maximum: self.before.maximum }).unwrap();
    }
}

/// The number that the next file gets: a limit of so many lets none be opened.
fn next_number() -> u64 {
    std::fs::File::open("/dev/null").unwrap().as_raw_fd() as u64
}

/// Bytes of memory that this process has mapped.
fn mapped() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
    pages * rustix::param::page_size() as u64
}

/// Whether a call was refused because of such a limit.
pub(crate) fn is_of_a_limit(error: &StorageError) -> bool {
    match error {
        StorageError::Io { source, .. } => {
            let errno = source.raw_os_error();
            source.kind() == ErrorKind::FileTooLarge || errno == Some(libc::EMFILE) || errno == Some(libc::ENOMEM)
        }
        StorageError::Backend { what, .. } => what.contains("File too large") || what.contains("Too many open files"),
        _ => false,
    }
}

/// In a process of its own, for limits are the process's.
const CHILD: &str = "OMENDB_LIMITED_FILES_OPEN";

#[test]
fn files_that_cannot_be_opened_poison_nothing() {
    if let Ok(path) = std::env::var(CHILD) {
        few_at_a_flip(&Path::new(&path).join("flip"));
        return few_at_a_sync(&Path::new(&path).join("sync"));
    }
    in_a_child("limit::files_that_cannot_be_opened_poison_nothing");
}

/// Runs a test of this binary in a process of its own, with a folder.
fn in_a_child(test: &str) {
    let dir = scratch();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, dir.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{:?} {}", child.status, String::from_utf8_lossy(&child.stderr));
}

/// `ulimit -v`: what cannot be mapped is an error, and no call changes anything then.
#[test]
fn memory_that_cannot_be_mapped_is_an_error() {
    if let Ok(path) = std::env::var(CHILD) {
        return little_is_mapped::<Mapped>(&Path::new(&path).join("db"));
    }
    in_a_child("limit::memory_that_cannot_be_mapped_is_an_error");
}

#[cfg(feature = "rocksdb")]
#[test]
fn memory_that_rocksdb_has_no_rows_in_is_an_error() {
    if let Ok(path) = std::env::var(CHILD) {
        return little_is_mapped::<Rocks>(&Path::new(&path).join("db"));
    }
    in_a_child("limit::memory_that_rocksdb_has_no_rows_in_is_an_error");
}

fn little_is_mapped<F: Files>(path: &Path) {
    // A segment holds 256 rows, and takes 63 MiB.
    const ROW: usize = 260_000;
    let mut db = F::create(path, &schema(ROW, IdKind::U64), Durability::Sync).unwrap();
    let mut model = Model::new(ROW);
    model.commit(&db, 250, &[]).unwrap();
    let refused = |error: Option<StorageError>| {
        let error = error.expect("a refusal");
        assert!(is_of_a_limit(&error) && error.to_string().contains("memory"), "{error:?}");
    };
    let order = model.living();
    // Room for what calls allocate, and for no segment.
    let limit = Limit::set(Resource::As, mapped() + (40 << 20));
    refused(model.commit(&db, 7, &[]).err());
    refused(db.compact(&db.view(), &order, &[]).err());
    refused(F::open_read_only(path).err());
    model.check(&db.view());
    match F::HAS_THREADS {
        // They need more for whatever is written.
        true => refused(model.commit(&db, 6, &[1]).err()),
        false => model.commit(&db, 6, &[1]).unwrap(),
    }
    drop(limit);
    model.commit(&db, 7, &[]).unwrap();
    assert_eq!(db.verify(), []);
    drop(db);
    let limit = Limit::set(Resource::As, mapped() + (40 << 20));
    refused(F::open(path, Durability::Sync).err());
    drop(limit);
    db = F::open(path, Durability::Sync).unwrap();
    model.check(&db.view());
    assert_eq!(db.verify(), []);
}

fn few_at_a_flip(path: &Path) {
    const ROW: usize = 40;
    let mut db = Mapped::create(path, &schema(ROW, IdKind::U64), Durability::Os).unwrap();
    let mut model = Model::new(ROW);
    let write = |out: &mut dyn Write| out.write_all(&[7; 300]);
    let (mut refused, mut flips) = (0, 0);
    for more in 0..12 {
        for call in ["checkpoint", "compact", "clear"] {
            model.commit(&db, 7, &[]).unwrap();
            let (view, order, before) = (db.view(), model.living(), names(path));
            let limit = Limit::set(Resource::Nofile, next_number() + more);
            let done = match call {
                "checkpoint" => db.checkpoint(&view, &[BlobSource { name: "graph", write: &write }]),
                "compact" => db.compact(&view, &order, &[BlobSource { name: "graph", write: &write }]).map(drop),
                _ => db.clear().map(drop),
            };
            drop(limit);
            let case = format!("{call}, {more} more: {done:?}");
            match done {
                Ok(()) if call == "clear" => model.reorder(&[]),
                Ok(()) => {}
                Err(error) => {
                    assert!(is_of_a_limit(&error), "{case}");
                    refused += 1;
                    // All new files were there by then, and are gone.
                    if error.to_string().contains("MANIFEST") {
                        flips += 1;
                        assert_eq!(names(path), before, "{case}");
                    }
                }
            }
            model.check(&db.view());
            assert!(db.sync().is_ok(), "{case}");
        }
        drop(db.clear().unwrap());
        model.reorder(&[]);
        drop(db);
        db = Mapped::open(path, Durability::Os).unwrap();
        // LOCK, two manifests and a log: what could not be removed is gone by now.
        assert_eq!((std::fs::read_dir(path).unwrap().count(), db.verify()), (4, vec![]));
    }
    assert!(refused > 10 && flips >= 3, "{refused} refused, {flips} of them at the manifest");
}

fn names(path: &Path) -> BTreeSet<OsString> {
    std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

fn few_at_a_sync(path: &Path) {
    // A segment holds 128 rows, and only the last one is kept open.
    const ROW: usize = 263_000;
    let db = Mapped::create(path, &schema(ROW, IdKind::U64), Durability::Os).unwrap();
    let (rows, ids) = (vec![3; ROW * 130], (0..130).collect::<Vec<u64>>());
    db.commit(Commit { rows: &Packed::new(&rows, ROW), ids: IdColumn::U64(&ids), dead: &[] }).unwrap();
    let limit = Limit::set(Resource::Nofile, next_number());
    let refused = db.sync().unwrap_err();
    drop(limit);
    assert!(is_of_a_limit(&refused), "{refused:?}");
    db.sync().unwrap();
}
