//! The `omendb` command: flags, progress and tables for the engine.
//!
//! `args` has the arguments, and `global` those of every command. Each file of `commands` has one command. `output` prints text
//! or JSON. `failure` turns errors into exit codes.
#![forbid(unsafe_code)]

mod answers;
mod args;
mod clusters;
mod commands;
mod database;
mod draft;
mod failure;
mod global;
mod input;
mod numbering;
mod output;
mod peak;
mod place;
mod progress;
mod queries;
mod query_text;
mod recall;
mod signals;
mod sweep;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    signals::keep_limits_from_ending();
    let cli = args::Cli::parse();
    let output = output::Output::new(&cli.global);
    let ended = commands::run(cli, &output);
    // If a signal is ending the process, errors of removed files are not reported.
    signals::unless_ended(|| match ended {
        Ok(outcome) => outcome.into(),
        Err(failure) => failure.report(),
    })
}
