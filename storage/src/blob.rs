//! A blob: immutable bytes, mapped from a file or in memory.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::Arc;

use crate::StorageError;
use crate::state::region::Region;

const LONGEST_NAME: usize = 32;
const TAKEN: [&str; 3] = ["rows", "commits", "ids"];

/// The bytes of a blob. They start on a 64-byte boundary. They stay readable while this is held, even if a checkpoint
/// replaces the blob. Cloning is cheap.
#[derive(Clone)]
pub struct Blob {
    region: Arc<Region>,
}

impl Blob {
    /// Wraps a region that is no longer written to.
    pub(crate) fn of(region: Region) -> Self {
        Self { region: Arc::new(region) }
    }

    /// A copy in anonymous memory.
    pub(crate) fn copied(bytes: &[u8]) -> io::Result<Self> {
        let region = Region::anonymous(bytes.len())?;
        // SAFETY: the region was made in the line before; no other reference exists.
        unsafe { region.bytes_mut(0, bytes.len()) }.copy_from_slice(bytes);
        Ok(Self::of(region))
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `of` takes only regions that are written to no more.
        unsafe { self.region.bytes(0, self.region.len()) }
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob").field("bytes", &self.len()).finish()
    }
}

/// Refuses invalid names and the storage's own file names.
pub(crate) fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), StorageError> {
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        let refuse = |what: &str| Err(StorageError::Blob { name: name.into(), what: what.into() });
        if !good_name(name) {
            return refuse("a name has 1 to 32 characters of a-z, 0-9 and '-' and begins with a letter");
        }
        if TAKEN.contains(&name) {
            return refuse("the name is reserved for the storage's own files");
        }
        if seen.contains(&name) {
            return refuse("the name occurs twice");
        }
        seen.push(name);
    }
    Ok(())
}

/// Whether a name is valid for a blob.
pub(crate) fn good_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}
