//! `cargo xtask test`: finds or installs the requirements, then runs all suites. The workspace runs in the optimized dev
//! profile, with all assertions. The suites that need RocksDB run in the release profile, so that RocksDB is compiled once.

use crate::{Outcome, needs, shell};

/// The packages whose suites run again with the cargo feature `rocksdb`.
const WITH_ROCKSDB: &[&str] = &["omendb-storage", "omendb-engine", "omendb-cli", "omendb-benches"];

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let Some(unknown) = arguments.first() {
        return Err(format!("takes no arguments; found '{unknown}'"));
    }
    eprintln!("build files: {}", shell::target_dir().display());
    needs::libclang()?;
    let nextest = needs::nextest();

    suite(nextest, &["--workspace"])?;
    shell::step(shell::cargo(&["test", "--workspace", "--doc", "--quiet"]))?;

    let mut which = vec!["--release", "--features", "rocksdb"];
    WITH_ROCKSDB.iter().for_each(|package| which.extend(["--package", package]));
    eprintln!(
        "\nThe RocksDB suites follow. The first run on a machine compiles RocksDB from source, which takes 17 to 24 \
         minutes on two cores."
    );
    suite(nextest, &which)
}

/// Runs all tests except documentation tests, which nextest cannot run.
fn suite(nextest: bool, which: &[&str]) -> Outcome {
    let runner: &[&str] = if nextest {
        &["nextest", "run", "--no-fail-fast", "--no-tests=pass"]
    } else {
        // Without documentation tests and benchmarks, as under nextest.
        &["test", "--no-fail-fast", "--lib", "--bins", "--tests", "--examples"]
    };
    // The same generated input each time; `cargo xtask fuzz` generates new input.
    shell::step_with(shell::cargo(&[runner, which].concat()), &[("PROPTEST_RNG_SEED", "1")])
}
