//! Runs the targets of `fuzz/` under libFuzzer with the stable toolchain. It has the flags for coverage, but not the address
//! sanitizer, which `cargo fuzz` adds with a nightly toolchain.

use crate::{Outcome, shell, workspace};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The flags of `cargo fuzz`, without its sanitizer.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";
/// A file system in memory, if the system has one: targets write a file for every input.
const IN_MEMORY: &str = "/dev/shm";

/// Runs each target for its share of the time. Useful inputs stay among the build files, and the next run begins with them.
pub(crate) fn run(limit: Duration) -> Outcome {
    let (host, built) = (host()?, shell::target_dir().join("fuzz"));
    let targets = targets(&workspace::root().join("fuzz/targets"))?;
    let build =
        shell::cargo(&["build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target", &host]);
    shell::step_with(build, &[("CARGO_TARGET_DIR", &built.to_string_lossy()), ("RUSTFLAGS", COVERAGE)])?;
    let seconds = (limit.as_secs() / targets.len() as u64).max(1);
    for target in &targets {
        let (corpus, found) = (built.join("corpus").join(target), built.join("found").join(target));
        for folder in [&corpus, &found] {
            std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let mut run = Command::new(built.join(&host).join("release").join(target));
        run.arg(&corpus).arg(format!("-artifact_prefix={}/", found.display()));
        run.arg(format!("-max_total_time={seconds}")).args(["-timeout=20", "-verbosity=0", "-print_final_stats=1"]);
        run.env("OMENDB_FUZZ_CORPUS", &corpus);
        if Path::new(IN_MEMORY).is_dir() {
            run.env("TMPDIR", IN_MEMORY);
        }
        shell::step(run)?;
    }
    Ok(())
}

/// The names of the targets.
fn targets(folder: &Path) -> Result<Vec<String>, String> {
    let failed = |error| format!("{}: {error}", folder.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// The target triple of this machine. If it is given, build scripts are not instrumented.
fn host() -> Result<String, String> {
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV").output();
    let text = output.map_err(|error| format!("cannot start `rustc -vV`: {error}"))?.stdout;
    let host = String::from_utf8_lossy(&text).lines().find_map(|line| line.strip_prefix("host: ").map(str::to_owned));
    host.ok_or_else(|| "`rustc -vV` names no host".into())
}
