//! Drops the files of a database from the page cache.

use crate::Failure;
use rustix::fs::{Advice, fadvise};
use std::fs::File;
use std::path::Path;

/// Drops a folder's files from the page cache. No process may have them mapped: the system keeps
/// what is.
pub(super) fn drop_cache(folder: &Path) -> Result<(), Failure> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            drop_cache(&path)?;
            continue;
        }
        let file = File::open(&path)?;
        // What is not on the disk yet cannot be dropped.
        file.sync_all()?;
        fadvise(&file, 0, None, Advice::DontNeed)?;
    }
    Ok(())
}
