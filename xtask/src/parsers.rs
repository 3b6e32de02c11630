//! The targets of `fuzz/` under libFuzzer, one after the other, by the stable toolchain: it has the
//! flags that count what code an input reaches, and lacks the address sanitizer's, which `cargo fuzz`
//! adds where there is a nightly one.

use crate::{Outcome, shell, workspace};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What `cargo fuzz` sets too, its sanitizer apart.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";
/// Where files are in memory, if the system has such a place: targets write one for every input.
const IN_MEMORY: &str = "/dev/shm";

/// Runs each target for its share of the time. Inputs worth keeping stay among the built files, for the
/// next run to begin with.
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

/// The triple of this machine: with it said, what runs while compiling is not counted too.
fn host() -> Result<String, String> {
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV").output();
    let text = output.map_err(|error| format!("`rustc -vV` could not be started: {error}"))?.stdout;
    let host = String::from_utf8_lossy(&text).lines().find_map(|line| line.strip_prefix("host: ").map(str::to_owned));
    host.ok_or_else(|| "`rustc -vV` names no host".into())
}
