//! A step that runs in a process of its own, as an argument of the command line.

use super::medium::Medium;
use super::{Arguments, ask, build, commits};
use crate::Failure;
use std::fmt;
use std::path::PathBuf;

/// A step.
pub(super) enum Turn {
    /// Commits to databases in this folder, beside plain writes.
    Commits(PathBuf),
    /// The set in a new database.
    Build(Medium, PathBuf),
    /// The queries, with everything in memory.
    Resident(PathBuf),
    /// The queries at this width, with nothing in memory.
    Cold(PathBuf, usize),
}

impl Turn {
    /// Does the step; what it measured, as JSON.
    pub(super) fn run(self, arguments: &Arguments) -> Result<serde_json::Value, Failure> {
        Ok(match self {
            Self::Commits(folder) => serde_json::to_value(commits::run(&folder)?)?,
            Self::Build(medium, path) => serde_json::to_value(build::run(arguments, medium, &path)?)?,
            Self::Resident(path) => serde_json::to_value(ask::resident(arguments, &path)?)?,
            Self::Cold(path, width) => serde_json::to_value(ask::cold(arguments, &path, width)?)?,
        })
    }

    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let parts: Vec<&str> = text.splitn(4, ' ').collect();
        Ok(match parts[..] {
            ["commits", _, _, folder] => Self::Commits(folder.into()),
            ["build", medium, _, path] => Self::Build(Medium::parse(medium)?, path.into()),
            ["resident", _, _, path] => Self::Resident(path.into()),
            ["cold", _, width, path] => Self::Cold(path.into(), width.parse()?),
            _ => return Err(format!("unknown step '{text}'").into()),
        })
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commits(folder) => write!(f, "commits - - {}", folder.display()),
            Self::Build(medium, path) => write!(f, "build {medium} - {}", path.display()),
            Self::Resident(path) => write!(f, "resident - - {}", path.display()),
            Self::Cold(path, width) => write!(f, "cold - {width} {}", path.display()),
        }
    }
}
