//! `robust`: difficult data. Every kind of rows that is known to lead a graph astray, in several orders
//! of arrival and after several histories, judged cell by cell beside exact answers.

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

/// What to run.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only the cells whose name contains this, e.g. "copies", "(ip)", "compacted"; more than one may match.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Decides what is random in the data; another one each time unless told.
    #[arg(long)]
    seed: Option<u64>,
    /// Ask hnswlib and Faiss too: needs Python, and installs them the first time.
    #[arg(long)]
    peers: bool,
    /// Write all figures into this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the cells and prints a table; exit code 1 if any fails.
///
/// # Errors
/// When nothing is called so, a peer fails, or the figures cannot be written.
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
        return Err(format!("no cell is called like {:?}", arguments.only).into());
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

/// Runs the wanted cells and hands out each outcome as it comes.
///
/// # Errors
/// When there is no room for a database.
pub fn measure(seed: u64, wanted: &dyn Fn(&Cell) -> bool, tell: &mut dyn FnMut(Outcome)) -> Result<(), Failure> {
    kinds::all().try_for_each(|kind| run::run(kind, seed, wanted, None, tell))
}

/// A seed that differs from run to run.
fn clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
