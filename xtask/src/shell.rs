//! One step of a command: shown, run in the workspace's folder, timed, and its failure named.

use crate::{Outcome, workspace};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// `cargo` as the one that started us, with the target folder of [`target_dir`].
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(workspace::root());
    command.env("CARGO_TARGET_DIR", target_dir());
    command
}

/// Where built files go: outside the clone, so that they outlive it.
pub(crate) fn target_dir() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("CARGO_TARGET_DIR")
        .or_else(|| set("OMENDB_TARGET_DIR"))
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("omendb/target")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/omendb/target")))
        .unwrap_or_else(|| workspace::root().join("target"))
}

/// Runs a step and says what it was, how long it took, and, if it failed, with what.
pub(crate) fn step(mut command: Command) -> Outcome {
    let shown = shown(&command);
    eprintln!("\n> {shown}");
    let start = Instant::now();
    let status = command.status().map_err(|error| format!("`{shown}` could not be started: {error}"))?;
    if !status.success() {
        return Err(format!("`{shown}` failed ({status})"));
    }
    eprintln!("> done in {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// [`step`] with variables, shown as a shell would take them.
pub(crate) fn step_with(mut command: Command, variables: &[(&str, &str)]) -> Outcome {
    for (name, value) in variables {
        eprintln!("> with {name}={value}");
        command.env(name, value);
    }
    step(command)
}

/// Whether a program starts and answers with success; its output is not shown.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

fn shown(command: &Command) -> String {
    let name = std::path::Path::new(command.get_program()).file_name();
    let mut words = vec![name.unwrap_or_default().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
