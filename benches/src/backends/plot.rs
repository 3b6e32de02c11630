//! The plot: searches by backend, and commits by the length of a row.

use super::report::Report;
use crate::Failure;
use plotters::prelude::*;
use std::path::Path;

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

pub(super) fn draw(report: &Report, path: &Path) -> Result<(), Failure> {
    let area = SVGBackend::new(path, (1100, 480)).into_drawing_area();
    area.fill(&WHITE)?;
    let panels = area.split_evenly((1, 2));
    searches(&panels[0], report).map_err(|error| error.to_string())?;
    commits(&panels[1], report).map_err(|error| error.to_string())?;
    area.present()?;
    Ok(())
}

/// Queries a second, a pair of bars a backend.
fn searches(area: &Area<'_>, report: &Report) -> Result<(), Failure> {
    let names: Vec<&str> = report.backends.iter().map(|row| row.backend).collect();
    let most = report.backends.iter().map(|row| row.resident.qps).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption("queries/s at recall 0.95", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..names.len() as f64, 0.0..most * 1.25)?;
    let name = |at: &f64| if at.fract() == 0.5 { names.get(*at as usize).copied().unwrap_or("") } else { "" }.into();
    let count = |value: &f64| format!("{value:.0}");
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(2 * names.len() + 1)
        .x_label_formatter(&name)
        .y_label_formatter(&count)
        .draw()?;
    let kinds = [("in memory", 0.15), ("page cache dropped", 0.5)];
    for (index, (kind, left)) in kinds.into_iter().enumerate() {
        let color = Palette99::pick(index).to_rgba();
        let bars = report.backends.iter().enumerate().filter_map(|(place, row)| {
            let asked = if index == 0 { Some(&row.resident) } else { row.cold.as_ref() };
            let at = place as f64 + left;
            asked.map(|asked| Rectangle::new([(at, 0.0), (at + 0.35, asked.qps)], color.filled()))
        });
        chart
            .draw_series(bars)?
            .label(kind)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 14, y + 5)], color.filled()));
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperRight).background_style(WHITE).draw()?;
    Ok(())
}

/// Median latency of small commits, a line a way.
fn commits(area: &Area<'_>, report: &Report) -> Result<(), Failure> {
    let small = &report.commits.small;
    let mut ways: Vec<&str> = Vec::new();
    for one in small {
        if !ways.contains(&&*one.way) {
            ways.push(&one.way);
        }
    }
    let lengths = || small.iter().map(|small| small.row_bytes as f64);
    let took = || small.iter().map(|small| small.p50_us);
    let x = lengths().fold(f64::INFINITY, f64::min) * 0.8..lengths().fold(1.0, f64::max) * 1.25;
    let y = took().fold(f64::INFINITY, f64::min) * 0.7..took().fold(1.0, f64::max) * 2.5;
    let mut chart = ChartBuilder::on(area)
        .caption("commits of 100 rows, median µs", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(x.log_scale().base(2.0), y.log_scale())?;
    let count = |value: &f64| format!("{value:.0}");
    chart.configure_mesh().x_desc("bytes a row").x_label_formatter(&count).y_label_formatter(&count).draw()?;
    for (index, way) in ways.iter().enumerate() {
        let color = Palette99::pick(index).to_rgba();
        let points =
            small.iter().filter(|small| small.way == **way).map(|small| (small.row_bytes as f64, small.p50_us));
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)).point_size(3))?
            .label(*way)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 14, y)], color.stroke_width(2)));
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).background_style(WHITE).draw()?;
    Ok(())
}
