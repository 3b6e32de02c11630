//! The table, for people and as a picture.

use crate::cell::Cell;
use crate::verdict::ACCURATE;
use plotters::prelude::*;
use std::fmt::Write as _;
use std::path::Path;

/// Our shapes, then peers.
pub(crate) const COLUMNS: [&str; 9] =
    ["pair", "gathered", "by 8", "ahead", "picked", "scan", "simsimd", "numkong", "diskann"];

/// One line for the terminal while the run goes on.
pub(crate) fn line(cell: &Cell) -> String {
    let mut line = format!("{:28} limit {:7.2} ns", cell.label(), cell.limit_ns());
    for entry in &cell.entries {
        write!(line, "  {} {:.2}", entry.name, entry.ns).ok();
    }
    line
}

/// Every cell, for [`Cell::read`].
pub(crate) fn json(cells: &[Cell]) -> String {
    serde_json::to_string_pretty(cells).unwrap_or_default() + "\n"
}

/// Every cell: nanoseconds a distance, with the share of the machine's limit reached and the
/// largest error, both in what a reader can compare.
pub(crate) fn markdown(cells: &[Cell]) -> String {
    let mut out = String::new();
    let mut origins: Vec<&str> = cells.iter().map(|cell| cell.origin.as_str()).collect();
    origins.dedup();
    writeln!(
        out,
        "{}. Nanoseconds a distance (share of the limit; error × 2⁻²⁴ of the sum of the terms' sizes; one of the \
         rows lies close to the query). The limit is the slower of reading the rows of the same list and of \
         multiplying in registers, measured beside it. `gathered` takes 32 rows a call, `by 8` eight; `ahead` fetches \
         rows before their turn, and so does `picked`, which is told numbers. GB/s are those of `gathered` (codes and \
         bits: `ahead`).\n",
        origins.join("; ")
    )
    .ok();
    writeln!(out, "| cell | limit ns | GB/s | {} |", COLUMNS.join(" | ")).ok();
    writeln!(out, "|---|---|---|{}", "---|".repeat(COLUMNS.len())).ok();
    for cell in cells {
        let best = cell.ns("gathered").or(cell.ns("ahead")).unwrap_or(f64::NAN);
        write!(out, "| {} | {:.2} | {:.1} |", cell.label(), cell.limit_ns(), cell.row_bytes as f64 / best).ok();
        for column in COLUMNS {
            match cell.entries.iter().find(|e| e.name == column) {
                Some(entry) => write!(
                    out,
                    " {:.2} ({:.0} %; {}) |",
                    entry.ns,
                    100.0 * cell.limit_ns() / entry.ns,
                    entry.error.map_or("–".into(), |e| format!("{:.1}", e * f64::from(1 << 24)))
                ),
                None => write!(out, " – |"),
            }
            .ok();
        }
        writeln!(out).ok();
    }
    out
}

/// Dots: each cell's shapes and peers as multiples of its limit, what is not accurate as rings.
pub(crate) fn svg(path: &Path, cells: &[Cell]) -> Result<(), String> {
    let failed = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let height = 60 + 16 * cells.len() as u32;
    let area = SVGBackend::new(path, (1200, height)).into_drawing_area();
    area.fill(&WHITE).map_err(|e| failed(&e))?;
    let text = ("sans-serif", 11).into_font();
    let across = |ratio: f64| 260 + (ratio.clamp(0.0, 8.0) * 85.0) as i32;
    for mark in 0..=8 {
        let x = across(f64::from(mark));
        area.draw(&PathElement::new(vec![(x, 40), (x, height as i32)], BLACK.mix(0.15))).map_err(|e| failed(&e))?;
        area.draw(&Text::new(format!("{mark}×"), (x - 6, 26), text.clone())).map_err(|e| failed(&e))?;
    }
    for (column, name) in COLUMNS.iter().enumerate() {
        let x = 260 + 100 * column as i32;
        area.draw(&Circle::new((x, 14), 4, Palette99::pick(column).filled())).map_err(|e| failed(&e))?;
        area.draw(&Text::new(*name, (x + 8, 8), text.clone())).map_err(|e| failed(&e))?;
    }
    let legend = "○: errs by more than 2⁻¹⁶ of the sum of the terms' sizes";
    area.draw(&Text::new(legend, (6, 8), text.clone())).map_err(|e| failed(&e))?;
    for (i, cell) in cells.iter().enumerate() {
        let y = 52 + 16 * i as i32;
        area.draw(&Text::new(cell.label(), (6, y - 6), text.clone())).map_err(|e| failed(&e))?;
        for entry in &cell.entries {
            let column = COLUMNS.iter().position(|c| *c == entry.name).unwrap_or(0);
            let x = across(entry.ns / cell.limit_ns());
            let colour = Palette99::pick(column);
            let accurate = entry.error.is_none_or(|error| error <= ACCURATE);
            let style = if accurate { colour.filled() } else { colour.stroke_width(2) };
            area.draw(&Circle::new((x, y), 4, style)).map_err(|e| failed(&e))?;
        }
    }
    area.present().map_err(|e| failed(&e))
}
