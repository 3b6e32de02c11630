//! Writes the graph, the derived columns, codes and what calibration measured, so that the next opening need not derive them.

use std::io::{self, Write};
use std::sync::atomic::Ordering::Relaxed;

use omendb_graph::Graph;
use omendb_storage::{BlobSource, StorageError};
use parking_lot::MutexGuard;

use crate::db::{Core, install};
use crate::progress::Phase;
use crate::search::curves::Measured;
use crate::state::codes::Codes;
use crate::state::derived::Columns;
use crate::state::snapshot::Snapshot;

pub(crate) const GRAPH_BLOB: &str = "graph";
pub(crate) const CODES_BLOB: &str = "codes";
pub(crate) const MEASURED_BLOB: &str = "widths";

/// Fewer new rows than this are linked again at an opening sooner than a checkpoint is written.
const MUCH: u32 = 10_000;

/// So small a part of the graph is linked again at an opening sooner than the whole graph is written each time: calls in
/// quick succession write each row a bounded number of times.
const LITTLE: u32 = 64;

/// So many commits are read again soon.
const FEW_COMMITS: u64 = 4096;

/// A graph of up to so many bytes is copied for a checkpoint, so that linking goes on while the medium takes it. A larger
/// one is not: the copy takes as much memory again.
const COPIED: usize = 256 << 20;

