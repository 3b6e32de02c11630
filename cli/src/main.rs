//! The `omendb` command: flags, progress and tables around the engine.
//!
//! `args` says what can be asked, each file of `commands` answers one question, `output` prints
//! the answer for people or as JSON, `failure` turns errors into exit codes.
#![forbid(unsafe_code)]

mod answers;
mod args;
mod clusters;
mod commands;
mod database;
mod draft;
mod failure;
mod input;
mod numbering;
mod output;
mod peak;
mod place;
mod progress;
mod queries;
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
    // What a signal took away from under the command is no failure to tell of.
    signals::unless_ended(|| match ended {
        Ok(outcome) => outcome.into(),
        Err(failure) => failure.report(),
    })
}
