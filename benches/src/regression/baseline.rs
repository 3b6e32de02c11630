//! What was good: figures that hold on every machine, and speeds of each processor that was measured.

use super::case::{Figures, Measured, Outcome};
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

/// What depends on the code alone.
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
    /// Reads it; a file that is not there is an empty baseline.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", path.display()).into()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
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

    pub(crate) fn knows_this_processor(&self) -> bool {
        self.speeds.contains_key(&machine::processor())
    }

    /// Takes these rounds of the same build as good: the middle of each speed, and its spread as noise.
    pub(crate) fn record(&mut self, rounds: &[Vec<Outcome>]) -> Result<(), Failure> {
        let speeds = self.speeds.entry(machine::processor()).or_default();
        for (place, outcome) in rounds[0].iter().enumerate() {
            let mut all = Vec::new();
            for round in rounds {
                match &round[place].result {
                    Measured::Figures(figures) => all.push(*figures),
                    Measured::Broken(why) => return Err(format!("{} is broken: {why}", outcome.case).into()),
                }
            }
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
