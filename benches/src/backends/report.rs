//! The results, and their Markdown.

use super::ask::Asked;
use super::build::Built;
use super::commits::{Commits, FSYNC, Large, ROWS, Small, WRITE};
use super::medium::Medium;
use super::{K, RECALL, TURNS};
use crate::{Failure, machine};
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

/// One backend with the set in it.
pub(super) struct Outcome {
    pub(super) medium: Medium,
    pub(super) path: PathBuf,
    pub(super) built: Built,
    pub(super) resident: Option<Asked>,
    pub(super) cold: Option<Asked>,
}

impl Outcome {
    pub(super) fn built(medium: Medium, path: PathBuf, built: serde_json::Value) -> Result<Self, Failure> {
        let built: Built = serde_json::from_value(built)?;
        Ok(Self { medium, path, resident: built.asked.clone(), built, cold: None })
    }

    /// Takes what another turn found; the width that was asked at.
    pub(super) fn asked(&mut self, found: serde_json::Value) -> Result<usize, Failure> {
        keep_faster(&mut self.resident, serde_json::from_value(found)?)
    }

    pub(super) fn asked_cold(&mut self, found: serde_json::Value) -> Result<usize, Failure> {
        keep_faster(&mut self.cold, serde_json::from_value(found)?)
    }
}

/// Of several turns, the fastest pass and the fastest opening.
fn keep_faster(kept: &mut Option<Asked>, found: Asked) -> Result<usize, Failure> {
    let width = found.width;
    let Some(kept) = kept else {
        *kept = Some(found);
        return Ok(width);
    };
    if found.answers != kept.answers {
        return Err("two openings of one database give different answers".into());
    }
    let open_seconds = kept.open_seconds.min(found.open_seconds);
    let first_answer_seconds = kept.first_answer_seconds.min(found.first_answer_seconds);
    if found.qps > kept.qps {
        *kept = found;
    }
    (kept.open_seconds, kept.first_answer_seconds) = (open_seconds, first_answer_seconds);
    Ok(width)
}

/// All of it.
#[derive(Serialize)]
pub(super) struct Report {
    processor: String,
    set: String,
    recall: f64,
    k: usize,
    pub(super) backends: Vec<Row>,
    #[serde(flatten)]
    pub(super) commits: Commits,
}

#[derive(Serialize)]
pub(super) struct Row {
    pub(super) backend: &'static str,
    built: Built,
    pub(super) resident: Asked,
    pub(super) cold: Option<Asked>,
}

impl Report {
    /// Refuses backends that do not agree.
    pub(super) fn new(set: &str, commits: &serde_json::Value, outcomes: Vec<Outcome>) -> Result<Self, Failure> {
        let mut backends = Vec::new();
        for outcome in outcomes {
            let Outcome { medium, built, resident, cold, .. } = outcome;
            let resident = resident.ok_or_else(|| format!("{medium} was not asked"))?;
            let built = Built { asked: None, ..built };
            backends.push(Row { backend: medium.name(), built, resident, cold });
        }
        let first: &Row = backends.first().ok_or("no backend")?;
        for row in &backends {
            let answers = |asked: &Asked| asked.answers == first.resident.answers;
            let same = row.built.graph_hash == first.built.graph_hash
                && answers(&row.resident)
                && row.cold.as_ref().is_none_or(answers);
            if !same {
                return Err(format!("{} and {} give different answers", first.backend, row.backend).into());
            }
        }
        let commits = serde_json::from_value(commits.clone())?;
        Ok(Self { processor: machine::processor(), set: set.into(), recall: RECALL, k: K, backends, commits })
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = String::new();
        self.searches(&mut text).and_then(|()| self.writes(&mut text)).expect("a string takes all");
        text
    }

