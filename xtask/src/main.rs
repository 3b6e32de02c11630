//! The developer's commands, `cargo xtask COMMAND`. Each prints the commands that it runs, and exits with code 1 at the first
//! failed step.
#![forbid(unsafe_code)]

mod aarch64;
mod arrows;
mod circles;
mod fuzz;
mod licences;
mod lint;
mod members;
mod native;
mod needs;
mod package;
mod parsers;
mod shell;
mod sizes;
mod test;
mod tree;
mod words;
mod workspace;

use std::process::ExitCode;

/// The result of a command. An error says what failed and what to do.
type Outcome = Result<(), String>;

struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command { name: "test", about: "all tests: unit, property, crash and documentation tests", run: test::run },
    Command {
        name: "lint",
        about: "formatting, clippy, documentation, arrows, dependencies, licences and words, warnings denied",
        run: lint::run,
    },
    Command {
        name: "ci",
        about: "test, then lint",
        run: |arguments| test::run(arguments).and_then(|()| lint::run(&[])),
    },
    Command {
        name: "arrows",
        about: "the dependencies between packages and between files, and the files' lengths",
        run: |_| arrows::run(),
    },
    Command { name: "licences", about: "whether every dependency has a permissive licence", run: |_| licences::run() },
    Command { name: "words", about: "words that the glossary retired", run: |_| words::run() },
    Command { name: "package", about: "whether every published package can be packaged", run: package::run },
    Command { name: "aarch64", about: "the NEON suite, cross-compiled and emulated", run: aarch64::run },
    Command {
        name: "native",
        about: "the kernels of a plain build against those of a build for this processor",
        run: native::run,
    },
    Command {
        name: "fuzz",
        about: "parsers under libFuzzer, then property and crash suites with new seeds: [MINUTES]",
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
        eprint!("error: unknown command '{name}'\n\n{}", usage());
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
    text += "\nBuild files go to CARGO_TARGET_DIR, or else OMENDB_TARGET_DIR, or else\n\
             $XDG_CACHE_HOME/omendb/target (~/.cache/omendb/target). That is outside the clone, so that\n\
             a second clone on this machine does not compile everything again.\n";
    text
}
