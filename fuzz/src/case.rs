//! One file of a database, to be replaced by whatever comes.

use crate::Patient;
use omendb_storage::IdKind;
use std::fs;
use std::path::PathBuf;

/// A database, one of its files, and what that was.
pub struct Case {
    /// The database.
    pub patient: Patient,
    /// Where the file is.
    pub path: PathBuf,
    /// What was in it.
    pub whole: Vec<u8>,
}

impl Case {
    /// The file whose name begins so, in a database with numbers for ids and in one with strings.
    ///
    /// # Panics
    /// If the system has no place for them.
    pub fn both(prefix: &str) -> [Self; 2] {
        [IdKind::U64, IdKind::Text].map(|kind| {
            let patient = Patient::new(kind);
            let path = patient.file(prefix);
            let whole = fs::read(&path).expect("a file of the database");
            Self { patient, path, whole }
        })
    }

    /// Puts these bytes in the file's place.
    ///
    /// # Panics
    /// If the system does not let it.
    pub fn replace(&self, bytes: &[u8]) {
        fs::write(&self.path, bytes).expect("a file of the database can be written");
    }
}
