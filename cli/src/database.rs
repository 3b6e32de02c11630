//! Opens and closes a database.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use omendb_engine::{Db, Isa, OpenError, OpenOptions, Progress, StorageError};

use crate::failure::Failure;
use crate::global::Global;
use crate::progress::Bar;

/// The options of a command for its database.
pub(crate) struct Use {
    /// 0: one per processor.
    pub(crate) threads: usize,
    pub(crate) isa: Isa,
    /// Whether searches go over codes. Commands that do not search need none.
    pub(crate) codes: bool,
}

impl Use {
    /// From the flags, with `threads` as the default. An instruction set that this machine lacks is refused.
    pub(crate) fn new(global: &Global, threads: usize) -> Result<Self, Failure> {
        let isa = match global.isa {
            Some(isa) => isa.required()?,
            None => Isa::chosen()?,
        };
        Ok(Self { threads: global.threads.map_or(threads, usize::from), isa, codes: false })
    }

    pub(crate) fn open_options(&self) -> OpenOptions {
        OpenOptions::new().threads(self.threads).isa(self.isa)
    }

    /// Opens for reading, beside any writer.
    pub(crate) fn read(&self, path: &Path) -> Result<Db, Failure> {
        self.try_read(path).map_err(|error| Failure::open(path, error))
    }

    /// As [`Use::read`]. A database that needs recovery is opened for writing.
    pub(crate) fn try_read(&self, path: &Path) -> Result<Db, OpenError> {
        match Db::open_read_only_with(path, self.open_options().codes(self.codes)) {
            Err(OpenError::Storage(StorageError::NeedsRecovery { .. })) => Db::open_with(path, self.open_options()),
            opened => opened,
        }
    }

    /// Opens for writing.
    pub(crate) fn write(
        &self,
        path: &Path,
        listener: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Result<Db, Failure> {
        Db::open_with(path, self.open_options().progress(listener)).map_err(|error| Failure::open(path, error))
    }
}

/// Closes a database in which `done` is committed. If its graph cannot be written, it prints a warning: the next opening links
/// the rows again.
pub(crate) fn close(db: Db, bar: &Bar, path: &Path, done: impl Display) {
    let closed = db.close();
    bar.clear();
    if let Err(error) = closed {
        let path = path.display();
        // A closed stderr is ignored.
        let _ = writeln!(
            io::stderr(),
            "warning: {done} and committed; cannot write the graph of {path}, so the next opening links its rows \
             again: {error}"
        );
    }
}
