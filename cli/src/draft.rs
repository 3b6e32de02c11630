//! Folders for what is not whole yet. They go when the command ends, by a signal too.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use omendb_engine::Lock;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::failure::Failure;

/// The folder of this process, for the thread that waits for signals.
static CURRENT: Mutex<Option<PathBuf>> = Mutex::new(None);

/// While it is held, no signal ends the process.
fn current() -> MutexGuard<'static, Option<PathBuf>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does what a signal must not cut in two; nothing, once one is ending the process.
pub(crate) fn unless_ended<T>(act: impl FnOnce() -> T) -> T {
    let _held = current();
    act()
}

/// A hidden folder in use by this process alone; a command has one at most.
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
        hidden.push(".omendb-draft");
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
        end_by_signal_without(&draft.path).map_err(cannot)?;
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

impl Drop for Draft {
    fn drop(&mut self) {
        let mut current = current();
        *current = None;
        // What stays is hidden, and makes room for the next.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// From now on a signal that ends the process takes this folder away first.
pub(crate) fn end_by_signal_without(folder: &Path) -> io::Result<()> {
    *current() = Some(folder.into());
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in &mut signals {
            let current = current();
            if let Some(folder) = &*current {
                // Other threads may be making files in it.
                for _ in 0..100 {
                    match fs::remove_dir_all(folder) {
                        Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                        _ => thread::sleep(Duration::from_millis(1)),
                    }
                }
            }
            // As if nobody had listened; it does not return.
            let _ = emulate_default_handler(signal);
        }
    })?;
    Ok(())
}
