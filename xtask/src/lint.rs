//! `cargo xtask lint`: checks that tests do not make, with warnings denied.

use crate::{Outcome, arrows, licences, shell, tree, words};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let Some(unknown) = arguments.first() {
        return Err(format!("takes no arguments; found '{unknown}'"));
    }
    shell::step(shell::cargo(&["fmt", "--all", "--check"]))?;
    shell::step(shell::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let mut doc = shell::cargo(&["doc", "--workspace", "--no-deps"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    shell::step(doc)?;
    arrows::run()?;
    tree::run()?;
    licences::run()?;
    words::run()
}
