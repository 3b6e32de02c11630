//! `cargo run --release -p omendb-benches --bin kernels`: every kernel in every place, as a
//! share of what the machine allows, beside other libraries (`--features peers`), with the
//! error beside the speed.
#![forbid(unsafe_code)]

mod against;
mod bits;
mod cell;
mod clock;
mod codes;
#[cfg(feature = "peers")]
mod minmax;
#[path = "../../origin.rs"]
mod origin;
mod report;
mod rows;
mod verdict;

use against::Other;
use cell::{Cell, Settings};
use clap::Parser;
use omendb_kernels::{CodeBits, ElementKind, Isa, KernelError, MAX_DIM, Metric};
use rows::Place;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

/// Every kernel in every place, beside the machine's limit and other libraries.
///
/// --metric, --type, --dim and --place may each be given several times; without one, everything is
/// measured.
#[derive(Parser)]
#[command(name = "kernels", version)]
struct Arguments {
    /// Only this metric: l2, ip or cosine.
    #[arg(long)]
    metric: Vec<Metric>,
    /// Only these types: QUERYxROW, or TYPE for both; `code8`, `code4` and `code1` are packed codes, `bit` is Hamming.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<Types>,
    /// Only rows of so many numbers.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=MAX_DIM as i64))]
    dim: Vec<u32>,
    /// Only rows that lie there: L1, L2 or DRAM.
    #[arg(long, ignore_case = true)]
    place: Vec<Place>,
    /// The instruction set to measure [default: the machine's best, or what OMENDB_ISA says].
    #[arg(long)]
    isa: Option<Isa>,
    /// Times that all but what lies in DRAM is gone through; the least times count.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    passes: u32,
    /// Turns that each contender of a cell has in a pass.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Microseconds that a turn takes.
    #[arg(long, default_value_t = 700)]
    turn_us: u64,
    /// Write the table into this file instead of printing it.
    #[arg(long, value_name = "FILE.md")]
    out: Option<PathBuf>,
    /// Draw the table into this file too.
    #[arg(long, value_name = "FILE.svg")]
    svg: Option<PathBuf>,
    /// Write what was measured into this file too; `-` prints it in place of the table.
    #[arg(long, value_name = "FILE|-")]
    json: Option<PathBuf>,
    /// Show what an earlier run wrote with --json, or several did, and measure nothing.
    #[arg(long, value_name = "FILE.json")]
    join: Vec<PathBuf>,
    /// Measure each cell in turn with another build of this program, and print the ratios.
    #[arg(long, value_name = "PROGRAM")]
    against: Option<PathBuf>,
    /// Measure each cell in turn with a better instruction set, and print the ratios.
    #[arg(long, value_name = "ISA", conflicts_with = "against")]
    beside: Option<Isa>,
}

/// Those of query and row, codes, or bits.
#[derive(Clone, Copy)]
enum Types {
    Rows(ElementKind, ElementKind),
    Codes(CodeBits),
    Bits,
}

impl FromStr for Types {
    type Err = KernelError;

    fn from_str(name: &str) -> Result<Self, KernelError> {
        if name == "bit" {
            return Ok(Self::Bits);
        }
        if let Some(bits) = CodeBits::ALL.into_iter().find(|&bits| name == code_name(bits)) {
            return Ok(Self::Codes(bits));
        }
        let (query, row) = name.split_once('x').unwrap_or((name, name));
        Ok(Self::Rows(query.parse()?, row.parse()?))
    }
}

fn code_name(bits: CodeBits) -> String {
    format!("code{}", bits.bits())
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("kernels: {message}");
            ExitCode::from(3)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let isa = arguments.isa.map_or_else(Isa::chosen, Isa::required).map_err(|error| error.to_string())?;
    let settings = Settings {
        isa,
        passes: arguments.passes as usize,
        rounds: arguments.rounds as usize,
        turn: Duration::from_micros(arguments.turn_us),
        origin: format!("{}, {isa}, commit {}", origin::processor(), origin::commit().as_deref().unwrap_or("unknown")),
    };
    let subjects = arguments.subjects();
    let out = arguments.out.as_deref();
    let other = match (&arguments.against, arguments.beside) {
        (Some(program), _) => Some(Other::build(program, isa)),
        (None, Some(same)) if same == isa => return Err(format!("--beside {same}: that is what is measured")),
        (None, Some(better)) => Some(Other::instructions(better.required().map_err(|error| error.to_string())?)?),
        (None, None) => None,
    };
    if let Some(other) = other {
        return write(out, &against::run(&settings, &subjects, &other)?);
    }
    let mut cells = Vec::new();
    for file in &arguments.join {
        cells.extend(Cell::read(file)?);
    }
    if arguments.join.is_empty() {
        cells = in_passes(&settings, &subjects)?;
    }
    if let Some(path) = &arguments.json {
        if path == Path::new("-") {
            return write(None, &report::json(&cells));
        }
        write(Some(path), &report::json(&cells))?;
    }
    write(out, &format!("{}\n{}", verdict::markdown(&cells), report::markdown(&cells)))?;
    if let Some(path) = &arguments.svg {
        report::svg(path, &cells)?;
    }
    Ok(())
}

