//! Creating and opening databases.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, Mutex, RwLock};

use arc_swap::ArcSwap;
use omendb_graph::Graph;
use omendb_kernels::{Isa, Metric};
use omendb_storage::memory::Memory;
use omendb_storage::{Storage, StorageError, View};

use crate::db::{Built, Core, LOST, Pool};
use crate::options::OpenOptions;
use crate::search::curves::{Curves, Measured};
use crate::search::measure::Measure;
use crate::search::scratch::Scratches;
use crate::state::codes::Codes;
use crate::state::derived::Columns;
use crate::state::index::Index;
use crate::state::snapshot::Snapshot;
use crate::write::checkpoint::{CODES_BLOB, GRAPH_BLOB, MEASURED_BLOB};
use crate::write::link_thread::LinkThread;
use crate::write::linker::Linker;
use crate::write::queue::Queue;
use crate::{Backend, Config, Db, OpenError, Options};

impl Db {
    /// A new, empty database in the folder `path`, which is made, or is empty. [`Options`] say what it is; so does the
    /// [`Config`] of another database, which includes the backend.
    ///
    /// # Errors
    /// [`OpenError::Option`] for an option out of range; [`OpenError::Storage`] when something is
    /// there already or the medium fails.
    pub fn create(path: impl AsRef<Path>, options: impl Into<Options>) -> Result<Db, OpenError> {
        let (path, options) = (path.as_ref(), options.into());
        options.check()?;
        let parts = Parts::new(&options)?;
        let storage = options.config.backend.create(path, &options.config.schema(), options.use_.durability)?;
        assemble(options, parts, storage, Some(path), false)
    }

    /// The database in the folder `path`, to read and write.
    ///
    /// Rows that came after the last checkpoint are linked again in the background; until then
    /// they are searched exactly, and nobody who adds rows is throttled for them.
    ///
    /// # Errors
    /// [`OpenError::Storage`] when another process has it open for writing (`Locked`), when there
    /// is none, or when its files are damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Db, OpenError> {
        Db::open_with(path, OpenOptions::default())
    }

    /// [`Db::open`], with options.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub fn open_with(path: impl AsRef<Path>, options: OpenOptions) -> Result<Db, OpenError> {
        let path = path.as_ref();
        options.check()?;
        let backend = Backend::of(path);
        let storage = backend.open(path, options.durability)?;
        Db::from_storage(storage, backend, options, path, false)
    }

    /// The database in the folder `path`, or a new one if there is none.
    ///
    /// One that exists keeps the degree, build width, α, seed, buffer and backend that it was made
    /// with, whatever `options` say of these.
    ///
    /// # Errors
    /// As [`Db::open`] and [`Db::create`], and [`OpenError::Mismatch`] when the one that exists
    /// has another dimension, metric, row type or id kind.
    pub fn open_or_create(path: impl AsRef<Path>, options: impl Into<Options>) -> Result<Db, OpenError> {
        const TURNS: usize = 8;
        let (path, options) = (path.as_ref(), options.into());
        let mut turn = 1;
        let opened = loop {
            let missing = match Db::open_with(path, options.use_.clone()) {
                // There is none, an empty folder, or what is left where a process ended while it made
                // mapped files.
                Err(OpenError::Storage(
                    missing @ (StorageError::NotFound { .. } | StorageError::NotADatabase { .. }),
                )) => missing,
                opened => break opened,
            };
            match Db::create(path, options.clone()) {
                // Another process made one in between, or there is something else.
                Err(OpenError::Storage(StorageError::Exists { .. })) if turn < TURNS => turn += 1,
                Err(OpenError::Storage(StorageError::Exists { .. })) => return Err(missing.into()),
                made => return made,
            }
        };
        match opened {
            Err(error) => Err(error),
            Ok(db) => {
                let (found, asked) = (db.config(), &options.config);
                same(path, "dimension", &found.dim, &asked.dim)?;
                same(path, "metric", &found.metric, &asked.metric)?;
                same(path, "row type", &found.row_type, &asked.row_type)?;
                same(path, "ids of the kind", &found.id_kind, &asked.id_kind)?;
                Ok(db)
            }
        }
    }

    /// The database in the folder `path` as it is now, to read only: no lock is taken, a writer
    /// may go on, and what it writes later is not seen.
    ///
    /// # Errors
    /// As [`Db::open`], but for the lock.
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Db, OpenError> {
        Db::open_read_only_with(path, OpenOptions::default())
    }

    /// [`Db::open_read_only`], with options.
    ///
    /// # Errors
    /// As [`Db::open_read_only`].
    pub fn open_read_only_with(path: impl AsRef<Path>, options: OpenOptions) -> Result<Db, OpenError> {
        let path = path.as_ref();
        options.check()?;
        let backend = Backend::of(path);
        let storage = backend.open_read_only(path)?;
        Db::from_storage(storage, backend, options, path, true)
    }

    /// A database without a medium: gone when the last handle is.
    ///
    /// # Errors
    /// [`OpenError::Option`] for an option out of range.
    pub fn in_memory(options: impl Into<Options>) -> Result<Db, OpenError> {
        let options = options.into();
        options.check()?;
        let parts = Parts::new(&options)?;
        let storage = Memory::new(options.config.schema())?;
        assemble(options, parts, Box::new(storage), None, false)
    }

    fn from_storage(
        storage: Box<dyn Storage>,
        backend: Backend,
        use_: OpenOptions,
        path: &Path,
        read_only: bool,
    ) -> Result<Db, OpenError> {
        let options = Options { config: Config::from_schema(storage.schema(), backend)?, use_ };
        let parts = Parts::new(&options)?;
        assemble(options, parts, storage, Some(path), read_only)
    }
}

