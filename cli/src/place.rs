//! Where a new database goes: a hidden folder beside its place until it is whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Whether anything is at `path`, a link to nowhere too.
pub(crate) fn is_taken(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// A place and the draft of what comes there. If nothing is published, nothing is left behind.
pub(crate) struct Place {
    path: PathBuf,
    draft: tempfile::TempDir,
    replaces: bool,
}

impl Place {
    /// Where nothing is.
    pub(crate) fn free(path: &Path) -> Result<Self, Failure> {
        Self::new(path, false)
    }

    /// Where something is that goes when the new database comes.
    pub(crate) fn of_another(path: &Path) -> Result<Self, Failure> {
        Self::new(path, true)
    }

    fn new(path: &Path, replaces: bool) -> Result<Self, Failure> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let draft = tempfile::Builder::new()
            .prefix(".omendb-draft-")
            .tempdir_in(folder)
            .map_err(|error| Failure::about(folder, format_args!("cannot write there: {error}")))?;
        Ok(Self { path: path.into(), draft, replaces })
    }

    /// The folder to make the database in.
    pub(crate) fn draft(&self) -> PathBuf {
        self.draft.path().join("database")
    }

    /// A failure that names the place the user knows.
    pub(crate) fn renamed(&self, failure: Failure) -> Failure {
        let (draft, path) = (self.draft().display().to_string(), self.path.display().to_string());
        match failure {
            Failure::Refused(message) => Failure::Refused(message.replace(&draft, &path)),
            failure => failure,
        }
    }

    /// Puts the whole database in its place.
    pub(crate) fn publish(self) -> Result<(), Failure> {
        let error = |what, error: io::Error| Failure::about(&self.path, format_args!("cannot {what}: {error}"));
        if self.replaces {
            // Renaming moves the old one away whole; it is deleted with the draft's folder.
            fs::rename(&self.path, self.draft.path().join("replaced"))
                .map_err(|e| error("move the old database away", e))?;
        }
        fs::rename(self.draft(), &self.path).map_err(|e| error("move the new database there", e))
    }
}
