//! The arguments of the command line.

use clap::{Parser, Subcommand};

use crate::commands::{add, build, compact, delete, demo, export, get, ids, info, repair, search, truth, verify};
use crate::global::Global;

const EXAMPLES: &str = "\
Examples:
  omendb demo                                      build and search generated rows
  omendb build my.omen rows.fbin --metric cosine   make a database from a file, in one batch
  omendb search my.omen queries.fbin -k 10         find the 10 nearest rows of each query
  omendb truth rows.fbin queries.fbin --metric cosine --out truth.ibin
  omendb search my.omen queries.fbin --truth truth.ibin --width 20,40,80
  omendb info my.omen                              show its contents and space usage
  omendb compact my.omen                           free the space of deleted rows
  omendb repair my.omen saved.omen                 copy the intact rows of a damaged database

The ending of a file names its format:
  .fvecs .bvecs .ivecs       each row after its dimension (f32, u8, i32)
  .fbin .f16bin .bf16bin     rows and dimension as two little-endian u32, then all values
  .u8bin .i8bin .ibin
  .npy                       NumPy, 2 dimensions, C order, f4 f2 u1 i1; f8 with --type
  .jsonl                     {\"id\": 7, \"vector\": [0.5, 1.0]} on each line
  .txt                       one id on each line
Rows are counted from 0, lines from 1.

Exit codes:
  0   success
  1   negative result: damage, lost rows, no row for `get`, recall below the goal
  2   wrong usage
  3   input refused, or an error of the system
If rows are committed and only the graph cannot be written, a warning goes to stderr and the exit
code is 0.";

/// OmenDB: an embedded vector database.
#[derive(Debug, Parser)]
#[command(name = "omendb", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
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
