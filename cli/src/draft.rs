//! A hidden folder for an unfinished database. It is removed when the command ends, also by a signal.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use omendb_engine::Lock;

use crate::failure::Failure;
use crate::signals;

/// The ending of a draft's name.
const ENDING: &str = ".omendb-draft";

/// A folder that only this process uses.
pub(crate) struct Draft {
    path: PathBuf,
    _lock: Lock,
}

impl Draft {
    /// Makes a draft beside `place`, named after it. It replaces the draft that a killed process left there.
    pub(crate) fn beside(place: &Path) -> Result<Self, Failure> {
        let folder = match place.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            return Err(Failure::about(folder, format_args!("found no folder for {}", place.display())));
        }
        let Some(name) = place.file_name() else {
            return Err(Failure::about(
                place,
                "found no name at the end of the path, expected the name of a new folder",
            ));
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
            return Err(Failure::about(&path, "found a file, expected a folder or nothing"));
        }
        // From here on the folder is removed when the draft is dropped.
        let draft = Self { _lock: Lock::of(&path)?, path };
        draft.make_room().map_err(cannot)?;
        signals::end_without(&draft.path).map_err(cannot)?;
        Ok(draft)
    }

    /// Removes what an earlier process left.
    fn make_room(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.database()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// The folder of the database.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("database")
    }
}

/// Removes the drafts of killed processes, except the one named `kept`. The draft of a running process is locked.
fn remove_abandoned(folder: &Path, kept: &OsStr) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let draft = name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(ENDING));
        // A draft without a lock file is just being made.
        let made = entry.file_type().is_ok_and(|kind| kind.is_dir()) && path.join("LOCK").is_file();
        if draft
            && made
            && name != kept
            && let Ok(_lock) = Lock::of(&path)
        {
            // An error is ignored: the next draft of this name replaces it.
            let _ = fs::remove_dir_all(&path);
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // An error is ignored: the draft is hidden, and the next one of this name replaces it.
        let _ = signals::remove(&self.path);
    }
}
