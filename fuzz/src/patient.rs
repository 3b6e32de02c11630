//! A database of mapped files, one of whose files is replaced again and again.

use omendb_storage::mapped::{Mapped, salvage};
use omendb_storage::{BlobSource, Commit, Durability, IdColumn, IdKind, IdRef, Packed, Schema, Storage, StorageError};
use std::fs::{self, File};
use std::hint::black_box;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const ROW_BYTES: usize = 24;
/// Where a manifest tells the sealed length of the log, and where the options of the owner begin.
const SEALED_AT: usize = 72;
const OPTIONS_AT: usize = 112;
const LOG_HEADER: u64 = 64;
/// How much of a segment rows may fill, behind which their checksums are, and how much of either is
/// copied: more than these databases write.
const SEGMENT_BYTES: u64 = 64 << 20;
const WRITTEN: usize = 64 << 10;

/// A database as a crash leaves it: its log holds records behind a checkpoint, and is not sealed.
pub struct Patient {
    folder: TempDir,
    manifest: Vec<u8>,
}

impl Patient {
    /// A database of few rows.
    ///
    /// # Panics
    /// If the system has no place for it.
    pub fn new(kind: IdKind) -> Self {
        let folder = tempfile::tempdir().expect("a place for a database");
        let path = folder.path().join("db");
        let schema = Schema { row_bytes: ROW_BYTES, ids: kind, user: b"options".to_vec() };
        let db = Mapped::create(&path, &schema, Durability::Sync).expect("a database");
        commit(&db, 0, 5, &[]);
        commit(&db, 5, 0, &[1]);
        let write = |out: &mut dyn std::io::Write| out.write_all(b"edges");
        db.checkpoint(&db.view(), &[BlobSource { name: "graph", write: &write }]).expect("a checkpoint");
        commit(&db, 5, 3, &[2]);
        commit(&db, 8, 1, &[]);
        drop(db);
        // Closing sealed the log: what is missing of it would be damage, not a torn tail.
        let mut manifest = fs::read(path.join("MANIFEST.a")).expect("a manifest");
        manifest[SEALED_AT..SEALED_AT + 8].copy_from_slice(&LOG_HEADER.to_le_bytes());
        crate::forge::manifest(&mut manifest);
        let patient = Self { folder, manifest };
        patient.set_manifest(&patient.manifest);
        patient
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("db")
    }

    /// The manifest as it was.
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// Puts a manifest into both slots.
    pub fn set_manifest(&self, bytes: &[u8]) {
        for name in ["MANIFEST.a", "MANIFEST.b"] {
            fs::write(self.path().join(name), bytes).expect("a manifest can be written");
        }
    }

    /// The file whose name begins so.
    pub fn file(&self, prefix: &str) -> PathBuf {
        let names = fs::read_dir(self.path()).expect("the files").map(|entry| entry.expect("a file").path());
        let named = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
        names.into_iter().find(named).expect("a file of this name")
    }

    /// The manifest with another length and checksum of a file that it lists by kind.
    pub fn manifest_with(&self, kind: &str, file: &[u8]) -> Vec<u8> {
        let mut manifest = self.manifest.clone();
        let mut at = OPTIONS_AT + crate::forge::word(&manifest, 108) as usize;
        while at + 4 < manifest.len() {
            let length = manifest[at] as usize;
            let found = &manifest[at + 1..at + 1 + length] == kind.as_bytes();
            let bytes = at + 1 + length + 8;
            if found {
                manifest[bytes..bytes + 8].copy_from_slice(&(file.len() as u64).to_le_bytes());
                manifest[bytes + 8..bytes + 12].copy_from_slice(&crc32c::crc32c(file).to_le_bytes());
            }
            at = bytes + 12;
        }
        crate::forge::manifest(&mut manifest);
        manifest
    }

