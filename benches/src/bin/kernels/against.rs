//! Two sides of the same cells, in turn: this build and another one of the same source, to see what a
//! plain build is worth beside one for this very processor; or an instruction set and a better one. Both
//! measure each cell in a process of its own: in one that had measured others before, rows and distances lay
//! worse to each other, which took up to a sixth of the shortest.

use crate::Subject;
use crate::cell::{Cell, Settings};
use crate::report::COLUMNS;
use crate::verdict::PEERS;
use omendb_kernels::Isa;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What this build and instruction set are compared with.
pub(crate) struct Other {
    pub(crate) program: PathBuf,
    pub(crate) isa: Isa,
    /// They are to reach so much of its speed.
    pub(crate) goal: f64,
}

impl Other {
    /// Another build: one for this very processor is to gain nothing.
    pub(crate) fn build(program: &Path, isa: Isa) -> Self {
        Other { program: program.to_owned(), isa, goal: 0.95 }
    }

    /// Another instruction set, of twice the width: half of its speed, and what its instructions alone can do.
    pub(crate) fn instructions(isa: Isa) -> Result<Self, String> {
        Ok(Other { program: here()?, isa, goal: 0.45 })
    }
}

fn here() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|e| format!("the path of this program: {e}"))
}

/// Least nanoseconds of each shape and peer, here and there; infinite for what there is not.
type Best = [[f64; 2]; COLUMNS.len()];

pub(crate) fn run(settings: &Settings, subjects: &[Subject], other: &Other) -> Result<String, String> {
    let sides = [(here()?, settings.isa), (other.program.clone(), other.isa)];
    let mut cells = vec![(String::new(), [[f64::INFINITY; 2]; COLUMNS.len()]); subjects.len()];
    for _ in 0..settings.passes {
        for (subject, (label, best)) in subjects.iter().zip(&mut cells) {
            for (side, (program, isa)) in sides.iter().enumerate() {
                let cell = measured_by(program, *isa, settings, subject)?;
                *label = cell.label();
                for (shape, best) in COLUMNS.iter().zip(best.iter_mut()) {
                    best[side] = best[side].min(cell.ns(shape).unwrap_or(f64::INFINITY));
                }
            }
            eprintln!("{}", line(label, best));
        }
    }
    let mut lines = String::new();
    let (mut all, mut below, mut least, mut peers) = (0, Vec::new(), (f64::INFINITY, String::new()), Vec::new());
    for (label, best) in &cells {
        writeln!(lines, "{}", line(label, best)).ok();
        for (shape, ratio) in COLUMNS.iter().zip(ratios(best)) {
            let Some(ratio) = ratio else { continue };
            if PEERS.contains(shape) {
                peers.push(ratio);
                continue;
            }
            all += 1;
            if ratio < other.goal {
                below.push(format!("{label} {shape} ({:.0} %)", 100.0 * ratio));
            }
            if ratio < least.0 {
                least = (ratio, format!("{label} {shape}"));
            }
        }
    }
    let mut out = format!(
        "Nanoseconds a distance of {} / of {} = the latter's share of the former's speed, the best of {} passes.\n\n",
        if other.isa == settings.isa { "another build".to_owned() } else { other.isa.to_string() },
        settings.isa,
        settings.passes
    );
    writeln!(
        out,
        "* At least {:.0} %: {} of {all}. The least is {:.0} %, {}.",
        100.0 * other.goal,
        all - below.len(),
        100.0 * least.0,
        least.1
    )
    .ok();
    if !below.is_empty() {
        writeln!(out, "* Below: {}.", below.join(", ")).ok();
    }
    peers.sort_by(f64::total_cmp);
    if let [slowest, .., fastest] = peers[..] {
        let middle = 100.0 * peers[peers.len() / 2];
        let (slowest, fastest) = (100.0 * slowest, 100.0 * fastest);
        writeln!(
            out,
            "* Other libraries, {} cells: {slowest:.0} to {fastest:.0} %, half of them {middle:.0} at least.",
            peers.len()
        )
        .ok();
    }
    write!(out, "\n| cell | {} |\n|---|{}\n{lines}", COLUMNS.join(" | "), "---|".repeat(COLUMNS.len())).ok();
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
fn ratios(best: &Best) -> [Option<f64>; COLUMNS.len()] {
    best.map(|[here, there]| (here.is_finite() && there.is_finite()).then(|| there / here))
}

/// A cell, measured by a build of this program.
fn measured_by(program: &Path, isa: Isa, settings: &Settings, subject: &Subject) -> Result<Cell, String> {
    let failed = |e: &dyn std::fmt::Display| format!("{}: {e}", program.display());
    let output = Command::new(program)
        .args(subject.arguments())
        .args(["--isa", isa.name(), "--rounds", &settings.rounds.to_string()])
        .args(["--turn-us", &settings.turn.as_micros().to_string(), "--passes", "1", "--json", "-"])
        .output()
        .map_err(|e| failed(&e))?;
    if !output.status.success() {
        return Err(failed(&String::from_utf8_lossy(&output.stderr)));
    }
    let cells: Vec<Cell> = serde_json::from_slice(&output.stdout).map_err(|e| failed(&e))?;
    cells.into_iter().next().ok_or_else(|| failed(&"measured nothing"))
}
