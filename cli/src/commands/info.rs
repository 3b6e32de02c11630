//! `omendb info`: shows the contents and space usage of a database.

use std::path::PathBuf;

use clap::Args;
use omendb_engine::{IdKind, Part};
use serde_json::{Map, Value, json};

use crate::database::Use;
use crate::failure::{Failure, Outcome};
use crate::global::Global;
use crate::output::{Output, bytes, counted, grouped};

/// Show the options, contents and space usage of a database
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  omendb info notes.omen --json")]
pub(crate) struct Info {
    /// The database
    db: PathBuf,
}

impl Info {
    pub(crate) fn run(self, global: &Global, output: &Output) -> Result<Outcome, Failure> {
        let db = Use { codes: true, ..Use::new(global, 0)? }.read(&self.db)?;
        let stats = db.stats();
        let ids = match stats.id_kind {
            IdKind::U64 => "numbers",
            _ => "strings",
        };
        let graph = &stats.graph;
        let hash = format!("{:016x}", db.graph_hash());

        output.pairs(&[
            ("database", self.db.display().to_string()),
            ("rows", format!("{} × {} {}", grouped(stats.count as u64), stats.dim, stats.row_type)),
            ("metric", stats.metric.to_string()),
            ("ids", ids.into()),
            (
                "slots",
                format!(
                    "{} ({} of deleted or replaced rows)",
                    grouped(stats.slots as u64),
                    grouped((stats.slots - stats.count) as u64)
                ),
            ),
            ("commits", grouped(stats.commits)),
            ("instruction set", stats.isa.to_string()),
            (
                "graph",
                format!(
                    "{} linked, {} in the buffer",
                    counted(graph.rows, "row", "rows"),
                    grouped(stats.buffered as u64)
                ),
            ),
            (
                "neighbours",
                format!("{:.1} per row, longest list {}, limit {}", graph.mean_degree, graph.max_degree, graph.degree),
            ),
            ("entry points", grouped(graph.entries as u64)),
            ("graph hash", hash.clone()),
        ])?;
        let per_row = |count: u64| {
            if stats.count == 0 { "–".into() } else { format!("{:.1}", count as f64 / stats.count as f64) }
        };
        let cells = |place: &str, name: &str, count: u64| vec![place.into(), name.into(), bytes(count), per_row(count)];
        let part_of = |place, part: &Part| (part.bytes > 0).then(|| cells(place, &part.name, part.bytes));
        let disk = stats.disk.iter().map(|part| part_of("disk", part));
        let memory = stats.memory.iter().map(|part| part_of("memory", part));
        let sums = [
            cells("disk", "all", stats.disk_bytes()),
            cells("memory", "all", stats.memory_bytes()),
            cells("mapped", "files", stats.mapped),
        ];
        output.table(2, &["where", "what", "bytes", "per row"], disk.chain(memory).flatten().chain(sums))?;

        output.json(&json!({
            "count": stats.count,
            "dim": stats.dim,
            "type": stats.row_type.to_string(),
            "metric": stats.metric.to_string(),
            "ids": ids,
            "slots": stats.slots,
            "buffered": stats.buffered,
            "commits": stats.commits,
            "isa": stats.isa.to_string(),
            "threads": stats.threads,
            "graph": {
                "rows": graph.rows,
                "degree": graph.degree,
                "mean_degree": graph.mean_degree,
                "max_degree": graph.max_degree,
                "entries": graph.entries,
                "hash": hash,
            },
            "disk_bytes": stats.disk_bytes(),
            "disk": by_name(&stats.disk),
            "memory_bytes": stats.memory_bytes(),
            "memory": by_name(&stats.memory),
            "mapped_bytes": stats.mapped,
        }))?;
        Ok(Outcome::Done)
    }
}

fn by_name(parts: &[Part]) -> Map<String, Value> {
    parts.iter().map(|part| (part.name.clone(), part.bytes.into())).collect()
}
