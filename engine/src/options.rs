//! Options: what a database is, fixed when it is made, and how this process uses it.

use std::str::FromStr;
use std::sync::Arc;

use omendb_graph::BuildOptions;
use omendb_kernels::{ElementKind, Isa, MAX_DIM, Metric};
use omendb_storage::{Durability, IdKind, Schema};
use serde::{Deserialize, Serialize};

use crate::progress::{Listener, Progress};
use crate::{Backend, OpenError};

/// What a new database is. Everything but dimension and metric has a default.
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) dim: usize,
    pub(crate) metric: Metric,
    pub(crate) row_type: ElementKind,
    pub(crate) id_kind: IdKind,
    pub(crate) degree: usize,
    pub(crate) build: BuildOptions,
    pub(crate) buffer_rows: usize,
    pub(crate) backend: Backend,
    pub(crate) use_: OpenOptions,
}

/// How a process uses a database.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    pub(crate) threads: usize,
    pub(crate) durability: Durability,
    pub(crate) isa: Option<Isa>,
    pub(crate) listener: Listener,
}

/// More threads than any machine has processors for: one a processor is the most that helps.
const MOST_THREADS: usize = 4096;

impl OpenOptions {
    /// Every option inside its range.
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        if self.threads <= MOST_THREADS {
            return Ok(());
        }
        let expected = format!("0 (one a processor) to {MOST_THREADS}");
        Err(OpenError::Option { name: "threads", found: self.threads.to_string(), expected })
    }

    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Threads for linking and for batches of queries. 0, the default, is one for each processor.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// What a write waits for. The default is [`Durability::Sync`].
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// The instruction set of the distance kernels. The default is `OMENDB_ISA`, or else the best there is.
    pub fn isa(mut self, isa: Isa) -> Self {
        self.isa = Some(isa);
        self
    }

    /// Called with how far long calls have come, from whichever thread does the work. It may search the database, and let
    /// handles to it go. Its writes are refused ([`StorageError::InListener`](crate::StorageError::InListener)), as the
    /// database may be waiting for it.
    pub fn progress(mut self, listen: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.listener = Listener(Some(Arc::new(listen)));
        self
    }
}

impl Options {
    /// Rows of `dim` numbers, 1 to 65,536, compared by `metric`.
    pub fn new(dim: usize, metric: Metric) -> Self {
        Options {
            dim,
            metric,
            row_type: ElementKind::F32,
            id_kind: IdKind::U64,
            degree: 32,
            build: BuildOptions::default(),
            buffer_rows: 1000,
            backend: Backend::default(),
            use_: OpenOptions::default(),
        }
    }

    /// The type that rows are stored in. The default is f32.
    pub fn row_type(mut self, kind: ElementKind) -> Self {
        self.row_type = kind;
        self
    }

    /// The kind of ids: numbers, the default, or strings.
    pub fn id_kind(mut self, kind: IdKind) -> Self {
        self.id_kind = kind;
        self
    }

    /// R, the most neighbours of a row in the graph. The default is 32.
    pub fn degree(mut self, degree: usize) -> Self {
        self.degree = degree;
        self
    }

    /// L, the width of the search for a new row's neighbours. The default is 100. A bulk build compares rows in groups
    /// instead; a larger L means more groups.
    pub fn build_width(mut self, width: usize) -> Self {
        self.build.build_width = width;
        self
    }

    /// α, how much nearer a detour must be for a prune to drop an edge. The default is 1.1.
    pub fn alpha(mut self, alpha: f32) -> Self {
        self.build.alpha = alpha;
        self
    }

    /// The seed of everything random: the order in which the rows of a batch are linked, and the leaders of a bulk
    /// build's partitions.
    pub fn seed(mut self, seed: u64) -> Self {
        self.build.seed = seed;
        self
    }

    /// How many rows may wait in the buffer before they are linked. The default is 1000. Searches scan them. While more wait, who adds rows
    /// is throttled. At 0, each call returns when its rows are linked: the same calls, one after another, make the
    /// same graph.
    pub fn buffer_rows(mut self, rows: usize) -> Self {
        self.buffer_rows = rows;
        self
    }

