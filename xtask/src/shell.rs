//! The steps of a command: each is printed, run in the workspace's folder and timed.

use crate::{Outcome, workspace};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// The `cargo` that started this program, with the target folder of [`target_dir`].
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(workspace::root());
    command.env("CARGO_TARGET_DIR", target_dir());
    command
}

/// The folder of build files. It is outside the clone, so that they outlive it.
pub(crate) fn target_dir() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("CARGO_TARGET_DIR")
        .or_else(|| set("OMENDB_TARGET_DIR"))
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("omendb/target")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/omendb/target")))
        .unwrap_or_else(|| workspace::root().join("target"))
}

/// Prints and runs a step, and prints its time or returns its error.
pub(crate) fn step(mut command: Command) -> Outcome {
    let shown = shown(&command);
    eprintln!("\n> {shown}");
    let start = Instant::now();
    let status = command.status().map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    if !status.success() {
        return Err(format!("`{shown}` failed ({status})"));
    }
    eprintln!("> done in {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// [`step`] with environment variables, which are printed too.
pub(crate) fn step_with(mut command: Command, variables: &[(&str, &str)]) -> Outcome {
    for (name, value) in variables {
        eprintln!("> with {name}={value}");
        command.env(name, value);
    }
    step(command)
}

/// Whether a program runs with success. Its output is not shown.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

fn shown(command: &Command) -> String {
    let name = std::path::Path::new(command.get_program()).file_name();
    let mut words = vec![name.unwrap_or_default().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
