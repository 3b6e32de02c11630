//! `cargo xtask test`: the README's test command. Finds or installs what is needed, then runs every
//! suite: the workspace in the optimized dev profile, with all assertions on; then the suites that need
//! RocksDB in the release profile, the one profile that RocksDB is ever compiled in.

use crate::{Outcome, needs, shell};

/// Packages whose suites are run once more with the cargo feature `rocksdb`.
const WITH_ROCKSDB: &[&str] = &["omendb-storage", "omendb-engine", "omendb-cli", "omendb-benches"];

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let Some(unknown) = arguments.first() {
        return Err(format!("takes no arguments, and got '{unknown}'"));
    }
    eprintln!("built files: {}", shell::target_dir().display());
    needs::libclang()?;
    let nextest = needs::nextest();

    suite(nextest, &["--workspace"])?;
    shell::step(shell::cargo(&["test", "--workspace", "--doc", "--quiet"]))?;

    let mut which = vec!["--release", "--features", "rocksdb"];
    WITH_ROCKSDB.iter().for_each(|package| which.extend(["--package", package]));
    eprintln!(
        "\nRocksDB's suites follow. The first time on a machine RocksDB is compiled from source, which \
         takes 17 to 24 minutes on two cores; after that it is found among the built files."
    );
    suite(nextest, &which)
}

/// All tests but documentation's, which nextest cannot run, under the runner that is there.
fn suite(nextest: bool, which: &[&str]) -> Outcome {
    let runner: &[&str] = if nextest {
        &["nextest", "run", "--no-fail-fast", "--no-tests=pass"]
    } else {
        // Without documentation's, and without benchmarks, as under the other.
        &["test", "--no-fail-fast", "--lib", "--bins", "--tests", "--examples"]
    };
    // The same generated input each time; `cargo xtask fuzz` is for new ones.
    shell::step_with(shell::cargo(&[runner, which].concat()), &[("PROPTEST_RNG_SEED", "1")])
}
