//! What can be asked on the command line.

use clap::{Args, Parser, Subcommand};
use omendb_engine::Isa;

use crate::commands::{add, build, compact, delete, demo, export, get, ids, info, repair, search, truth, verify};

const EXAMPLES: &str = "\
Examples:
  omendb demo                                      see it work, on rows it makes itself
  omendb build my.omen rows.fbin --metric cosine   a database from your file, in one batch
  omendb search my.omen queries.fbin -k 10         the 10 nearest rows of each query
  omendb truth rows.fbin queries.fbin --metric cosine --out truth.ibin
  omendb search my.omen queries.fbin --truth truth.ibin --width 20,40,80
  omendb info my.omen                              what is in it, and where its bytes are
  omendb compact my.omen                           the space of deleted rows back
  omendb repair my.omen saved.omen                 the whole rows of a damaged database

Files are known by their ending:
  .fvecs .bvecs .ivecs       each row after its dimension (f32, u8, i32)
  .fbin .f16bin .bf16bin     rows and dimension as two little-endian u32, then all values
  .u8bin .i8bin .ibin
  .npy                       NumPy, 2 dimensions, C order, f4 f2 u1 i1
  .jsonl                     {\"id\": 7, \"vector\": [0.5, 1.0]} on each line
  .txt                       ids, one on each line
Rows are counted from 0, lines from 1.

Exit codes: 0 done, 1 the run found something (damage, lost rows, no row for `get`, recall below
the goal), 2 wrong usage, 3 an input refused or the disk failed. Where rows are in and only the
graph cannot be written, that is a warning on stderr and exit code 0.";

/// OmenDB: nearest rows of numbers, from a folder of files, without a server.
#[derive(Debug, Parser)]
#[command(name = "omendb", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Print one JSON object on stdout and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing but errors (and the JSON object, if asked for)
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Threads to use [default: one per processor; `search` uses 1]
    #[arg(long, global = true, value_name = "T", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// Force an instruction set: portable, avx2, avx512, avx512vnni, neon, … [default: the best
    /// this machine has, or what OMENDB_ISA names]
    #[arg(long, global = true)]
    pub(crate) isa: Option<Isa>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(demo::Demo),
    Build(build::Build),
    Search(search::Search),
    Truth(truth::MakeTruth),
    Add(add::Add),
    Delete(delete::Delete),
    Get(get::Get),
    Ids(ids::ListIds),
    Info(info::Info),
    Verify(verify::Verify),
    Compact(compact::Compact),
    Repair(repair::Repair),
    Export(export::Export),
}
