//! Errors as a message on stderr and an exit code.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use omendb_engine::{BatchError, KernelError, OpenError, StorageError};
use omendb_formats::FormatError;

/// The outcome of a completed run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Success.
    Done,
    /// A negative result: damage, a missing id, recall below the goal.
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

/// The error of a run. Messages name the file, the row, and the found and expected value.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong usage: exit code 2.
    Usage(String),
    /// Refused input, or an error of the system: exit code 3.
    Refused(String),
}

impl Failure {
    /// Prints the message to stderr.
    pub(crate) fn report(self) -> ExitCode {
        let (message, code) = match self {
            Self::Usage(message) => (message, 2),
            Self::Refused(message) => (message, 3),
        };
        // A closed stderr is ignored.
        let _ = writeln!(io::stderr(), "error: {message}");
        ExitCode::from(code)
    }

    /// An error of a file whose message does not name it.
    pub(crate) fn about(path: &Path, error: impl Display) -> Self {
        Self::Refused(format!("{}: {error}", path.display()))
    }

    /// A database refused rows of `file`.
    pub(crate) fn batch(file: &Path, error: BatchError) -> Self {
        match error {
            BatchError::Storage(error) => error.into(),
            BatchError::IdExists { .. } => Self::about(file, format_args!("{error} (--upsert replaces the row)")),
            error => Self::about(file, error),
        }
    }

    /// A database cannot be opened.
    pub(crate) fn open(path: &Path, error: OpenError) -> Self {
        match error {
            OpenError::Storage(error @ StorageError::Corrupt { .. }) => {
                Self::Refused(format!("{error}; `omendb repair DB NEW` copies the intact rows"))
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
