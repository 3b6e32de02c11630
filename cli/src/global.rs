//! The flags of every command.

use clap::Args;
use omendb_engine::Isa;

/// Flags of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Print one JSON object on stdout and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print only errors (and the JSON object with --json)
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Threads to use [default: one per processor; `search` uses 1]
    #[arg(long, global = true, value_name = "T", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// Force an instruction set: portable, avx2, avx512, avx512vnni, neon, … [default: OMENDB_ISA, or
    /// the best of this machine]
    #[arg(long, global = true)]
    pub(crate) isa: Option<Isa>,
}