    /// Reads everything there is in every way, and goes on with a copy of it: what comes is a typed
    /// error or a state that can be read. Whether it was the latter.
    ///
    /// # Panics
    /// If it is neither.
    pub fn examine(&self) -> bool {
        let shown = match Mapped::open_read_only(self.path()) {
            Ok(db) => {
                black_box(db.verify());
                black_box(db.blob("graph").is_ok());
                Some(contents(&db))
            }
            Err(error) => {
                typed(&error);
                None
            }
        };
        let opened = shown.is_some();
        let salvaged = salvage(self.path(), |schema: &Schema, id: IdRef<'_>, row: &[u8]| {
            assert_eq!(schema.row_bytes, row.len());
            black_box(id);
            Ok::<_, StorageError>(())
        });
        if let Err(error) = salvaged {
            typed(&error);
        }
        self.recover(shown);
        opened
    }

    /// Opens a copy for writing, which recovers from the crash. What a reader saw is there; one more row is there after
    /// another opening.
    fn recover(&self, shown: Option<Contents>) {
        let copy = self.folder.path().join("copy");
        if copy.exists() {
            fs::remove_dir_all(&copy).expect("the last copy goes");
        }
        fs::create_dir(&copy).expect("a place for a copy");
        for entry in fs::read_dir(self.path()).expect("the files") {
            let entry = entry.expect("a file");
            duplicate(&entry.path(), &copy.join(entry.file_name())).expect("a file can be copied");
        }
        let db = match Mapped::open(&copy, Durability::Os) {
            Ok(db) => db,
            Err(error) => {
                assert!(shown.is_none(), "a reader can open it, a writer cannot: {error}");
                return typed(&error);
            }
        };
        let recovered = contents(&db);
        assert!(shown.is_none_or(|shown| shown == recovered), "recovery changed what a reader was shown");
        if db.schema().row_bytes != ROW_BYTES {
            return;
        }
        commit(&db, 1_000, 1, &[]);
        let grown = contents(&db);
        assert_eq!(grown.len(), recovered.len() + 1);
        drop(db);
        let again = Mapped::open(&copy, Durability::Os).expect("what was recovered can be opened");
        assert!(contents(&again) == grown, "a row that was added after the recovery");
    }
}

/// By slot: the id, the row, and whether it is dead.
type Contents = Vec<(String, Vec<u8>, bool)>;

fn contents(db: &Mapped) -> Contents {
    let view = db.view();
    let of = |slot| (view.id(slot).to_string(), view.row(slot).to_vec(), view.is_dead(slot));
    (0..view.slots()).map(of).collect()
}

/// Copies a file; of a segment, which is a hole for the most part, the first rows and their checksums.
fn duplicate(from: &Path, to: &Path) -> io::Result<()> {
    let length = fs::metadata(from)?.len();
    if length <= SEGMENT_BYTES {
        return fs::copy(from, to).map(drop);
    }
    let (from, to) = (File::open(from)?, File::create(to)?);
    to.set_len(length)?;
    for start in [0, SEGMENT_BYTES] {
        let mut bytes = vec![0; WRITTEN];
        from.read_exact_at(&mut bytes, start)?;
        to.write_all_at(&bytes, start)?;
    }
    Ok(())
}

fn typed(error: &StorageError) {
    let good = matches!(
        error,
        StorageError::Corrupt { .. }
            | StorageError::Version { .. }
            | StorageError::NeedsRecovery { .. }
            | StorageError::NotADatabase { .. }
            | StorageError::Schema { .. }
            | StorageError::Io { .. }
    );
    assert!(good, "{error:?}");
}

fn commit(db: &Mapped, first: u64, rows: usize, dead: &[u32]) {
    let bytes: Vec<u8> = (0..rows * ROW_BYTES).map(|byte| byte as u8).collect();
    let numbers: Vec<u64> = (first..first + rows as u64).collect();
    let texts: Vec<String> = numbers.iter().map(|id| format!("id-{id}")).collect();
    let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
    let ids = match db.schema().ids {
        IdKind::U64 => IdColumn::U64(&numbers),
        IdKind::Text => IdColumn::Text(&borrowed),
    };
    db.commit(Commit { rows: &Packed::new(&bytes, ROW_BYTES), ids, dead }).expect("a commit");
}
