//! Opening a database as the command line says, and closing it.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use omendb_engine::{Db, Isa, OpenError, OpenOptions, Progress, StorageError};

use crate::args::Global;
use crate::failure::Failure;
use crate::progress::Bar;

/// How commands use a database.
pub(crate) struct Use {
    /// 0: one per processor.
    pub(crate) threads: usize,
    pub(crate) isa: Isa,
}

impl Use {
    /// From the flags, with `threads` when they do not say. An instruction set that is unknown or
    /// that this machine lacks is refused here, wherever it was named.
    pub(crate) fn new(global: &Global, threads: usize) -> Result<Self, Failure> {
        let isa = match global.isa {
            Some(isa) => isa.required()?,
            None => Isa::chosen()?,
        };
        Ok(Self { threads: global.threads.map_or(threads, usize::from), isa })
    }

    pub(crate) fn open_options(&self) -> OpenOptions {
        OpenOptions::new().threads(self.threads).isa(self.isa)
    }

    /// Opens to read, beside any writer.
    pub(crate) fn read(&self, path: &Path) -> Result<Db, Failure> {
        self.try_read(path).map_err(|error| Failure::open(path, error))
    }

    /// As [`Use::read`]. One that needs a writer to recover it first is opened for writing.
    pub(crate) fn try_read(&self, path: &Path) -> Result<Db, OpenError> {
        match Db::open_read_only_with(path, self.open_options()) {
            Err(OpenError::Storage(StorageError::NeedsRecovery { .. })) => Db::open_with(path, self.open_options()),
            opened => opened,
        }
    }

    /// Opens to write.
    pub(crate) fn write(
        &self,
        path: &Path,
        listener: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Result<Db, Failure> {
        Db::open_with(path, self.open_options().progress(listener)).map_err(|error| Failure::open(path, error))
    }
}

/// Closes a database in which `done` is committed. That its graph cannot be written is no failure of the
/// command, but a warning: the next opening links the rows again.
pub(crate) fn close(db: Db, bar: &Bar, path: &Path, done: impl Display) {
    let closed = db.close();
    bar.clear();
    if let Err(error) = closed {
        let path = path.display();
        // If stderr is closed there is nobody to tell.
        let _ = writeln!(
            io::stderr(),
            "warning: {done}, for good; but the graph of {path} is not written, and its rows are linked again when it \
             is opened: {error}"
        );
    }
}
