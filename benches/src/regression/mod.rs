//! `regression`: runs all sizes in one process, in one batch and in batches of 1,000, and compares with a baseline. It
//! distinguishes broken (an error, a panic, a wrong count, different answers after reopening), worse (recall), slower and
//! larger.

mod baseline;
mod case;
mod fault;
mod history;
mod judge;
mod table;

use crate::{Failure, machine};
use baseline::Baseline;
use case::{Case, Material, Outcome};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The arguments of the run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only the cases whose name contains this, e.g. "10K", "x 1536", "one batch".
    #[arg(long)]
    only: Option<String>,
    /// Record this run as the baseline of this processor, with its noise. Needs --aa 2 or more.
    #[arg(long)]
    save: bool,
    /// A/A test: run everything this many times and print the spread of the figures.
    #[arg(long, value_name = "TIMES", num_args = 0..=1, default_missing_value = "3", value_parser = clap::value_parser!(u32).range(1..))]
    aa: Option<u32>,
    /// The baseline file.
    #[arg(long, default_value_os_t = in_package("baseline.json"))]
    baseline: PathBuf,
    /// Append the figures to this file, one JSON object per line.
    #[arg(long, default_value_os_t = history::default_file())]
    history: PathBuf,
    /// Draw the history as SVG to this file, and run nothing.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
    /// The folder for databases [default: the system's temporary folder].
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    json: bool,
}

/// How often a case that looks slower than the baseline is measured again.
const LOOKS_AGAIN: usize = 2;

/// A file beside this package's manifest.
fn in_package(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if let Some(target) = &arguments.plot {
        history::plot(&arguments.history, target)?;
        eprintln!("{} drawn into {}", arguments.history.display(), target.display());
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = |case: &Case| arguments.only.as_ref().is_none_or(|part| case.name().contains(part.as_str()));
    let cases: Vec<Case> = Case::all().into_iter().filter(wanted).collect();
    if cases.is_empty() {
        return Err(format!("no case matches {:?}", arguments.only.as_deref().unwrap_or("")).into());
    }
    let times = arguments.aa.unwrap_or(1);
    if arguments.save && times < 2 {
        return Err("`--save` also records the noise, which needs several rounds: give `--aa 2` or more".into());
    }
    let mut kept = Baseline::read(&arguments.baseline, arguments.save)?;
    let names = || cases.iter().map(Case::name);
    let unknown: Vec<String> = names().filter(|case| !kept.figures.contains_key(case)).collect();
    let as_table = times == 1 && !arguments.json;
    if as_table {
        println!("{}", table::HEAD);
    }
    let mut rounds: Vec<Vec<Outcome>> = Vec::new();
    let mut history = Ok(());
    for round in 1..=times {
        let mut outcomes = Vec::new();
        let mut material: Option<(&Case, Material)> = None;
        for case in &cases {
            if !material.as_ref().is_some_and(|(of, _)| of.is_like(case)) {
                // Free the old rows before the new ones are made.
                drop(material.take());
                material = Some((case, case.material()));
            }
            let Some((_, rows)) = &material else { continue };
            eprintln!("{}{}", if times > 1 { format!("{round}/{times}: ") } else { String::new() }, case.name());
            let run = || case.run(rows, arguments.scratch.as_deref());
            let mut outcome = run();
            // A slower code stays slower when it is measured again; a disturbance does not.
            let mut looks = 0;
            while looks < LOOKS_AGAIN && judge::is_slower(&outcome, &kept) {
                looks += 1;
                eprintln!("{} looks slower: measured again", case.name());
                outcome = outcome.or_faster(run());
            }
            if as_table {
                println!("{}", table::row(&outcome, &kept));
            }
            outcomes.push(outcome);
        }
        history = history.and(history::append(&arguments.history, &outcomes));
        rounds.push(outcomes);
    }

    // Each round of an A/A run is measured and judged like a run, against the old baseline.
    let defects: Vec<String> = rounds.iter().flat_map(|outcomes| judge::all(outcomes, &kept)).collect();
    if arguments.json {
        println!("{}", serde_json::json!({ "rounds": rounds, "defects": defects, "not_judged": unknown }));
    } else if times > 1 {
        print!("{}", table::spread(&rounds));
    }
    for defect in &defects {
        eprintln!("REGRESSION  {defect}");
    }
    for case in &unknown {
        eprintln!("NOT JUDGED  {case}: {} does not have it", arguments.baseline.display());
    }
    if let Err(failure) = history {
        eprintln!("not in the history: {failure}");
    }
    if arguments.save {
        match kept.record(&rounds) {
            Ok(()) => {
                kept.write(&arguments.baseline)?;
                eprintln!("recorded as the baseline of {} in {}", machine::processor(), arguments.baseline.display());
            }
            Err(fault) => eprintln!("not recorded: {fault}"),
        }
    }
    let without_speeds = names().filter(|case| kept.speeds(case).is_none()).count();
    if without_speeds > 0 {
        eprintln!(
            "speeds of {without_speeds} of {} cases were not judged: {} holds none for {}; \
             `--aa 3 --save` on a good build records them",
            cases.len(),
            arguments.baseline.display(),
            machine::processor()
        );
    }
    let (verdict, passes) = judge::verdict(&defects, &unknown, arguments.save);
    eprintln!("{verdict}");
    Ok(if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
