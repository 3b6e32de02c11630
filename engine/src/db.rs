//! The handle `Db`, and what all handles of a database share.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use omendb_graph::Graph;
use omendb_storage::{Storage, StorageError};

use crate::search::curves::Curves;
use crate::search::measure::Measure;
use crate::search::scratch::Scratches;
use crate::state::centroid::Centre;
use crate::state::copies::Distinct;
use crate::state::derived::Columns;
use crate::state::index::Index;
use crate::state::snapshot::Snapshot;
use crate::write::linker::Linker;
use crate::write::queue::Queue;
use crate::{Config, OpenOptions};

/// A vector database. A handle: cloning is cheap, and all clones are the same database.
///
/// Used from many threads: writes queue behind one another, searches never wait for them and see
/// the last acknowledged state. A thread of the database's own links rows into the graph. When the last
/// handle is dropped, a checkpoint is written and the lock released; [`Db::close`] does the same and
/// tells of errors.
///
/// In a process that was forked from the one that opened the database, searches go on over what was
/// there at the fork, writes are refused ([`StorageError::Forked`]), and dropping does nothing.
#[derive(Clone)]
pub struct Db {
    pub(crate) core: Arc<Core>,
    /// Behind `core`, so that the last handle's drop happens while `core` is whole.
    _closing: Arc<Closing>,
}

/// Everything of an open database.
///
/// Locks are taken in this order, and no other: `saving` (while a checkpoint is written, or the database compacted), the
/// linker's `turn` (while rows are linked, or a graph is reconnected, copied or compacted), `writer` (from the look at what
/// exists to the publishing of what was added), `index` (while a state is swapped in, or an id is looked up). `distinct`, `centre`, `queue` and the
/// linker's state are taken last, and nothing is taken while one of them is held. Nobody waits for the thread that links while it holds any.
pub(crate) struct Core {
    pub(crate) config: Config,
    /// How this process uses it.
    pub(crate) use_: OpenOptions,
    pub(crate) path: Option<PathBuf>,
    pub(crate) read_only: bool,
    pub(crate) storage: Box<dyn Storage>,
    /// What is asked by users.
    pub(crate) measure: Measure,
    /// What lists by nearness are made by: the Euclidean distance under the inner product, else what is asked.
    pub(crate) linking: Measure,
    /// For checking batches, for batches of queries, and for the look at a graph before a checkpoint.
    pub(crate) pool: Pool,
    /// For linking, so that a long link keeps nobody waiting.
    pub(crate) link_pool: Pool,
    pub(crate) snapshot: ArcSwap<Snapshot>,
    /// Held from the look at what exists to the publishing of what was added.
    pub(crate) writer: Mutex<()>,
    /// Small batches whose callers wait for that.
    pub(crate) queue: Queue,
    /// From id to slot; held for writing while a snapshot is published, so that both change at once.
    pub(crate) index: RwLock<Index>,
    /// Who works on the graph, and the thread that does it otherwise.
    pub(crate) linker: Linker,
    /// Held while a checkpoint is written, or the database compacted.
    pub(crate) saving: parking_lot::Mutex<()>,
    /// What lists by inner product are made by: from the centre of the rows.
    pub(crate) centred: Measure,
    /// That centre, once it was needed.
    pub(crate) centre: Mutex<Option<Arc<Centre>>>,
    /// What rows are equal; used by who holds the linker's lock.
    pub(crate) distinct: Mutex<Distinct>,
    pub(crate) scratches: Scratches,
    /// What widths were found to reach.
    pub(crate) curves: Curves,
    /// How many rows were dead when the graph was last looked at for them.
    pub(crate) dead_seen: AtomicU32,
    /// How many rows the graph has that a checkpoint holds. [`LOST`], where the checkpoint is damaged.
    pub(crate) saved_rows: AtomicU32,
    pub(crate) closing: AtomicBool,
    pub(crate) built: Built,
}

/// More rows than a graph has: what a checkpoint held is lost, and is to be written again.
pub(crate) const LOST: u32 = u32::MAX;

/// What linking has cost since the database was opened.
#[derive(Default)]
pub(crate) struct Built {
    pub(crate) rows: AtomicU64,
    pub(crate) nanoseconds: AtomicU64,
    pub(crate) distances: AtomicU64,
    pub(crate) repaired: AtomicU64,
}

/// Ends the thread that links and writes the last checkpoint when the last handle goes.
struct Closing {
    core: Arc<Core>,
    linking: Option<JoinHandle<()>>,
}

impl Drop for Closing {
    fn drop(&mut self) {
        if self.core.pool.is_of_parent() {
            // Threads and files are the parent's: nothing is waited for, written or given back.
            std::mem::forget((Arc::clone(&self.core), self.linking.take()));
            return;
        }
        self.core.end_linker();
        if let Some(thread) = self.linking.take() {
            let is_own = thread.thread().id() == std::thread::current().id();
            if is_own || self.core.link_pool.current_thread_index().is_some() {
                // A listener lets the last handle go: the thread that tells it cannot wait for itself. It ends when it
                // returns, and the files are released then.
                return;
            }
            let _ = thread.join();
        }
        if let Err(error) = self.core.checkpoint_at_closing() {
            tracing::warn!(%error, "no checkpoint at closing; its rows will be linked again");
        }
    }
}

impl Db {
    /// A handle to a database whose parts have been opened, and whose rows the thread `linking` links.
    pub(crate) fn of(core: Arc<Core>, linking: JoinHandle<()>) -> Self {
        let closing = Closing { core: Arc::clone(&core), linking: Some(linking) };
        Db { core, _closing: Arc::new(closing) }
    }