fn same<T: PartialEq + ToString>(path: &Path, name: &'static str, found: &T, expected: &T) -> Result<(), OpenError> {
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (found.to_string(), expected.to_string());
    Err(OpenError::Mismatch { path: path.into(), name, found, expected })
}

/// Kernels and threads: refused before anything is made when they are not to be had.
struct Parts {
    asked: Measure,
    linking: Measure,
    pool: Pool,
    link_pool: Pool,
    thread: LinkThread,
}

impl Parts {
    fn new(options: &Options) -> Result<Self, OpenError> {
        let config = &options.config;
        let isa = options.use_.isa.map_or_else(Isa::chosen, Ok)?;
        let new = |metric| Measure::new(metric, config.row_type, config.dim, isa);
        // On rows of one length the inner product orders as the Euclidean distance does, which is a metric, as
        // RobustPrune assumes. Where lengths differ, rows have lists by both.
        let linking = match config.metric {
            Metric::InnerProduct => Metric::L2,
            metric => metric,
        };
        let (asked, linking) = (new(config.metric)?, new(linking)?);
        let threads = options.use_.threads;
        let pool = |name: &'static str| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(move |n| format!("omendb-{name}-{n}"))
                .build()
                .map(Pool::new)
                .map_err(|error| OpenError::Threads { threads, what: error.to_string() })
        };
        Ok(Parts { asked, linking, pool: pool("ask")?, link_pool: pool("link")?, thread: LinkThread::start()? })
    }
}

fn assemble(
    options: Options,
    parts: Parts,
    storage: Box<dyn Storage>,
    path: Option<&Path>,
    read_only: bool,
) -> Result<Db, OpenError> {
    let view = storage.view();
    let (snapshot, measured, whole) = recover(&options, parts.asked.isa(), storage.as_ref(), view)?;
    let core = Arc::new(Core {
        index: RwLock::new(Index::of(&snapshot.view)),
        centred: parts.asked.centred(),
        centre: Mutex::default(),
        measure: parts.asked,
        linking: parts.linking,
        path: path.map(Path::to_owned),
        read_only,
        storage,
        pool: parts.pool,
        link_pool: parts.link_pool,
        dead_seen: AtomicU32::new(0),
        // Where something was lost, closing writes all of it anew.
        saved_rows: AtomicU32::new(if whole { snapshot.graph.rows() } else { LOST }),
        linker: Linker::new(&snapshot.view),
        snapshot: ArcSwap::from_pointee(snapshot),
        writer: Mutex::new(()),
        queue: Queue::default(),
        saving: parking_lot::Mutex::default(),
        distinct: Mutex::default(),
        scratches: Scratches::default(),
        curves: Curves::of_checkpoint(measured),
        closing: AtomicBool::new(false),
        built: Built::default(),
        config: options.config,
        use_: options.use_,
    });
    let opened = core.snapshot.load_full();
    let codes = core.encoded(&opened, &opened.graph);
    core.snapshot.store(Arc::new(Snapshot { codes, ..(*opened).clone() }));
    let linking = parts.thread.begin(&core);
    Ok(Db::of(core, linking))
}

