//! What a signal that ends the process takes away first.

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

/// The folder of this process that is not whole yet; a command has one at most.
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

/// Writing beyond the limit on the size of files (`ulimit -f`) is an error like others from now on, and
/// no signal that ends the process.
pub(crate) fn keep_limits_from_ending() {
    // Where this fails, the signal does what it did before.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// Takes the folder away that a signal would have.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    let mut current = current();
    *current = None;
    fs::remove_dir_all(folder)
}

/// From now on a signal that ends the process takes this folder away first.
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
            // As if nobody had listened; it does not return.
            let _ = emulate_default_handler(signal);
        }
    })?;
    Ok(())
}
