//! `cargo xtask fuzz [MINUTES]`: runs the parsers under libFuzzer for half of the time, and the property suites with new seeds
//! for the other half. Then it runs the long crash suites.

use crate::{Outcome, parsers, shell};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The packages with property tests.
const WITH_PROPERTIES: &[&str] = &["omendb-engine", "omendb-graph", "omendb-storage", "omendb-formats"];

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let minutes: u64 = match arguments {
        [] => 10,
        [minutes] => minutes.parse().map_err(|_| format!("takes a number of minutes; found '{minutes}'"))?,
        _ => return Err("takes one number of minutes".into()),
    };
    let half = Duration::from_secs(30 * minutes);
    parsers::run(half)?;
    let start = Instant::now();
    let mut seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    while start.elapsed() < half {
        eprintln!("\nseed {seed}: PROPTEST_RNG_SEED={seed} repeats this round");
        let mut round = shell::cargo(&["test", "--tests", "--no-fail-fast"]);
        WITH_PROPERTIES.iter().for_each(|package| _ = round.args(["--package", package]));
        shell::step_with(round, &[("PROPTEST_RNG_SEED", &seed.to_string())])?;
        seed += 1;
    }
    let crashes = shell::cargo(&["test", "--package", "omendb-storage", "--test", "mapped"]);
    shell::step_with(crashes, &[("OMENDB_FAULT_SEEDS", "40"), ("OMENDB_KILLS", "200")])
}
