//! The history of runs, as JSON lines and as a plot.

use super::case::{Measured, Outcome};
use crate::{Failure, machine, origin};
use plotters::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// One run, one line.
#[derive(Serialize, Deserialize)]
struct Line {
    /// Seconds since 1970.
    time: u64,
    processor: String,
    /// The commit, where git knows it.
    commit: Option<String>,
    outcomes: Vec<Outcome>,
}

/// Outside the clone, so that running dirties nothing: $XDG_STATE_HOME, else ~/.local/state.
pub(crate) fn default_file() -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    state.or_else(home).unwrap_or_default().join("omendb/regression.jsonl")
}

/// Adds a run to the file, which is made where it is missing.
pub(crate) fn append(path: &Path, outcomes: &[Outcome]) -> Result<(), Failure> {
    let line = serde_json::json!({
        "time": SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        "processor": machine::processor(),
        "commit": origin::commit(),
        "outcomes": outcomes,
    });
    let write = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
        writeln!(file, "{line}")
    };
    write().map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Draws two panels, building and searching: the ratio to the calibration loop, run by run, a line a case.
pub(crate) fn plot(path: &Path, target: &Path) -> Result<(), Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line: Line =
            serde_json::from_str(line).map_err(|error| format!("{}: line {}: {error}", path.display(), number + 1))?;
        if line.processor == machine::processor() {
            lines.push(line);
        }
    }
    if lines.is_empty() {
        return Err(format!("{}: no run of this processor", path.display()).into());
    }
    let mut build: BTreeMap<&str, Vec<(usize, f64)>> = BTreeMap::new();
    let mut search: BTreeMap<&str, Vec<(usize, f64)>> = BTreeMap::new();
    for (run, line) in lines.iter().enumerate() {
        for outcome in &line.outcomes {
            if let Measured::Figures(figures) = &outcome.result {
                build.entry(&outcome.case).or_default().push((run, figures.build_ratio));
                search.entry(&outcome.case).or_default().push((run, figures.search_ratio));
            }
        }
    }
    let area = SVGBackend::new(target, (1100, 900)).into_drawing_area();
    area.fill(&WHITE)?;
    let panels = area.split_evenly((2, 1));
    panel(&panels[0], "building, beside the calibration loop (higher is faster)", &build, lines.len())?;
    panel(&panels[1], "searching, beside the calibration loop (higher is faster)", &search, lines.len())?;
    area.present()?;
    Ok(())
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn panel(area: &Area<'_>, title: &str, series: &BTreeMap<&str, Vec<(usize, f64)>>, runs: usize) -> Result<(), Failure> {
    let values = || series.values().flatten().map(|(_, value)| *value);
    let low = values().fold(f64::INFINITY, f64::min) * 0.8;
    let high = values().fold(f64::MIN_POSITIVE, f64::max) * 1.25;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(70)
        .right_y_label_area_size(170)
        .build_cartesian_2d(0usize..runs, (low..high).log_scale())
        .map_err(|error| error.to_string())?;
    let number = |value: &f64| format!("{value:.1e}");
    chart.configure_mesh().x_desc("run").y_label_formatter(&number).draw().map_err(|error| error.to_string())?;
    for (index, (case, points)) in series.iter().enumerate() {
        let color = Palette99::pick(index).to_rgba();
        chart
            .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)).point_size(3))
            .map_err(|error| error.to_string())?
            .label(*case)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 14, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .label_font(("sans-serif", 11))
        .draw()
        .map_err(|error| error.to_string())?;
    Ok(())
}
