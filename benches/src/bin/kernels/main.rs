//! `cargo run --release -p omendb-benches --bin kernels`: every kernel in every place, as a
//! share of what the machine allows, beside other libraries (`--features peers`), with the
//! error beside the speed.
#![forbid(unsafe_code)]

mod against;
mod bits;
mod cell;
mod clock;
mod report;
mod rows;
mod verdict;

use cell::{Cell, Settings};
use omendb_kernels::{ElementKind, Isa, Metric};
use rows::Place;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
usage: kernels [--metric l2|ip|cosine] [--type QUERYxROW | TYPE] [--dim N] [--place L1|L2|DRAM]
               [--isa NAME] [--passes N] [--rounds N] [--turn-us N] [--out FILE.md] [--svg FILE.svg]
               [--json FILE|-] [--join FILE.json]... [--against PROGRAM]
each filter may be given several times; without one, everything is measured (`--type bit` is
Hamming), 5 passes over all but what lies in DRAM, of which the least times count. --join
prints what earlier runs wrote with --json, and measures nothing; --against measures each cell in turn
with another build of this program, and prints the ratios";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), String> {
    let mut metrics = Vec::new();
    let mut kinds = Vec::new();
    let mut dims = Vec::new();
    let mut places = Vec::new();
    let mut isa = Isa::chosen().map_err(|e| e.to_string())?;
    let (mut passes, mut rounds, mut turn) = (5, 9, Duration::from_micros(700));
    let (mut out, mut svg, mut json, mut other) = (None, None, None, None);
    let (mut bits, mut joined) = (false, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or(format!("{flag} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{value} is no number"));
        match flag.as_str() {
            "--metric" => metrics.push(value.parse::<Metric>().map_err(|e| e.to_string())?),
            "--type" if value == "bit" => bits = true,
            "--type" => {
                let (query, row) = value.split_once('x').unwrap_or((&value, &value));
                let kind = |name: &str| name.parse::<ElementKind>().map_err(|e| e.to_string());
                kinds.push((kind(query)?, kind(row)?));
            }
            "--dim" => dims.push(number()? as usize),
            "--place" => places.push(
                Place::ALL
                    .into_iter()
                    .find(|p| p.name().eq_ignore_ascii_case(&value))
                    .ok_or(format!("unknown place {value}"))?,
            ),
            "--isa" => isa = value.parse::<Isa>().map_err(|e| e.to_string())?,
            "--passes" => passes = number()? as usize,
            "--rounds" => rounds = number()? as usize,
            "--turn-us" => turn = Duration::from_micros(number()?),
            "--out" => out = Some(PathBuf::from(value)),
            "--svg" => svg = Some(PathBuf::from(value)),
            "--json" => json = Some(value),
            "--join" => joined.push(PathBuf::from(value)),
            "--against" => other = Some(PathBuf::from(value)),
            _ => return Err(format!("unknown flag {flag}")),
        }
    }
    let settings = Settings { isa: isa.required().map_err(|e| e.to_string())?, passes: passes.max(1), rounds, turn };
    let mut subjects = Vec::new();
    for place in some(places, &Place::ALL) {
        let everything = kinds.is_empty() && !bits;
        for (query, row) in if everything { cell::TYPES.to_vec() } else { kinds.clone() } {
            for &dim in &some(dims.clone(), &DIMS) {
                for metric in some(metrics.clone(), &Metric::ALL) {
                    subjects.push(Subject { place, dim, rows: Some((metric, query, row)) });
                }
            }
        }
        // A gigabyte of bits tells nothing that one of bytes does not.
        if (bits || everything) && place != Place::Dram {
            subjects.extend(some(dims.clone(), &DIMS).into_iter().map(|dim| Subject { place, dim, rows: None }));
        }
    }
    if let Some(other) = other {
        return write(out, &against::run(&settings, &subjects, &other)?);
    }
    let mut cells = Vec::new();
    for file in &joined {
        cells.extend(Cell::read(file)?);
    }
    if joined.is_empty() {
        cells = in_passes(&settings, &subjects)?;
    }
    match json.as_deref() {
        Some("-") => return write(None, &report::json(&cells)),
        Some(path) => write(Some(path.into()), &report::json(&cells))?,
        None => {}
    }
    write(out, &format!("{}\n{}", verdict::markdown(&cells), report::markdown(&settings, &cells)))?;
    if let Some(path) = svg {
        report::svg(&path, &cells)?;
    }
    Ok(())
}

/// Every subject, pass after pass: what shares this core disturbs it for seconds on end, longer
/// than a cell takes, and rarely the same cell again in the next pass.
fn in_passes(settings: &Settings, subjects: &[Subject]) -> Result<Vec<Cell>, String> {
    let mut cells: Vec<Cell> = Vec::new();
    for pass in 0..settings.passes {
        for (at, subject) in subjects.iter().enumerate().filter(|(_, subject)| pass < subject.passes(settings)) {
            let cell = subject.measure(settings)?;
            eprintln!("{}", report::line(&cell));
            if pass == 0 {
                cells.push(cell);
            } else {
                cells[at].keep_least(&cell);
            }
        }
    }
    Ok(cells)
}

const DIMS: [usize; 6] = [100, 128, 384, 768, 960, 1536];

/// What a cell is of; bits have one metric.
pub(crate) struct Subject {
    place: Place,
    dim: usize,
    rows: Option<(Metric, ElementKind, ElementKind)>,
}

impl Subject {
    /// Once from memory: making its gigabyte takes longer than all passes over a cache's rows.
    fn passes(&self, settings: &Settings) -> usize {
        if self.place == Place::Dram { 1 } else { settings.passes }
    }

    fn measure(&self, settings: &Settings) -> Result<Cell, String> {
        match self.rows {
            Some((metric, query, row)) => cell::measure(settings, self.place, metric, query, row, self.dim),
            None => bits::measure(settings, self.place, self.dim),
        }
    }

    /// The arguments that make this program measure it alone.
    fn arguments(&self) -> Vec<String> {
        let (place, dim) = (self.place.name().to_owned(), self.dim.to_string());
        let mut list = vec!["--place".to_owned(), place, "--dim".to_owned(), dim, "--type".to_owned()];
        match self.rows {
            Some((metric, query, row)) => {
                list.extend([format!("{query}x{row}"), "--metric".to_owned(), metric.to_string()]);
            }
            None => list.push("bit".to_owned()),
        }
        list
    }
}

fn write(path: Option<PathBuf>, text: &str) -> Result<(), String> {
    match path {
        Some(path) => std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display())),
        None => {
            print!("{text}");
            Ok(())
        }
    }
}

fn some<T: Clone>(chosen: Vec<T>, all: &[T]) -> Vec<T> {
    if chosen.is_empty() { all.to_vec() } else { chosen }
}
