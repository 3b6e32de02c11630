//! Inputs to begin with, made by the targets themselves when they start.

use std::path::PathBuf;

/// Writes the seeds into the folder that `OMENDB_FUZZ_CORPUS` names, if it names one.
///
/// # Panics
/// If they cannot be written there.
pub fn plant(seeds: impl IntoIterator<Item = Vec<u8>>) {
    let Some(folder) = std::env::var_os("OMENDB_FUZZ_CORPUS").map(PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).expect("the corpus can be made");
    for (number, seed) in seeds.into_iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number}")), seed).expect("a seed can be written");
    }
}
