//! `backends`: compares backends with the same data, graph and queries, and commits with plain writes. Prints Markdown; writes
//! Markdown, JSON and a plot.

mod ask;
mod build;
mod cold;
mod commits;
mod keep;
mod medium;
mod plot;
mod report;
mod turn;

use crate::Failure;
use medium::Medium;
use report::{Outcome, Report};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use turn::Turn;

/// The k of the queries.
const K: usize = 10;
/// The recall at which speeds are compared.
const RECALL: f64 = 0.95;
/// The rounds of queries, in which backends take turns. The fastest counts.
const TURNS: usize = 3;

/// The arguments of the run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder of the sets: NAME.base.*, NAME.query.*, NAME.truth.ibin.
    #[arg(long, env = "OMENDB_DATA", value_name = "DIR")]
    data: PathBuf,
    /// The set of rows and queries.
    #[arg(long, default_value = "sift500k")]
    set: String,
    /// The folder for databases, on the disk to measure [default: the system's temporary folder].
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// The folder for backends.md, backends.json and backends.svg.
    #[arg(long)]
    out: Option<PathBuf>,
    /// One step, which the run starts in a process of its own.
    #[arg(long, hide = true)]
    turn: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if let Some(turn) = &arguments.turn {
        println!("{}", Turn::parse(turn)?.run(arguments)?);
        return Ok(ExitCode::SUCCESS);
    }
    let folder = match &arguments.scratch {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let commits = alone(arguments, &Turn::Commits(folder.path().into()))?;
    let mut outcomes = Vec::new();
    for medium in Medium::ALL {
        eprintln!("building: {medium}");
        let path = folder.path().join(medium.name());
        let built = alone(arguments, &Turn::Build(*medium, path.clone()))?;
        outcomes.push(Outcome::built(*medium, path, built)?);
    }
    for turn in 0..TURNS {
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.medium.has_files()) {
            eprintln!("asking, turn {} of {TURNS}: {}", turn + 1, outcome.medium);
            let resident = alone(arguments, &Turn::Resident(outcome.path.clone()))?;
            let width = outcome.asked(resident)?;
            cold::drop_cache(&outcome.path)?;
            let cold = alone(arguments, &Turn::Cold(outcome.path.clone(), width))?;
            outcome.asked_cold(cold)?;
        }
    }
    let report = Report::new(&arguments.set, &commits, outcomes)?;
    print!("{}", report.markdown());
    if let Some(out) = &arguments.out {
        keep::keep(&report, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a step in a process of its own, to measure its memory and page faults.
fn alone(arguments: &Arguments, turn: &Turn) -> Result<serde_json::Value, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("backends").arg("--data").arg(&arguments.data).args(["--set", &arguments.set]);
    command.arg("--turn").arg(turn.to_string()).stderr(Stdio::inherit());
    let done = command.output()?;
    if !done.status.success() {
        return Err(format!("the step '{turn}' ended with {}", done.status).into());
    }
    Ok(serde_json::from_slice(&done.stdout)?)
}

/// The bytes of the allocated blocks of a folder's files.
fn disk_bytes(folder: &Path) -> std::io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let data = entry.metadata()?;
        sum += if data.is_dir() { disk_bytes(&entry.path())? } else { data.blocks() * 512 };
    }
    Ok(sum)
}