/// The state that the medium holds, with as much of the graph as a checkpoint covers; what calibration measured; and
/// whether all that is derived from the rows was whole.
///
/// What is derived and damaged, missing or unfit is not an error: it is derived again.
fn recover(
    options: &Options,
    isa: Isa,
    storage: &dyn Storage,
    view: Arc<View>,
) -> Result<(Snapshot, Option<Measured>, bool), OpenError> {
    let config = &options.config;
    let empty = || Graph::empty(config.degree).expect("the degree was checked");
    let read = |bytes: &[u8]| match Graph::read_from(bytes) {
        Ok(graph) if graph.rows() <= view.slots() && graph.csr().degree() == config.degree => Ok(graph),
        Ok(_) => Err("it does not belong to these rows".to_string()),
        Err(error) => Err(error.to_string()),
    };
    let graph = derived(storage, GRAPH_BLOB, read)?;
    let mut whole = !matches!(graph, Derived::Lost);
    let columns = Columns::empty(config).try_map(|empty| {
        let read = |bytes: &[u8]| {
            let column = empty.read_from(bytes).filter(|column| column.len() <= view.slots());
            column.ok_or_else(|| "it does not belong to these rows".to_string())
        };
        let column = derived(storage, empty.name(), read)?;
        whole &= !matches!(column, Derived::Lost);
        Ok::<_, OpenError>(match column {
            Derived::Whole(kept) => kept.extended(&view),
            Derived::None | Derived::Lost => empty.extended(&view),
        })
    })?;
    let read = |bytes: &[u8]| {
        let measured = Measured::read_from(bytes, view.epoch(), view.slots());
        measured.ok_or_else(|| "it does not belong to these rows".to_string())
    };
    let measured = derived(storage, MEASURED_BLOB, read)?;
    whole &= !matches!(measured, Derived::Lost);
    let graph = Arc::new(graph.found().unwrap_or_else(empty));
    let mut snapshot = Snapshot { view, graph, columns, codes: None };
    if options.use_.codes {
        let source = snapshot.code_source(config, isa);
        let read = |bytes: &[u8]| {
            let codes = Codes::read_from(bytes, source).filter(|codes| codes.len() <= snapshot.graph.rows());
            codes.ok_or_else(|| "it does not belong to these rows".to_string())
        };
        let codes = derived(storage, CODES_BLOB, read)?;
        whole &= !matches!(codes, Derived::Lost);
        snapshot.codes = codes.found().map(Arc::new);
    }
    Ok((snapshot, measured.found(), whole))
}

/// What was found of something that is derived from the rows.
enum Derived<T> {
    Whole(T),
    /// There was none yet.
    None,
    Lost,
}

impl<T> Derived<T> {
    fn found(self) -> Option<T> {
        match self {
            Derived::Whole(value) => Some(value),
            Derived::None | Derived::Lost => None,
        }
    }
}

/// What `read` makes of a blob. One that is damaged, or missing though there was a checkpoint, is told.
fn derived<T>(
    storage: &dyn Storage,
    name: &'static str,
    read: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Result<Derived<T>, OpenError> {
    let what = match storage.blob(name) {
        Ok(None) => return Ok(Derived::None),
        Ok(Some(bytes)) => match read(&bytes) {
            Ok(value) => return Ok(Derived::Whole(value)),
            Err(what) => what,
        },
        Err(error @ StorageError::Corrupt { .. }) => error.to_string(),
        Err(error) => return Err(error.into()),
    };
    tracing::warn!(name, what, "a file that is derived from the rows is lost, and made again");
    Ok(Derived::Lost)
}
