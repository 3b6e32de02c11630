//! What is not acknowledged is not seen, by a reader that comes at the worst moment either.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use omendb_storage::mapped::Mapped;
use omendb_storage::medium::{Disk, Folder, Medium, MediumFile, Open};
use omendb_storage::{IdKind, Storage, StorageError};

use crate::image::scratch;
use crate::kit::{Contents, Model, contents, schema};

/// What happens to the log's operations.
#[derive(Default)]
struct Plan {
    /// Called within the next write or sync of the log, before it returns.
    within: Option<Box<dyn FnMut() + Send>>,
    /// Whether that write, or that sync, fails once all of its work is done.
    fails: Option<&'static str>,
    /// Whether the log cannot be cut.
    uncut: bool,
}

#[derive(Clone, Default)]
struct Watched(Arc<Mutex<Plan>>);

struct WatchedFile {
    file: Arc<dyn MediumFile>,
    medium: Option<Watched>,
}

impl WatchedFile {
    fn done(&self, op: &'static str) -> io::Result<()> {
        let Some(Watched(plan)) = &self.medium else { return Ok(()) };
        let mut plan = plan.lock().unwrap();
        if plan.fails.is_some_and(|fails| fails != op) || plan.within.is_none() {
            return Ok(());
        }
        plan.within.take().unwrap()();
        plan.fails.take().map_or(Ok(()), |_| Err(io::Error::from_raw_os_error(5)))
    }
}

impl MediumFile for WatchedFile {
    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(out, offset)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)?;
        self.done("write")
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        match &self.medium {
            Some(medium) if medium.0.lock().unwrap().uncut => Err(io::Error::from_raw_os_error(5)),
            _ => self.file.set_len(len),
        }
    }
    fn punch(&self, offset: u64, len: u64) -> io::Result<()> {
        self.file.punch(offset, len)
    }
    fn sync(&self) -> io::Result<()> {
        self.file.sync()?;
        self.done("sync")
    }
    fn file(&self) -> &File {
        self.file.file()
    }
}

impl Medium for Watched {
    fn open(&self, folder: &Folder, name: &str, how: Open) -> io::Result<Arc<dyn MediumFile>> {
        let medium = name.starts_with("commits").then(|| self.clone());
        Ok(Arc::new(WatchedFile { file: Disk.open(folder, name, how)?, medium }))
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        Disk.create_dir(path)
    }
    fn list(&self, folder: &Folder) -> io::Result<Vec<String>> {
        Disk.list(folder)
    }
    fn remove(&self, folder: &Folder, name: &str) -> io::Result<()> {
        Disk.remove(folder, name)
    }
    fn rename(&self, folder: &Folder, from: &str, to: &str) -> io::Result<()> {
        Disk.rename(folder, from, to)
    }
    fn sync_dir(&self, folder: &Folder) -> io::Result<()> {
        Disk.sync_dir(folder)
    }
}

type Reader = JoinHandle<Result<(Mapped, Contents), StorageError>>;

/// Opens for reading within the next write or sync of the log, which then fails or not.
fn reader_within(medium: &Watched, path: &Path, fails: Option<&'static str>) -> Arc<Mutex<Option<Reader>>> {
    let reader: Arc<Mutex<Option<Reader>>> = Arc::default();
    let (started, path) = (Arc::clone(&reader), path.to_path_buf());
    let within = move || {
        let path = path.clone();
        let open = move || {
            let reader = Mapped::open_read_only(path)?;
            let seen = contents(&reader.view());
            Ok((reader, seen))
        };
        *started.lock().unwrap() = Some(std::thread::spawn(open));
        std::thread::sleep(Duration::from_millis(60));
    };
    let mut plan = medium.0.lock().unwrap();
    plan.within = Some(Box::new(within));
    plan.fails = fails;
    drop(plan);
    reader
}

#[test]
fn a_reader_sees_what_is_acknowledged_and_it_does_not_change() {
    for durability in [omendb_storage::Durability::Sync, omendb_storage::Durability::Os] {
        for fails in [None, Some("write"), Some("sync")] {
            if (durability, fails) == (omendb_storage::Durability::Os, Some("sync")) {
                continue;
            }
            let dir = scratch();
            let path = dir.path().join("db");
            let medium = Watched::default();
            let db = Mapped::create_on(Arc::new(medium.clone()), &path, &schema(40, IdKind::U64), durability).unwrap();
            let mut model = Model::new(40);
            model.commit(&db, 4, &[]).unwrap();
            let before = contents(&db.view());
            let reader = reader_within(&medium, &path, fails);
            let committed = model.commit(&db, 6, &[1]);
            assert_eq!(committed.is_err(), fails.is_some());
            let (reader, seen) = reader.lock().unwrap().take().unwrap().join().unwrap().unwrap();
            let expected = if fails.is_some() { before } else { model.slots.clone() };
            assert!(seen == expected, "{durability:?}, {fails:?} fails: {} slots of {}", seen.len(), expected.len());
            // Whatever is committed then, the reader's rows stay.
            if fails != Some("sync") {
                model.commit(&db, 6, &[2]).unwrap();
            }
            assert_eq!(contents(&reader.view()), seen);
            assert_eq!(contents(&Mapped::open_read_only(&path).unwrap().view()), model.slots);
        }
    }
}

/// A failed commit whose record cannot be truncated: no reader shows it while its writer lives.
#[test]
fn a_refused_commit_that_stays_in_the_log_is_not_seen() {
    let dir = scratch();
    let path = dir.path().join("db");
    let medium = Watched::default();
    let sync = omendb_storage::Durability::Sync;
    let db = Mapped::create_on(Arc::new(medium.clone()), &path, &schema(40, IdKind::U64), sync).unwrap();
    let mut model = Model::new(40);
    model.commit(&db, 4, &[]).unwrap();
    medium.0.lock().unwrap().uncut = true;
    let reader = reader_within(&medium, &path, Some("sync"));
    model.clone().commit(&db, 6, &[1]).unwrap_err();
    let seen = reader.lock().unwrap().take().unwrap().join().unwrap();
    let refused = seen.map(|(_, seen)| seen.len()).unwrap_err().to_string();
    assert!(refused.contains("a commit is in flight"), "{refused}");
    assert!(matches!(model.clone().commit(&db, 1, &[]), Err(StorageError::Poisoned { .. })));
}
