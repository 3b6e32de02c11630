//! Cleans up before a signal ends the process.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use signal_hook::consts::signal::SIGXFSZ;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// The unfinished folder of this process, if there is one.
static CURRENT: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Locks the folder. While it is locked, no signal ends the process.
fn current() -> MutexGuard<'static, Option<PathBuf>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `act` so that no signal interrupts it. It blocks if a signal is ending the process.
pub(crate) fn unless_ended<T>(act: impl FnOnce() -> T) -> T {
    let _held = current();
    act()
}

/// Makes a write beyond the file size limit (`ulimit -f`) an error instead of a signal that ends the process.
pub(crate) fn keep_limits_from_ending() {
    // If this fails, the signal keeps its effect.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// Removes the folder and forgets it.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    let mut current = current();
    *current = None;
    fs::remove_dir_all(folder)
}

/// From now on a signal that ends the process removes this folder first.
pub(crate) fn end_without(folder: &Path) -> io::Result<()> {
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
            // The default effect of the signal; it does not return.
            let _ = emulate_default_handler(signal);
        }
    })?;
    Ok(())
}
