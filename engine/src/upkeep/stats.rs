//! Statistics: counts, bytes by part, and the shape of the graph.

use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use omendb_graph::Graph;
use omendb_kernels::{ElementKind, Isa, Metric};
use omendb_storage::IdKind;

use crate::Db;
use crate::db::Core;

/// Bytes of one part of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// What it is.
    pub name: String,
    /// How many bytes it takes.
    pub bytes: u64,
}

/// What the graph is like, and what linking has cost since the database was opened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GraphStats {
    /// Rows in it.
    pub rows: u64,
    /// Rows of its lists: equal rows share one.
    pub vertices: u64,
    /// R, the bound on a row's neighbours.
    pub degree: usize,
    /// The mean number of neighbours.
    pub mean_degree: f64,
    /// The most neighbours that a row has.
    pub max_degree: usize,
    /// Rows where searches enter.
    pub entries: usize,
    /// Rows linked since the database was opened.
    pub linked: u64,
    /// How long that took.
    pub link_time: Duration,
    /// Distances computed for that.
    pub link_distances: u64,
    /// Rows that no path led to, and that were given one.
    pub repaired: u64,
}

/// What a database is and holds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Rows alive.
    pub count: usize,
    /// Rows, deleted and replaced ones included, that take space until `compact`.
    pub slots: usize,
    /// Times that `clear`, `compact` or `repair` gave rows new places. At 0, with as many rows as
    /// places, the n-th of [`Db::ids`] is the n-th row ever added.
    pub epoch: u64,
    /// Rows not linked yet, searched exactly.
    pub buffered: usize,
    /// Values per row.
    pub dim: usize,
    /// How rows are compared.
    pub metric: Metric,
    /// The type rows are stored in.
    pub row_type: ElementKind,
    /// The kind of ids.
    pub id_kind: IdKind,
    /// The instruction set of the distances.
    pub isa: Isa,
    /// Threads for linking and batches of queries.
    pub threads: usize,
    /// Commits since the database was made.
    pub commits: u64,
    /// The graph.
    pub graph: GraphStats,
    /// Anonymous memory, part by part.
    pub memory: Vec<Part>,
    /// Address space mapped from files, of which the system keeps in memory what is read.
    pub mapped: u64,
    /// Files, part by part.
    pub disk: Vec<Part>,
}

impl Stats {
    /// All anonymous memory, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.memory.iter().map(|part| part.bytes).sum()
    }

    /// All files, in bytes.
    pub fn disk_bytes(&self) -> u64 {
        self.disk.iter().map(|part| part.bytes).sum()
    }
}

impl Db {
    /// A hash of the graph: equal for equal graphs. Reads all of it.
    pub fn graph_hash(&self) -> u64 {
        self.core.snapshot.load_full().graph.hash()
    }

    /// What the database is and holds. Counts the edges of each vertex.
    pub fn stats(&self) -> Stats {
        let core = &self.core;
        let snapshot = core.snapshot.load_full();
        let usage = core.storage.usage();
        let index = core.indexed(|index, _| index.bytes());
        let part = |name: &str, bytes: u64| Part { name: name.to_owned(), bytes };
        let mut memory = vec![
            part("rows", usage.memory_rows),
            part("ids and deletes", usage.memory_slots),
            part("blobs", usage.memory_blobs),
            part("index of ids", index as u64),
            part("graph", snapshot.graph.bytes() as u64),
            part("codes", snapshot.codes.as_ref().map_or(0, |codes| codes.bytes()) as u64),
            part("table of equal rows", core.distinct_bytes() as u64),
            part("search scratch", core.scratches.bytes() as u64),
        ];
        memory.extend(snapshot.columns.iter().map(|column| part(column.name(), column.bytes() as u64)));
        let mut disk = vec![
            part("rows", usage.disk_rows),
            part("ids", usage.disk_ids),
            part("log", usage.disk_log),
            part("other", usage.disk_other),
        ];
        disk.extend(usage.disk_blobs.iter().map(|(name, bytes)| part(name, *bytes)));
        Stats {
            count: snapshot.view.live() as usize,
            slots: snapshot.view.slots() as usize,
            epoch: snapshot.view.epoch(),
            buffered: snapshot.buffered(),
            dim: core.config.dim,
            metric: core.config.metric,
            row_type: core.config.row_type,
            id_kind: core.config.id_kind,
            isa: core.measure.isa(),
            threads: core.pool.current_num_threads(),
            commits: snapshot.view.commit(),
            graph: core.graph_stats(&snapshot.graph),
            memory,
            mapped: usage.mapped,
            disk,
        }
    }
}

impl Core {
    fn distinct_bytes(&self) -> usize {
        if self.pool.is_of_parent() {
            // Perhaps it was locked at the fork, and stays so.
            return self.distinct.try_lock().map_or(0, |distinct| distinct.bytes());
        }
        self.distinct.lock().unwrap_or_else(PoisonError::into_inner).bytes()
    }

    fn graph_stats(&self, graph: &Graph) -> GraphStats {
        let built = &self.built;
        let lengths = graph.vertices().map(|slot| graph.csr().neighbours(slot).count());
        let (sum, max) = lengths.fold((0u64, 0), |(sum, max), length| (sum + length as u64, length.max(max)));
        GraphStats {
            rows: u64::from(graph.rows()),
            vertices: u64::from(graph.vertex_count()),
            degree: graph.csr().degree(),
            mean_degree: sum as f64 / f64::from(graph.vertex_count().max(1)),
            max_degree: max,
            entries: graph.entries().len(),
            linked: built.rows.load(Relaxed),
            link_time: Duration::from_nanos(built.nanoseconds.load(Relaxed)),
            link_distances: built.distances.load(Relaxed),
            repaired: built.repaired.load(Relaxed),
        }
    }
}
