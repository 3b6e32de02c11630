//! The baseline: figures for all machines, and speeds of each measured processor.

use super::case::{Figures, Outcome};
use super::fault::fault;
use crate::{Failure, machine};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The baseline file.
#[derive(Serialize, Deserialize, Default)]
pub(crate) struct Baseline {
    /// By case: the same for every machine and thread count.
    pub(crate) figures: BTreeMap<String, Portable>,
    /// By processor, by case.
    pub(crate) speeds: BTreeMap<String, BTreeMap<String, Speeds>>,
}

/// The figures that depend on the code alone.
#[derive(Serialize, Deserialize, Clone, Copy)]
pub(crate) struct Portable {
    pub(crate) recall: f64,
    pub(crate) distances: f64,
    pub(crate) peak_bytes: f64,
    pub(crate) disk_bytes: f64,
}

/// Ratios to the calibration loop, and how far they spread when nothing changes (0.05: 5 %).
#[derive(Serialize, Deserialize, Clone, Copy)]
pub(crate) struct Speeds {
    pub(crate) build_ratio: f64,
    pub(crate) build_noise: f64,
    pub(crate) search_ratio: f64,
    pub(crate) search_noise: f64,
}

impl Baseline {
    /// Reads it. A file that is not there is an empty baseline to a run that makes it, else an error:
    /// nothing would be judged.
    pub(crate) fn read(path: &Path, makes_it: bool) -> Result<Self, Failure> {
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", path.display()).into()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => match makes_it {
                true => Ok(Self::default()),
                false => Err(format!("{}: baseline not found; `--aa 3 --save` makes it", path.display()).into()),
            },
            Err(error) => Err(format!("{}: {error}", path.display()).into()),
        }
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    /// Speeds of a case on this processor.
    pub(crate) fn speeds(&self, case: &str) -> Option<Speeds> {
        self.speeds.get(&machine::processor())?.get(case).copied()
    }

    /// Takes these rounds of the same build as good: the middle of each speed, and its spread as noise.
    /// A build with a fault is not taken, and the fault is returned.
    pub(crate) fn record(&mut self, rounds: &[Vec<Outcome>]) -> Result<(), String> {
        if let Some(fault) = rounds.iter().flatten().find_map(fault) {
            return Err(fault);
        }
        let speeds = self.speeds.entry(machine::processor()).or_default();
        for (place, outcome) in rounds[0].iter().enumerate() {
            let all: Vec<Figures> = rounds.iter().filter_map(|round| round[place].figures()).collect();
            let (build_ratio, build_noise) = middle(&all, |figures| figures.build_ratio);
            let (search_ratio, search_noise) = middle(&all, |figures| figures.search_ratio);
            speeds.insert(outcome.case.clone(), Speeds { build_ratio, build_noise, search_ratio, search_noise });
            let portable = Portable {
                recall: middle(&all, |figures| figures.recall).0,
                distances: middle(&all, |figures| figures.distances).0,
                peak_bytes: middle(&all, |figures| figures.peak_bytes).0,
                disk_bytes: middle(&all, |figures| figures.disk_bytes).0,
            };
            self.figures.insert(outcome.case.clone(), portable);
        }
        Ok(())
    }
}

/// The median of a figure, and how far the lowest lies below it, relative to it.
pub(crate) fn middle(all: &[Figures], figure: impl Fn(&Figures) -> f64) -> (f64, f64) {
    let mut values: Vec<f64> = all.iter().map(figure).collect();
    values.sort_unstable_by(f64::total_cmp);
    let median = values[values.len() / 2];
    let below = if median > 0.0 { 1.0 - values[0] / median } else { 0.0 };
    (median, below)
}
