//! `robust`: difficult data. Judges all kinds of rows that are known to be hard for a graph, in several orders of arrival and
//! after several histories, cell by cell against exact answers.

mod arrival;
mod cell;
mod data;
mod draw;
mod exact;
mod history;
mod kinds;
mod outcome;
mod peers;
mod question;
mod run;
mod table;
mod ways;

use crate::Failure;
use omendb_engine::Isa;
use peers::Peers;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

pub use cell::Cell;
pub use outcome::Outcome;

/// The arguments of the run.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only cells whose name contains this, e.g. "copies", "(ip)", "compacted".
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// The seed of the data [default: a new one each time].
    #[arg(long)]
    seed: Option<u64>,
    /// Measure hnswlib and Faiss too. Needs Python; the first run installs them.
    #[arg(long)]
    peers: bool,
    /// Write all figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the cells and prints a table; exit code 1 if any fails.
///
/// # Errors
/// If no cell matches, a peer fails, or the figures cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let wanted = |cell: &Cell| {
        let name = cell.name();
        arguments.only.is_empty() || arguments.only.iter().any(|part| name.contains(part.as_str()))
    };
    let seed = arguments.seed.unwrap_or_else(clock);
    let peers = arguments.peers.then(Peers::new);
    println!("Seed {seed}, {}.\n\n{}", Isa::chosen()?, table::HEAD);
    let mut outcomes = Vec::new();
    let mut tell = |outcome| {
        println!("{}", table::row(&outcome));
        outcomes.push(outcome);
    };
    kinds::all().try_for_each(|kind| run::run(kind, seed, &wanted, peers.as_ref(), &mut tell))?;
    if outcomes.is_empty() {
        return Err(format!("no cell matches {:?}", arguments.only).into());
    }
    if let Some(path) = &arguments.json {
        let cells: Vec<_> = outcomes.iter().map(table::json).collect();
        std::fs::write(path, serde_json::to_vec_pretty(&serde_json::json!({ "seed": seed, "cells": cells }))?)?;
    }
    let failing: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.defects().is_empty()).collect();
    for outcome in &failing {
        eprintln!("FAILS  {}: {}", outcome.cell.name(), outcome.defects().join("; "));
    }
    eprintln!("{} of {} cells fail; --seed {seed} repeats this", failing.len(), outcomes.len());
    Ok(if failing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the wanted cells and passes each outcome to `tell`.
///
/// # Errors
/// If there is no space for a database.
pub fn measure(seed: u64, wanted: &dyn Fn(&Cell) -> bool, tell: &mut dyn FnMut(Outcome)) -> Result<(), Failure> {
    kinds::all().try_for_each(|kind| run::run(kind, seed, wanted, None, tell))
}

/// A seed that differs from run to run.
fn clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
