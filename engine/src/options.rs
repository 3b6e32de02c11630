//! Options: what a database is, fixed when it is made, and how this process uses it.

use std::sync::Arc;

use omendb_kernels::{ElementKind, Isa, Metric};
use omendb_storage::{Durability, IdKind};

use crate::progress::{Listener, Progress};
use crate::{Backend, Config, OpenError};

/// What a new database is ([`Config`]) and how this process uses it ([`OpenOptions`]). Everything but dimension and metric has a
/// default.
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) config: Config,
    pub(crate) use_: OpenOptions,
}

/// How a process uses a database.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    pub(crate) threads: usize,
    pub(crate) durability: Durability,
    pub(crate) isa: Option<Isa>,
    pub(crate) listener: Listener,
    pub(crate) codes: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions {
            threads: 0,
            durability: Durability::default(),
            isa: None,
            listener: Listener::default(),
            codes: true,
        }
    }
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

    /// Whether searches go over 4-bit codes of the rows, where these serve. The default is yes. Codes have an eighth of the bytes
    /// of f32 rows, so a search takes about three fifths of the time. Exact distances of the rows that are found decide and are
    /// returned.
    ///
    /// Codes take half a byte of memory a number, and are made when rows are linked. Rows of f32, f16 and bf16 have codes, if
    /// those take a third of the cache lines or less. Searches go over rows where codes would find less of a sample of rows,
    /// or the query is far outside them, or codes cannot tell the rows apart that it finds. Rows of varying norm have none
    /// under the inner product.
    pub fn codes(mut self, codes: bool) -> Self {
        self.codes = codes;
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
        Config::new(dim, metric).into()
    }

    /// The type that rows are stored in. The default is f32.
    pub fn row_type(mut self, kind: ElementKind) -> Self {
        self.config.row_type = kind;
        self
    }

    /// The kind of ids: numbers, the default, or strings.
    pub fn id_kind(mut self, kind: IdKind) -> Self {
        self.config.id_kind = kind;
        self
    }

    /// R, the most neighbours of a row in the graph. The default is 32.
    pub fn degree(mut self, degree: usize) -> Self {
        self.config.degree = degree;
        self
    }

    /// L, the width of the search for a new row's neighbours. The default is 100. A bulk build compares rows in groups
    /// instead; a larger L means more groups.
    pub fn build_width(mut self, width: usize) -> Self {
        self.config.build.build_width = width;
        self
    }

    /// α, how much nearer a detour must be for a prune to drop an edge. The default is 1.1.
    pub fn alpha(mut self, alpha: f32) -> Self {
        self.config.build.alpha = alpha;
        self
    }

    /// The seed of everything random: the order in which the rows of a batch are linked, and the leaders of a bulk
    /// build's partitions.
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.build.seed = seed;
        self
    }

    /// How many rows may wait in the buffer before they are linked. The default is 1000. Searches scan them. While more wait, who adds rows
    /// is throttled. At 0, each call returns when its rows are linked: the same calls, one after another, make the
    /// same graph.
    pub fn buffer_rows(mut self, rows: usize) -> Self {
        self.config.buffer_rows = rows;
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

    /// See [`OpenOptions::codes`].
    pub fn codes(mut self, codes: bool) -> Self {
        self.use_ = self.use_.codes(codes);
        self
    }

    /// See [`OpenOptions::progress`].
    pub fn progress(mut self, listen: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.use_ = self.use_.progress(listen);
        self
    }

    /// The backend of a new database. The default is mapped files. An existing database keeps its own.
    pub fn backend(mut self, backend: Backend) -> Self {
        self.config.backend = backend;
        self
    }

    /// Every option inside its range.
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        self.config.check()?;
        self.use_.check()
    }
}

/// Options of a database of the same kind, with the defaults for this process.
impl From<Config> for Options {
    fn from(config: Config) -> Self {
        Self { config, use_: OpenOptions::default() }
    }
}

impl From<&Config> for Options {
    fn from(config: &Config) -> Self {
        config.clone().into()
    }
}
