//! The files of a report: Markdown, JSON and a plot.

use super::plot;
use super::report::Report;
use crate::Failure;
use std::path::Path;

/// Writes them to the folder `out`.
pub(super) fn keep(report: &Report, out: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(out)?;
    std::fs::write(out.join("backends.md"), report.markdown())?;
    std::fs::write(out.join("backends.json"), serde_json::to_string_pretty(report)? + "\n")?;
    plot::draw(report, &out.join("backends.svg"))
}
