//! `cargo xtask native [ARGUMENTS]`: compares the kernels of a plain build with those of a build for this processor, cell by
//! cell. The arguments are those of the kernels' run.

use crate::{Outcome, shell};
use std::process::Command;

/// With peers, to compare their builds too.
const BUILD: [&str; 8] = ["build", "--release", "-p", "omendb-benches", "--bin", "kernels", "--features", "peers"];

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let (plain, native) = (shell::target_dir(), shell::target_dir().join("native"));
    let mut build = shell::cargo(&BUILD);
    for flags in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS"] {
        build.env_remove(flags);
    }
    shell::step(build)?;
    let mut build = shell::cargo(&BUILD);
    build.env("CARGO_TARGET_DIR", &native).env("RUSTFLAGS", "-C target-cpu=native");
    shell::step(build)?;
    let program = |target: std::path::PathBuf| target.join("release").join("kernels");
    let mut compare = Command::new(program(plain));
    // Only rows in caches: rows in memory wait for memory in any build.
    compare.args(["--place", "L1", "--place", "L2", "--against"]).arg(program(native)).args(arguments);
    shell::step(compare)
}
