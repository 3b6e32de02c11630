//! `cargo run --release -p omendb-benches --bin kernels`: every kernel in every place, as a
//! share of what the machine allows, beside other libraries (`--features peers`), with the
//! error beside the speed.
#![forbid(unsafe_code)]

mod cell;
mod clock;
mod report;
mod rows;

use cell::Settings;
use omendb_kernels::{ElementKind, Isa, Metric};
use rows::Place;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
usage: kernels [--metric l2|ip|cosine] [--type QUERYxROW | TYPE] [--dim N] [--place L1|L2|DRAM]
               [--isa NAME] [--rounds N] [--turn-us N] [--out FILE.md] [--svg FILE.svg]
each filter may be given several times; without one, everything is measured";

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
    let (mut rounds, mut turn) = (9, Duration::from_micros(700));
    let (mut out, mut svg) = (None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or(format!("{flag} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{value} is no number"));
        match flag.as_str() {
            "--metric" => metrics.push(value.parse::<Metric>().map_err(|e| e.to_string())?),
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
            "--rounds" => rounds = number()? as usize,
            "--turn-us" => turn = Duration::from_micros(number()?),
            "--out" => out = Some(PathBuf::from(value)),
            "--svg" => svg = Some(PathBuf::from(value)),
            _ => return Err(format!("unknown flag {flag}")),
        }
    }
    let settings = Settings { isa: isa.required().map_err(|e| e.to_string())?, rounds, turn };
    let mut cells = Vec::new();
    for place in some(places, &Place::ALL) {
        for &(query, row) in &some(kinds.clone(), &cell::TYPES) {
            for &dim in &some(dims.clone(), &[100, 128, 384, 768, 960, 1536]) {
                for &metric in &some(metrics.clone(), &Metric::ALL) {
                    let cell = cell::measure(&settings, place, metric, query, row, dim)?;
                    eprintln!("{}", report::line(&cell));
                    cells.push(cell);
                }
            }
        }
    }
    let table = report::markdown(&settings, &cells);
    match out {
        Some(path) => std::fs::write(&path, table).map_err(|e| format!("{}: {e}", path.display()))?,
        None => print!("{table}"),
    }
    if let Some(path) = svg {
        report::svg(&path, &cells)?;
    }
    Ok(())
}

fn some<T: Clone>(chosen: Vec<T>, all: &[T]) -> Vec<T> {
    if chosen.is_empty() { all.to_vec() } else { chosen }
}
