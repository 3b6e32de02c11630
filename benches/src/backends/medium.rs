//! The backends under comparison.

use crate::Failure;
use omendb_engine::{Backend, Db, Options};
use std::fmt;
use std::path::Path;

/// Where rows rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    Memory,
    Mapped,
    #[cfg(feature = "rocksdb")]
    RocksDb,
}

impl Medium {
    pub(super) const ALL: &[Self] = &[
        Self::Memory,
        Self::Mapped,
        #[cfg(feature = "rocksdb")]
        Self::RocksDb,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Mapped => "mapped",
            #[cfg(feature = "rocksdb")]
            Self::RocksDb => "rocksdb",
        }
    }

    pub(super) fn parse(name: &str) -> Result<Self, Failure> {
        let found = Self::ALL.iter().find(|medium| medium.name() == name);
        found.copied().ok_or_else(|| format!("this build has no backend '{name}'").into())
    }

    /// Whether it outlives the process.
    pub(super) fn has_files(self) -> bool {
        self != Self::Memory
    }

    pub(super) fn create(self, path: &Path, options: Options) -> Result<Db, Failure> {
        Ok(match self {
            Self::Memory => Db::in_memory(options)?,
            Self::Mapped => Db::create(path, options.backend(Backend::Mapped))?,
            #[cfg(feature = "rocksdb")]
            Self::RocksDb => Db::create(path, options.backend(Backend::RocksDb))?,
        })
    }
}

impl fmt::Display for Medium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