    /// What the database is. [`Db::create`] makes another of the same kind of it.
    pub fn config(&self) -> &Config {
        &self.core.config
    }

    /// Where it is; none in memory.
    pub fn path(&self) -> Option<&Path> {
        self.core.path.as_deref()
    }

    /// Links what is in the buffer, and puts everything acknowledged on the medium. Rows that others add meanwhile are not
    /// waited for.
    ///
    /// # Errors
    /// What the medium says.
    pub fn flush(&self) -> Result<(), StorageError> {
        self.core.writable()?;
        self.core.link_present();
        self.core.storage.sync()
    }

    /// Writes the graph, so that the next opening need not link again what it covers. Rows in the buffer stay there.
    ///
    /// If less than a 64th of the graph is new since the last checkpoint, and there were fewer than 4,096 commits, commits
    /// are synced and the graph is not written: calls in quick succession cost little. Closing writes all.
    ///
    /// # Errors
    /// What the medium says; the database goes on as before.
    pub fn checkpoint(&self) -> Result<(), StorageError> {
        self.core.writable()?;
        if self.core.path.is_none() {
            return Ok(()); // nothing that could be opened again
        }
        self.core.checkpoint_if_worth()
    }

    /// [`Db::flush`] and [`Db::checkpoint`], and this handle is gone.
    ///
    /// The files are released when the last handle is.
    ///
    /// # Errors
    /// What the medium says; everything acknowledged is there all the same.
    pub fn close(self) -> Result<(), StorageError> {
        if self.core.read_only || self.core.path.is_none() {
            return Ok(());
        }
        self.core.writable()?;
        self.core.link_present();
        self.core.checkpoint_at_closing()
    }
}

/// Threads, and the process that has them.
pub(crate) struct Pool {
    threads: rayon::ThreadPool,
    process: u32,
}

impl Pool {
    pub(crate) fn new(threads: rayon::ThreadPool) -> Self {
        Self { threads, process: std::process::id() }
    }

    /// Whether this process is a fork of the one that has the threads: here there are none.
    pub(crate) fn is_of_parent(&self) -> bool {
        self.process != std::process::id()
    }
}

impl std::ops::Deref for Pool {
    type Target = rayon::ThreadPool;

    fn deref(&self) -> &rayon::ThreadPool {
        &self.threads
    }
}

/// Runs `work` in `pool`; in a forked process on a thread that is started for it.
///
/// A caller that is a thread of another pool of rayon's would do that pool's other work while it
/// waits, perhaps another call of ours, and stand before a lock that it holds itself: so it waits
/// by way of a thread that is of no pool, if the system has one.
pub(crate) fn install<R: Send>(pool: &Pool, work: impl FnOnce() -> R + Send) -> R {
    if pool.is_of_parent() {
        let own = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        return own.expect("the system has a thread for a forked process").install(work);
    }
    let of_another = rayon::current_thread_index().is_some() && pool.current_thread_index().is_none();
    if !of_another {
        return pool.install(work);
    }
    let mut work = Some(work);
    let waited = std::thread::scope(|scope| {
        let run = || pool.install(work.take().expect("a thread runs once"));
        std::thread::Builder::new().spawn_scoped(scope, run).map(std::thread::ScopedJoinHandle::join)
    });
    match waited {
        Ok(done) => done.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        Err(_) => pool.install(work.take().expect("no thread ran")),
    }
}

impl Core {
    /// Refuses what a handle that only reads, a forked process or a listener cannot do, before any work is done for it.
    pub(crate) fn writable(&self) -> Result<(), StorageError> {
        let path = || self.path.clone().unwrap_or_else(|| "the database in memory".into());
        if self.pool.is_of_parent() {
            return Err(StorageError::Forked { path: path(), opened: self.pool.process, found: std::process::id() });
        }
        if self.use_.listener.is_calling() {
            return Err(StorageError::InListener { path: path() });
        }
        match &self.path {
            Some(path) if self.read_only => Err(StorageError::ReadOnly { path: path.clone() }),
            _ => Ok(()),
        }
    }

    /// Swaps in the state that `change` makes of the present one.
    pub(crate) fn publish(&self, change: impl FnOnce(&mut Index, &Snapshot) -> Option<Snapshot>) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let present = self.snapshot.load();
        if let Some(next) = change(&mut index, &present) {
            self.snapshot.store(Arc::new(next));
        }
    }

    /// The index and the state it belongs to. In a process that was forked while a thread held the index for writing, it is
    /// locked for ever and perhaps half changed: there it is made anew.
    pub(crate) fn indexed<T>(&self, look: impl FnOnce(&Index, &Snapshot) -> T) -> T {
        if self.pool.is_of_parent() && matches!(self.index.try_read(), Err(TryLockError::WouldBlock)) {
            let present = self.snapshot.load();
            return look(&Index::of(&present.view), &present);
        }
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        look(&index, &self.snapshot.load())
    }

    /// The state of a database that holds nothing.
    pub(crate) fn empty_snapshot(&self, view: Arc<omendb_storage::View>) -> Snapshot {
        let graph = Graph::empty(self.config.degree).expect("the degree was checked");
        Snapshot { view, graph: Arc::new(graph), columns: Columns::empty(&self.config), codes: None }
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("path", &self.path()).field("count", &self.count()).finish_non_exhaustive()
    }
}
