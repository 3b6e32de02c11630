//! This build against another one of the same source, cell by cell and in turn: what a plain
//! build is worth beside one for this very processor. Both measure each cell in a process of its own: in
//! one that had measured others before, rows and distances lay worse to each other, which took up to a
//! sixth of the shortest.

use crate::Subject;
use crate::cell::{Cell, Settings};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// The shapes that are compared.
const SHAPES: [&str; 4] = ["pair", "gathered", "ahead", "scan"];
/// This build is to reach so much of the other one's speed.
const GOAL: f64 = 0.95;
/// Least nanoseconds of each shape, here and there; infinite for what there is not.
type Best = [[f64; 2]; SHAPES.len()];

pub(crate) fn run(settings: &Settings, subjects: &[Subject], other: &Path) -> Result<String, String> {
    let here = std::env::current_exe().map_err(|e| format!("the path of this program: {e}"))?;
    let mut cells = vec![(String::new(), [[f64::INFINITY; 2]; SHAPES.len()]); subjects.len()];
    for _ in 0..settings.passes {
        for (subject, (label, best)) in subjects.iter().zip(&mut cells) {
            for (side, program) in [&here, other].into_iter().enumerate() {
                let cell = measured_by(program, settings, subject)?;
                *label = cell.label();
                for (shape, best) in SHAPES.iter().zip(best.iter_mut()) {
                    best[side] = best[side].min(cell.ns(shape).unwrap_or(f64::INFINITY));
                }
            }
            eprintln!("{}", line(label, best));
        }
    }
    let mut lines = String::new();
    let (mut all, mut below, mut least) = (0, Vec::new(), (f64::INFINITY, String::new()));
    for (label, best) in &cells {
        writeln!(lines, "{}", line(label, best)).ok();
        for (shape, ratio) in SHAPES.iter().zip(ratios(best)) {
            let Some(ratio) = ratio else { continue };
            all += 1;
            if ratio < GOAL {
                below.push(format!("{label} {shape} ({:.0} %)", 100.0 * ratio));
            }
            if ratio < least.0 {
                least = (ratio, format!("{label} {shape}"));
            }
        }
    }
    let mut out = format!(
        "Instruction set: {}. Nanoseconds a distance of the other build / of this one = this one's share of the \
         other's speed, the best of {} passes.\n\n",
        settings.isa, settings.passes
    );
    writeln!(
        out,
        "* At least {:.0} %: {} of {all}. The least is {:.0} %, {}.",
        100.0 * GOAL,
        all - below.len(),
        100.0 * least.0,
        least.1
    )
    .ok();
    if !below.is_empty() {
        writeln!(out, "* Below: {}.", below.join(", ")).ok();
    }
    write!(out, "\n| cell | {} |\n|---|{}\n{lines}", SHAPES.join(" | "), "---|".repeat(SHAPES.len())).ok();
    Ok(out)
}

/// A row of the table.
fn line(label: &str, best: &Best) -> String {
    let mut line = format!("| {label} |");
    for (best, ratio) in best.iter().zip(ratios(best)) {
        match ratio {
            Some(ratio) => write!(line, " {:.2} / {:.2} = {:.0} % |", best[1], best[0], 100.0 * ratio),
            None => write!(line, " – |"),
        }
        .ok();
    }
    line
}

/// This build's share of the other's speed, a shape.
fn ratios(best: &Best) -> [Option<f64>; SHAPES.len()] {
    best.map(|[here, there]| (here.is_finite() && there.is_finite()).then(|| there / here))
}

/// A cell, measured by a build of this program.
fn measured_by(program: &Path, settings: &Settings, subject: &Subject) -> Result<Cell, String> {
    let failed = |e: &dyn std::fmt::Display| format!("{}: {e}", program.display());
    let output = Command::new(program)
        .args(subject.arguments())
        .args(["--isa", settings.isa.name(), "--rounds", &settings.rounds.to_string()])
        .args(["--turn-us", &settings.turn.as_micros().to_string(), "--passes", "1", "--json", "-"])
        .output()
        .map_err(|e| failed(&e))?;
    if !output.status.success() {
        return Err(failed(&String::from_utf8_lossy(&output.stderr)));
    }
    let cells: Vec<Cell> = serde_json::from_slice(&output.stdout).map_err(|e| failed(&e))?;
    cells.into_iter().next().ok_or_else(|| failed(&"measured nothing"))
}
