//! The developer's commands, `cargo xtask COMMAND`. Each prints what it runs, so that it can be
//! repeated by hand, and ends with exit code 1 at the first step that fails.
#![forbid(unsafe_code)]

mod aarch64;
mod arrows;
mod fuzz;
mod lint;
mod native;
mod needs;
mod package;
mod parsers;
mod shell;
mod test;
mod tree;
mod workspace;

use std::process::ExitCode;

/// What a command answers: nothing, or one sentence saying what failed and what to do about it.
type Outcome = Result<(), String>;

struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "test",
        about: "everything the workspace promises: unit, property, crash and doc tests",
        run: test::run,
    },
    Command {
        name: "lint",
        about: "formatting, clippy, documentation, the packages' arrows and the engine's dependencies",
        run: lint::run,
    },
    Command {
        name: "ci",
        about: "test, then lint",
        run: |arguments| test::run(arguments).and_then(|()| lint::run(&[])),
    },
    Command { name: "arrows", about: "which package of ours may depend on which", run: |_| arrows::run() },
    Command { name: "package", about: "every package that is published can be packaged", run: package::run },
    Command { name: "aarch64", about: "the NEON suite, cross-compiled and emulated", run: aarch64::run },
    Command {
        name: "native",
        about: "the kernels of a plain build against those of one for this processor",
        run: native::run,
    },
    Command {
        name: "fuzz",
        about: "parsers under libFuzzer, property and crash suites with new seeds, for [MINUTES]",
        run: fuzz::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = arguments.first().map_or("help", String::as_str);
    if matches!(name, "help" | "--help" | "-h") {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprint!("cargo xtask has no command '{name}'\n\n{}", usage());
        return ExitCode::from(2);
    };
    match (command.run)(&arguments[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("cargo xtask {name}: {message}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask COMMAND\n\n");
    for command in COMMANDS {
        text += &format!("  {:<8}  {}\n", command.name, command.about);
    }
    text += "\nBuilt files go to CARGO_TARGET_DIR; else to OMENDB_TARGET_DIR; else to\n\
             $XDG_CACHE_HOME/omendb/target (~/.cache/omendb/target): outside the clone, so that a\n\
             second clone on this machine does not compile everything again.\n";
    text
}
