//! `cargo xtask package`: checks that every published package can be packaged.

use crate::{Outcome, shell};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let Some(unknown) = arguments.first() {
        return Err(format!("takes no arguments; found '{unknown}'"));
    }
    // Uncommitted files are packaged too. The packages are not compiled: the tests compile the same files.
    let arguments = ["package", "--workspace", "--exclude", "omendb-benches", "--exclude", "xtask"];
    shell::step(shell::cargo(&[&arguments[..], &["--no-verify", "--allow-dirty"]].concat()))
}