    /// See [`OpenOptions::threads`].
    pub fn threads(mut self, threads: usize) -> Self {
        self.use_ = self.use_.threads(threads);
        self
    }

    /// See [`OpenOptions::durability`].
    pub fn durability(mut self, durability: Durability) -> Self {
        self.use_ = self.use_.durability(durability);
        self
    }

    /// See [`OpenOptions::isa`].
    pub fn isa(mut self, isa: Isa) -> Self {
        self.use_ = self.use_.isa(isa);
        self
    }

    /// See [`OpenOptions::progress`].
    pub fn progress(mut self, listen: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.use_ = self.use_.progress(listen);
        self
    }

    /// Values per row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How rows are compared.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// The type rows are stored in.
    pub fn stored_type(&self) -> ElementKind {
        self.row_type
    }

    /// The backend of a new database. The default is mapped files. An existing database keeps its own.
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// The kind of ids.
    pub fn ids(&self) -> IdKind {
        self.id_kind
    }

    pub(crate) fn row_bytes(&self) -> usize {
        self.dim * self.row_type.size()
    }

    /// Every option inside its range.
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        let wrong = |name, found: &dyn ToString, expected: &str| {
            Err(OpenError::Option { name, found: found.to_string(), expected: expected.to_owned() })
        };
        let (least, most) = (omendb_graph::MIN_DEGREE, omendb_graph::MAX_DEGREE);
        let build = &self.build;
        match () {
            () if !(1..=MAX_DIM).contains(&self.dim) => wrong("dim", &self.dim, &format!("1 to {MAX_DIM}")),
            () if !(least..=most).contains(&self.degree) => {
                wrong("degree", &self.degree, &format!("{least} to {most}"))
            }
            () if !(1..=100_000).contains(&build.build_width) => {
                wrong("build_width", &build.build_width, "1 to 100,000")
            }
            () if !(1.0..=10.0).contains(&build.alpha) => wrong("alpha", &build.alpha, "1 to 10"),
            () => self.use_.check(),
        }
    }

    pub(crate) fn schema(&self) -> Schema {
        let description = Description {
            dim: self.dim,
            metric: self.metric.to_string(),
            row_type: self.row_type.to_string(),
            degree: self.degree,
            build_width: self.build.build_width,
            alpha: self.build.alpha,
            seed: self.build.seed,
            buffer_rows: self.buffer_rows,
        };
        Schema {
            row_bytes: self.row_bytes(),
            ids: self.id_kind,
            user: serde_json::to_vec(&description).expect("numbers and strings become JSON"),
        }
    }

    /// The options that [`Options::schema`] wrote.
    pub(crate) fn from_schema(schema: &Schema, backend: Backend, use_: OpenOptions) -> Result<Self, OpenError> {
        let unknown = |what: String| OpenError::Description { what };
        let description: Description =
            serde_json::from_slice(&schema.user).map_err(|error| unknown(error.to_string()))?;
        let options = Options {
            dim: description.dim,
            metric: Metric::from_str(&description.metric).map_err(|error| unknown(error.to_string()))?,
            row_type: ElementKind::from_str(&description.row_type).map_err(|error| unknown(error.to_string()))?,
            id_kind: schema.ids,
            degree: description.degree,
            build: BuildOptions {
                build_width: description.build_width,
                alpha: description.alpha,
                seed: description.seed,
            },
            buffer_rows: description.buffer_rows,
            backend,
            use_,
        };
        options.check()?;
        if options.row_bytes() != schema.row_bytes {
            let what = format!(
                "rows of {} bytes, {} values of {} have {}",
                schema.row_bytes,
                options.dim,
                options.row_type,
                options.row_bytes()
            );
            return Err(unknown(what));
        }
        Ok(options)
    }
}

/// What the medium keeps of the options, as JSON.
#[derive(Serialize, Deserialize)]
struct Description {
    dim: usize,
    metric: String,
    row_type: String,
    degree: usize,
    build_width: usize,
    alpha: f32,
    seed: u64,
    buffer_rows: usize,
}
