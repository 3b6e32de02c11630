//! `omendb-benches`: the project's benchmarks. Each command explains its figures; `benches/README.md` describes the commands.
#![forbid(unsafe_code)]

mod backends;
mod clusters;
mod datasets;
mod machine;
mod origin;
mod regression;
mod sets;
mod truth;

use clap::{Parser, Subcommand};
use omendb_benches::{Failure, robust};
use peak_alloc::PeakAlloc;
use std::process::ExitCode;

/// Counts the allocations of all threads. The system's figure for a process includes freed memory of earlier cases.
#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

#[derive(Parser)]
#[command(name = "omendb-benches", version, about = "Benchmarks of OmenDB")]
struct Arguments {
    #[command(subcommand)]
    run: Run,
}

#[derive(Subcommand)]
enum Run {
    /// Run all sizes in one process and compare with the baseline
    Regression(regression::Arguments),
    /// Measure recall at several widths on real sets, and rows/s at growing sizes
    Datasets(datasets::Arguments),
    /// Compare backends with the same data, graph and queries, and commits with plain writes
    Backends(backends::Arguments),
    /// Judge all kinds of difficult data, orders of arrival and histories, cell by cell
    Robust(robust::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().run {
        Run::Regression(arguments) => regression::run(&arguments),
        Run::Datasets(arguments) => datasets::run(&arguments),
        Run::Backends(arguments) => backends::run(&arguments),
        Run::Robust(arguments) => robust::run(&arguments),
    };
    outcome.unwrap_or_else(|failure| {
        eprintln!("omendb-benches: {failure}");
        ExitCode::from(3)
    })
}
