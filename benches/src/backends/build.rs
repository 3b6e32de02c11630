//! Builds the set in one batch and measures the time until it is durable, linked and closed.

use super::ask::{self, Asked};
use super::medium::Medium;
use super::{Arguments, disk_bytes};
use crate::sets::{Set, element};
use crate::{Failure, machine};
use omendb_engine::{Options, Phase, RowsRef};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// The cost of building.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Built {
    pub(super) rows: usize,
    pub(super) dim: usize,
    pub(super) row_type: String,
    pub(super) metric: String,
    /// Seconds until the batch was durable and searched.
    pub(super) commit_seconds: f64,
    /// Seconds until it was linked, the former included.
    pub(super) seconds: f64,
    /// Seconds that closing took.
    pub(super) close_seconds: f64,
    pub(super) peak_bytes: u64,
    pub(super) disk_bytes: u64,
    pub(super) graph_hash: String,
    /// Without files, the answers of the same process.
    pub(super) asked: Option<Asked>,
}

pub(super) fn run(arguments: &Arguments, medium: Medium, path: &Path) -> Result<Built, Failure> {
    let set = Set::named(&arguments.set)?;
    let base = set.base(&arguments.data)?;
    let rows = base.view();
    let kind = element(rows.kind)?;
    let committed: Arc<OnceLock<Instant>> = Arc::default();
    let told = Arc::clone(&committed);
    let options = Options::new(rows.dim, set.metric).row_type(kind).progress(move |progress| {
        if progress.phase == Phase::Write {
            told.get_or_init(Instant::now);
        }
    });
    let db = medium.create(path, options)?;
    let ids: Vec<u64> = (0..rows.rows as u64).collect();
    let start = Instant::now();
    db.add_batch(&ids, RowsRef::strided(kind, rows.bytes, rows.stride, rows.rows))?;
    db.flush()?;
    let seconds = start.elapsed().as_secs_f64();
    let committed = committed.get().ok_or("the commit was not reported")?;
    let (stats, graph_hash) = (db.stats(), db.graph_hash());
    let peak_bytes = machine::peak();
    let (asked, closing) = if medium.has_files() {
        let closing = Instant::now();
        db.close()?;
        (None, closing.elapsed().as_secs_f64())
    } else {
        (Some(ask::all(arguments, &db, 0.0)?), 0.0)
    };
    Ok(Built {
        rows: rows.rows,
        dim: rows.dim,
        row_type: stats.row_type.to_string(),
        metric: set.metric.to_string(),
        commit_seconds: committed.duration_since(start).as_secs_f64(),
        seconds,
        close_seconds: closing,
        peak_bytes,
        disk_bytes: if medium.has_files() { disk_bytes(path)? } else { 0 },
        graph_hash: format!("{graph_hash:016x}"),
        asked,
    })
}