impl Arguments {
    /// What the filters leave.
    fn subjects(&self) -> Vec<Subject> {
        let rows = cell::TYPES.map(|(query, row)| Types::Rows(query, row));
        let all = rows.into_iter().chain(CodeBits::ALL.map(Types::Codes)).chain([Types::Bits]);
        let types = some(&self.types, &all.collect::<Vec<_>>());
        let metrics = some(&self.metric, &Metric::ALL);
        let mut subjects = Vec::new();
        for place in some(&self.place, &Place::ALL) {
            for &types in &types {
                for dim in some(&self.dim, &DIMS).into_iter().map(|dim| dim as usize) {
                    // Bits have one, and to codes in memory it makes no difference.
                    let one = matches!((types, place), (Types::Bits, _) | (Types::Codes(_), Place::Dram));
                    let metrics = if one { &metrics[..1] } else { &metrics[..] };
                    subjects.extend(metrics.iter().map(|&metric| Subject { place, dim, types, metric }));
                }
            }
        }
        subjects
    }
}

/// Every subject, pass after pass: what shares this core disturbs it for seconds on end, longer
/// than a cell takes, and rarely the same cell again in the next pass.
fn in_passes(settings: &Settings, subjects: &[Subject]) -> Result<Vec<Cell>, String> {
    let mut cells: Vec<Cell> = Vec::new();
    for pass in 0..settings.passes {
        for (at, subject) in subjects.iter().enumerate().filter(|(_, subject)| pass < subject.passes(settings)) {
            let cell = subject.measure(settings)?;
            eprintln!("{}", report::line(&cell));
            if pass == 0 {
                cells.push(cell);
            } else {
                cells[at].keep_least(&cell);
            }
        }
    }
    Ok(cells)
}

const DIMS: [u32; 6] = [100, 128, 384, 768, 960, 1536];

/// What a cell is of.
pub(crate) struct Subject {
    place: Place,
    dim: usize,
    types: Types,
    metric: Metric,
}

impl Subject {
    /// Once from memory: making its gigabyte takes longer than all passes over a cache's rows.
    fn passes(&self, settings: &Settings) -> usize {
        if self.place == Place::Dram { 1 } else { settings.passes }
    }

    fn measure(&self, settings: &Settings) -> Result<Cell, String> {
        let Subject { place, dim, types, metric } = *self;
        match types {
            Types::Rows(query, row) => cell::measure(settings, place, metric, query, row, dim),
            Types::Codes(bits) => codes::measure(settings, place, metric, bits, dim),
            Types::Bits => bits::measure(settings, place, dim),
        }
    }

    /// The arguments that make this program measure it alone.
    fn arguments(&self) -> Vec<String> {
        let types = match self.types {
            Types::Rows(query, row) => format!("{query}x{row}"),
            Types::Codes(bits) => code_name(bits),
            Types::Bits => "bit".to_owned(),
        };
        let [place, dim, metric] = [self.place.name().to_owned(), self.dim.to_string(), self.metric.to_string()];
        let named = [("--place", place), ("--dim", dim), ("--type", types), ("--metric", metric)];
        named.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }
}

fn write(path: Option<&Path>, text: &str) -> Result<(), String> {
    match path {
        Some(path) => std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display())),
        None => {
            print!("{text}");
            Ok(())
        }
    }
}

fn some<T: Clone>(chosen: &[T], all: &[T]) -> Vec<T> {
    if chosen.is_empty() { all.to_vec() } else { chosen.to_vec() }
}