/// Calls `with` with the blobs of a graph, of derived columns, of codes, and of what calibration measured.
pub(crate) fn with_blobs<T>(
    write_graph: impl Fn(&mut dyn Write) -> io::Result<()> + Sync,
    columns: &Columns,
    codes: Option<&Codes>,
    measured: Option<&Measured>,
    with: impl FnOnce(&[BlobSource<'_>]) -> T,
) -> T {
    let columns: Vec<_> =
        columns.iter().map(|column| (column.name(), |out: &mut dyn Write| column.write_to(out))).collect();
    let mut blobs = vec![BlobSource { name: GRAPH_BLOB, write: &write_graph }];
    blobs.extend(columns.iter().map(|(name, write)| BlobSource { name, write }));
    let write_codes = |out: &mut dyn Write| codes.map_or(Ok(()), |codes| codes.write_to(out));
    blobs.extend(codes.map(|_| BlobSource { name: CODES_BLOB, write: &write_codes }));
    let write_measured = |out: &mut dyn Write| measured.map_or(Ok(()), |measured| measured.write_to(out));
    blobs.extend(measured.map(|_| BlobSource { name: MEASURED_BLOB, write: &write_measured }));
    with(&blobs)
}

fn copy(graph: &Graph) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(graph.bytes());
    graph.write_to(&mut bytes)?;
    Ok(bytes)
}

impl Core {
    /// Writes graph and derived columns of the present state, and starts the log of commits anew. Commits
    /// go on meanwhile; linking, which would change the lists, waits until they are copied.
    ///
    /// The graph is written as it is searched: linking sees to it that rows are reached.
    pub(crate) fn checkpoint(&self) -> Result<(), StorageError> {
        // Of two, the newer is written last.
        self.checkpoint_alone(&self.saving.lock())
    }

    fn checkpoint_alone(&self, _saving: &MutexGuard<'_, ()>) -> Result<(), StorageError> {
        let turn = self.linker.turn.lock();
        let snapshot = self.snapshot.load_full();
        let copy = (snapshot.graph.bytes() <= COPIED).then(|| copy(&snapshot.graph)).transpose();
        let copy = copy.expect("memory takes what is written to it");
        let _turn = copy.is_none().then_some(turn);
        let rows = snapshot.graph.rows() as usize;
        let listener = &self.use_.listener;
        listener.tell(Phase::Checkpoint, 0, rows);
        let write_graph = |out: &mut dyn Write| match &copy {
            Some(bytes) => out.write_all(bytes),
            None => snapshot.graph.write_to(out),
        };
        let measured = self.curves.get(&snapshot);
        let write = |blobs: &[BlobSource<'_>]| self.storage.checkpoint(&snapshot.view, blobs);
        match with_blobs(write_graph, &snapshot.columns, snapshot.codes.as_deref(), measured.as_deref(), write) {
            Ok(()) => {
                self.curves.is_saved(measured.as_ref());
                self.indexed(|_, present| {
                    // Else cleared meanwhile, which says 0 while it holds the index.
                    if present.view.epoch() == snapshot.view.epoch() {
                        self.saved_rows.store(snapshot.graph.rows(), Relaxed);
                    }
                });
            }
            Err(StorageError::Stale { .. }) => {} // cleared meanwhile: nothing is left to write
            Err(error) => return Err(error),
        }
        listener.tell(Phase::Checkpoint, rows, rows);
        Ok(())
    }

    /// A checkpoint, unless little is new: then commits are synced, as a checkpoint would sync them.
    pub(crate) fn checkpoint_if_worth(&self) -> Result<(), StorageError> {
        if self.is_worth() {
            let saving = self.saving.lock();
            // Another one may have been written meanwhile.
            if self.is_worth() {
                return self.checkpoint_alone(&saving);
            }
        }
        self.storage.sync()
    }

    fn is_worth(&self) -> bool {
        let (snapshot, saved) = (self.snapshot.load_full(), self.saved_rows.load(Relaxed));
        let rows = snapshot.graph.rows();
        let is_little = saved > 0 && rows.checked_sub(saved).is_some_and(|new| new <= rows / LITTLE);
        let commits = snapshot.view.commit().saturating_sub(self.storage.checkpoint_commit());
        !is_little || commits >= FEW_COMMITS
    }

    /// A checkpoint if anything was committed, or linked, since the last one.
    pub(crate) fn checkpoint_if_behind(&self) -> Result<(), StorageError> {
        if self.is_behind() { self.checkpoint() } else { Ok(()) }
    }

    /// The last checkpoint, if there is anything for it: of a graph that was looked at whole.
    pub(crate) fn checkpoint_at_closing(&self) -> Result<(), StorageError> {
        if self.is_behind() {
            let turn = self.linker.turn.lock();
            self.repaired();
            drop(turn);
            return self.checkpoint();
        }
        // A large graph is not written again for what calibration measured.
        let snapshot = self.snapshot.load_full();
        let is_worth = snapshot.graph.bytes() <= COPIED && self.curves.is_unsaved(&snapshot);
        if is_worth && !self.read_only && self.path.is_some() { self.checkpoint() } else { Ok(()) }
    }

    fn is_behind(&self) -> bool {
        let snapshot = self.snapshot.load();
        let is_new = snapshot.view.commit() > self.storage.checkpoint_commit()
            || snapshot.graph.rows() != self.saved_rows.load(Relaxed);
        is_new && !self.read_only && self.path.is_some()
    }

    /// Whether what was linked since the last checkpoint is a good part of the database: if there is one each time, each
    /// row is written by a bounded number of checkpoints, however many there are (rule R8).
    pub(crate) fn much_is_new(&self) -> bool {
        let rows = self.snapshot.load().graph.rows();
        rows.checked_sub(self.saved_rows.load(Relaxed)).unwrap_or(rows) >= MUCH.max(rows / 2)
    }

    /// The present state with every linked row reachable, for a caller that holds the linker's turn: after small batches
    /// the graph is not looked at whole.
    pub(crate) fn repaired(&self) -> Snapshot {
        let snapshot = self.snapshot.load_full();
        let mut graph = (*snapshot.graph).clone();
        // Not by the threads that link: they may be taking deleted rows out, and would come to this when that is done.
        if install(&self.pool, || self.with_linking_space(&snapshot, |rows| graph.repair(rows))) > 0 {
            self.publish_graph(&snapshot, graph);
        }
        (*self.snapshot.load_full()).clone()
    }
}
