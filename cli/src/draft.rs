//! A hidden folder for what is not whole yet. It goes when the command ends, by a signal too.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use omendb_engine::Lock;

use crate::failure::Failure;
use crate::signals;

/// How the names of drafts end.
const ENDING: &str = ".omendb-draft";

/// A folder in use by this process alone.
pub(crate) struct Draft {
    path: PathBuf,
    _lock: Lock,
}

impl Draft {
    /// Beside `place` and named after it, so that what a process left there that was killed makes
    /// room for the next.
    pub(crate) fn beside(place: &Path) -> Result<Self, Failure> {
        let folder = match place.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            return Err(Failure::about(folder, format_args!("found no folder there, for {}", place.display())));
        }
        let Some(name) = place.file_name() else {
            return Err(Failure::about(place, "found no name at its end, expected that of a new folder"));
        };
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(ENDING);
        remove_abandoned(folder, &hidden);
        let path = folder.join(hidden);
        let cannot = |error: io::Error| Failure::about(folder, format_args!("cannot write there: {error}"));
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made.map_err(cannot)?,
        }
        if !fs::symlink_metadata(&path).map_err(cannot)?.is_dir() {
            return Err(Failure::about(&path, "found no folder there, expected one or nothing"));
        }
        // From here on, whatever happens, the folder goes when this one is dropped.
        let draft = Self { _lock: Lock::of(&path)?, path };
        draft.make_room().map_err(cannot)?;
        signals::end_without(&draft.path).map_err(cannot)?;
        Ok(draft)
    }

    /// Takes away what an earlier process left.
    fn make_room(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.database()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Where the database is made.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("database")
    }
}

/// Takes away the drafts of processes that were killed, but for the one called `kept`. That of a process
/// that lives is locked.
fn remove_abandoned(folder: &Path, kept: &OsStr) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let draft = name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(ENDING));
        // One that is just being made has no lock file yet.
        let made = entry.file_type().is_ok_and(|kind| kind.is_dir()) && path.join("LOCK").is_file();
        if draft
            && made
            && name != kept
            && let Ok(_lock) = Lock::of(&path)
        {
            // What stays makes room for the next of its name.
            let _ = fs::remove_dir_all(&path);
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // What stays is hidden, and makes room for the next.
        let _ = signals::remove(&self.path);
    }
}
