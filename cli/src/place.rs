//! The place of a new database. It is in a hidden folder beside its place until it is whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use omendb_engine::Lock;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::draft::Draft;
use crate::failure::Failure;
use crate::signals::unless_ended;

/// Whether anything is at `path`, including a broken link.
pub(crate) fn is_taken(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// A place and the draft for it. If nothing is published, nothing is left behind.
pub(crate) struct Place {
    path: PathBuf,
    draft: Draft,
    /// The lock of the database to replace: later writes to it would be lost.
    replaces: Option<Lock>,
}

impl Place {
    /// A free place.
    pub(crate) fn free(path: &Path) -> Result<Self, Failure> {
        Ok(Self { path: path.into(), draft: Draft::beside(path)?, replaces: None })
    }

    /// The place of a database, or of a link to one, which the new database replaces. It is locked meanwhile.
    pub(crate) fn of_another(path: &Path) -> Result<Self, Failure> {
        let path = fs::canonicalize(path).map_err(|error| Failure::about(path, error))?;
        let replaces = Some(Lock::of(&path)?);
        Ok(Self { draft: Draft::beside(&path)?, path, replaces })
    }

    /// The folder to make the database in.
    pub(crate) fn draft(&self) -> PathBuf {
        self.draft.database()
    }

    /// Replaces the draft's path in an error by the place.
    pub(crate) fn renamed(&self, failure: Failure) -> Failure {
        let (draft, path) = (self.draft().display().to_string(), self.path.display().to_string());
        match failure {
            Failure::Refused(message) => Failure::Refused(message.replace(&draft, &path)),
            failure => failure,
        }
    }

    /// Moves the database to its place and syncs.
    pub(crate) fn publish(self) -> Result<(), Failure> {
        let move_it = || if self.replaces.is_some() { self.exchange() } else { fs::rename(self.draft(), &self.path) };
        let moved = unless_ended(move_it);
        // The parent folder has the names.
        let settled = moved.and_then(|()| File::open(self.path.join(".."))?.sync_all());
        settled.map_err(|error| Failure::about(&self.path, format_args!("cannot move the new database there: {error}")))
    }

    /// Exchanges the draft and the old database, which is deleted with the draft's folder.
    fn exchange(&self) -> io::Result<()> {
        let draft = self.draft();
        match renameat_with(CWD, &draft, CWD, &self.path, RenameFlags::EXCHANGE) {
            // Not every file system supports an exchange.
            Err(Errno::INVAL | Errno::NOSYS) => {
                // Not in the draft's folder, which is deleted if the process ends in between.
                let mut old = self.path.clone().into_os_string();
                old.push(".replaced");
                fs::rename(&self.path, &old)?;
                fs::rename(&draft, &self.path).inspect_err(|_| {
                    // Undo if possible. The first error is reported.
                    let _ = fs::rename(&old, &self.path);
                })?;
                fs::remove_dir_all(old)
            }
            exchanged => Ok(exchanged?),
        }
    }
}

#[cfg(test)]
mod tests {
    use omendb_engine::{Db, Metric, OpenError, Options, StorageError};

    use super::Place;

    #[test]
    fn nobody_writes_to_a_database_that_is_being_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.omen");
        let make = |path: &std::path::Path, dim| Db::create(path, Options::new(dim, Metric::L2)).unwrap();
        drop(make(&path, 2));
        let place = Place::of_another(&path).unwrap_or_else(|failure| panic!("{failure:?}"));
        drop(make(&place.draft(), 3));
        let refused = Db::open(&path).err();
        assert!(matches!(refused, Some(OpenError::Storage(StorageError::Locked { .. }))), "{refused:?}");
        assert!(Db::open_read_only(&path).is_ok());
        place.publish().unwrap_or_else(|failure| panic!("{failure:?}"));
        assert_eq!(Db::open(&path).unwrap().config().dim(), 3);
    }
}
