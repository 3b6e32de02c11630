//! From what went wrong to a message on stderr and an exit code.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use omendb_engine::{BatchError, KernelError, OpenError, StorageError};
use omendb_formats::FormatError;

/// How a run that was carried out ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All well.
    Done,
    /// It found something: damage, a missing id, recall below the goal.
    Found,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::Found => Self::from(1),
        }
    }
}

/// Why a run was not carried out. Messages name the file, the row and what was expected.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Asked for what makes no sense: exit 2.
    Usage(String),
    /// Refused input, or a medium that failed: exit 3.
    Refused(String),
}

impl Failure {
    /// Prints the message to stderr.
    pub(crate) fn report(self) -> ExitCode {
        let (message, code) = match self {
            Self::Usage(message) => (message, 2),
            Self::Refused(message) => (message, 3),
        };
        // If stderr is closed there is nobody to tell.
        let _ = writeln!(io::stderr(), "error: {message}");
        ExitCode::from(code)
    }

    /// An error about a file whose message does not name it.
    pub(crate) fn about(path: &Path, error: impl Display) -> Self {
        Self::Refused(format!("{}: {error}", path.display()))
    }

    /// Rows of `file` that a database would not take.
    pub(crate) fn batch(file: &Path, error: BatchError) -> Self {
        match error {
            BatchError::Storage(error) => error.into(),
            BatchError::IdExists { .. } => Self::about(file, format_args!("{error} (--upsert replaces its row)")),
            error => Self::about(file, error),
        }
    }

    /// A database that would not open.
    pub(crate) fn open(path: &Path, error: OpenError) -> Self {
        match error {
            OpenError::Storage(error @ StorageError::Corrupt { .. }) => {
                Self::Refused(format!("{error}; `omendb repair DB NEW` saves the rows that are whole"))
            }
            OpenError::Storage(error) => error.into(),
            OpenError::Kernel(error) => error.into(),
            OpenError::Option { name, found, expected } => {
                Self::Usage(format!("--{}: found {found}, expected {expected}", name.replace('_', "-")))
            }
            error => Self::about(path, error),
        }
    }
}

impl From<FormatError> for Failure {
    fn from(error: FormatError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        let message = error.to_string();
        Self::Refused(match error {
            StorageError::NotFound { .. } => {
                format!("{message}; `omendb build DB FILE` makes a database")
            }
            _ => message,
        })
    }
}

impl From<KernelError> for Failure {
    fn from(error: KernelError) -> Self {
        Self::Usage(error.to_string())
    }
}