    fn searches(&self, text: &mut String) -> std::fmt::Result {
        let first = &self.backends[0];
        writeln!(text, "## Backends\n\n{}.\n", self.processor)?;
        writeln!(
            text,
            "{}, {} × {} {}, {}, in one batch with the defaults; graph {} and the answers (ids and distances, bit \
             for bit) are the same over each backend. Asked for k = {} on one thread, one query a call, at width {}: \
             recall {:.4}. Each step in a process of its own; what has files is opened and asked in {TURNS} turns, and \
             the fastest counts.\n",
            self.set,
            first.built.rows,
            first.built.dim,
            first.built.row_type,
            first.built.metric,
            first.built.graph_hash,
            self.k,
            first.resident.width,
            first.resident.recall,
        )?;
        self.table(text, "", |row| Some(row.backend.into()))?;
        writeln!(text, "|---|{}", "---:|".repeat(self.backends.len()))?;
        let rate = |rows: usize, seconds: f64| Some(format!("{:.0}", rows as f64 / seconds));
        let mega = |bytes: u64| Some(format!("{:.1}", bytes as f64 / 1e6));
        let files = |row: &Row| row.cold.is_some();
        self.table(text, "ingest: rows/s until durable and searched", |row| {
            rate(row.built.rows, row.built.commit_seconds)
        })?;
        self.table(text, "ingest: rows/s until linked too", |row| rate(row.built.rows, row.built.seconds))?;
        self.table(text, "close, s", |row| files(row).then(|| format!("{:.2}", row.built.close_seconds)))?;
        self.table(text, "memory at its highest while building, MB", |row| mega(row.built.peak_bytes))?;
        self.table(text, "on disk, MB", |row| files(row).then(|| mega(row.built.disk_bytes)).flatten())?;
        let asked = |row: &Row, cold: bool| if cold { row.cold.clone() } else { Some(row.resident.clone()) };
        for (cold, when) in [(false, "in memory"), (true, "page cache dropped")] {
            let mut line = |name: &str, cell: &dyn Fn(Asked) -> Option<String>| {
                self.table(text, &format!("{when}: {name}"), |row| asked(row, cold).and_then(cell))
            };
            let opened = |asked: &Asked| asked.open_seconds > 0.0;
            line("reopen, ms", &|asked| opened(&asked).then(|| format!("{:.1}", asked.open_seconds * 1e3)))?;
            line("first answer after it, ms", &|asked| {
                opened(&asked).then(|| format!("{:.2}", asked.first_answer_seconds * 1e3))
            })?;
            line("queries/s", &|asked| Some(format!("{:.0}", asked.qps)))?;
            line("p50, µs", &|asked| Some(format!("{:.0}", asked.p50_us)))?;
            line("p99, µs", &|asked| Some(format!("{:.0}", asked.p99_us)))?;
            line("memory of the process, MB", &|asked| mega(asked.resident_bytes))?;
            line("page faults of the pass, minor / major", &|asked| {
                Some(format!("{} / {}", asked.minor_faults, asked.major_faults))
            })?;
        }
        writeln!(text)
    }

    fn table(&self, text: &mut String, name: &str, cell: impl Fn(&Row) -> Option<String>) -> std::fmt::Result {
        write!(text, "| {name} |")?;
        for row in &self.backends {
            write!(text, " {} |", cell(row).unwrap_or_else(|| "–".into()))?;
        }
        writeln!(text)
    }

    fn writes(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "### Commits of {ROWS} rows\n")?;
        writeln!(
            text,
            "With `Sync`, to the storage alone, in turns with an append of 64 bytes and fdatasync (`{FSYNC}`) and an \
             append of the rows' bytes and fdatasync (`{WRITE}`). Of either: their rates, by the mean and (after the \
             slash) by the median latency.\n"
        )?;
        writeln!(text, "| bytes a row | way | commits/s | p50 µs | p99 µs | of {FSYNC} | of {WRITE} |")?;
        writeln!(text, "|---:|---|---:|---:|---:|---:|---:|")?;
        for small in &self.commits.small {
            let beside = |way: &str| {
                let other = self.small(small.row_bytes, way);
                let ratio = |other: &Small| {
                    format!("{:.2} / {:.2}", small.per_second / other.per_second, other.p50_us / small.p50_us)
                };
                other.map(ratio).unwrap_or_default()
            };
            writeln!(
                text,
                "| {} | {} | {:.0} | {:.0} | {:.0} | {} | {} |",
                small.row_bytes,
                small.way,
                small.per_second,
                small.p50_us,
                small.p99_us,
                beside(FSYNC),
                beside(WRITE),
            )?;
        }
        let large = &self.commits.large;
        writeln!(text, "\n### One commit of {} × {} u8\n", large[0].rows, large[0].row_bytes)?;
        writeln!(
            text,
            "To a new database with `Sync`, beside plain writes of the same bytes to a new file and fdatasync, in \
             turns.\n"
        )?;
        writeln!(text, "| way | best s | median s | MB/s | of {WRITE}, best / median |\n|---|---:|---:|---:|---:|")?;
        let plain = |way: &&Large| way.way == WRITE;
        let plain = large.iter().find(plain).expect("plain writes are among the ways");
        for way in large {
            writeln!(
                text,
                "| {} | {:.3} | {:.3} | {:.0} | {:.2} / {:.2} |",
                way.way,
                way.best_seconds,
                way.median_seconds,
                (way.rows * way.row_bytes) as f64 / way.best_seconds / 1e6,
                plain.best_seconds / way.best_seconds,
                plain.median_seconds / way.median_seconds,
            )?;
        }
        Ok(())
    }

    fn small(&self, row_bytes: usize, way: &str) -> Option<&Small> {
        self.commits.small.iter().find(|small| small.row_bytes == row_bytes && small.way == way)
    }
}
