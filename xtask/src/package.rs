//! `cargo xtask package`: every package that is published can be packaged.

use crate::{Outcome, shell};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let Some(unknown) = arguments.first() {
        return Err(format!("takes no arguments, and got '{unknown}'"));
    }
    // What was not committed is packaged too; what is compiled from the packages is what the tests compile.
    let arguments = ["package", "--workspace", "--exclude", "omendb-benches", "--exclude", "xtask"];
    shell::step(shell::cargo(&[&arguments[..], &["--no-verify", "--allow-dirty"]].concat()))
}
