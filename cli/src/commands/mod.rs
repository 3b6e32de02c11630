//! The commands, one per file.

pub(crate) mod add;
pub(crate) mod build;
pub(crate) mod compact;
pub(crate) mod delete;
pub(crate) mod demo;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod ids;
pub(crate) mod info;
pub(crate) mod repair;
pub(crate) mod search;
pub(crate) mod truth;
pub(crate) mod verify;

use crate::args::{Cli, Command};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Runs a command.
pub(crate) fn run(cli: Cli, output: &Output) -> Result<Outcome, Failure> {
    let Cli { global, command } = cli;
    match command {
        Command::Demo(args) => args.run(&global, output),
        Command::Build(args) => args.run(&global, output),
        Command::Search(args) => args.run(&global, output),
        Command::Truth(args) => args.run(&global, output),
        Command::Add(args) => args.run(&global, output),
        Command::Delete(args) => args.run(&global, output),
        Command::Get(args) => args.run(&global, output),
        Command::Ids(args) => args.run(&global, output),
        Command::Info(args) => args.run(&global, output),
        Command::Verify(args) => args.run(&global, output),
        Command::Compact(args) => args.run(&global, output),
        Command::Repair(args) => args.run(&global, output),
        Command::Export(args) => args.run(&global, output),
    }
}
