//! Limits that the system sets a process, until they are dropped.

use std::io::ErrorKind;

use omendb_storage::StorageError;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

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
    /// One of those that files run into: how long each may be, or how many may be open.
    pub(crate) fn some(dice: &mut Dice) -> Self {
        let (resource, most) = match dice.roll(6) {
            0 => (Resource::Fsize, dice.roll(1000)),
            1 => (Resource::Fsize, dice.roll(30_000)),
            // About as long as a segment of rows.
            2 => (Resource::Fsize, (4 << 20) + dice.roll(300_000)),
            3 => (Resource::Nofile, 3 + dice.roll(4)),
            // A few more than there are.
            _ => (Resource::Nofile, open_files() + dice.roll(6)),
        };
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

/// One of them is the folder that is listed here.
fn open_files() -> u64 {
    std::fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1
}

/// Whether a call was refused because of such a limit.
pub(crate) fn is_of_a_limit(error: &StorageError) -> bool {
    match error {
        StorageError::Io { source, .. } => {
            source.kind() == ErrorKind::FileTooLarge || source.raw_os_error() == Some(libc::EMFILE)
        }
        _ => false,
    }
}
