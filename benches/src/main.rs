//! `omendb-benches`: the runs whose figures the project stands by. Each command prints what its
//! figures mean; `benches/README.md` says which one answers which question.
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

/// Counts what is allocated, by all threads: what the system says of a process holds what the
/// allocator kept of earlier cases.
#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

#[derive(Parser)]
#[command(name = "omendb-benches", version, about = "OmenDB measured")]
struct Arguments {
    #[command(subcommand)]
    run: Run,
}

#[derive(Subcommand)]
enum Run {
    /// Every size in one process, compared with the baseline: slower, worse, larger, or broken?
    Regression(regression::Arguments),
    /// Recall at several widths on the real sets, and rows/s at growing sizes, as Markdown.
    Datasets(datasets::Arguments),
    /// The same data, graph and queries over each backend, and commits beside plain writes.
    Backends(backends::Arguments),
    /// Difficult data: every kind, order of arrival and history, judged cell by cell.
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
