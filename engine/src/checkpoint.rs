//! What is derived from the rows is written, so that the next opening need not derive it again.

use std::io::Write;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use omendb_kernels::Metric;
use omendb_storage::{BlobSource, StorageError};

use crate::db::Core;
use crate::progress::Phase;
use crate::snapshot::Snapshot;

pub(crate) const GRAPH_BLOB: &str = "graph";
pub(crate) const NORMS_BLOB: &str = "norms";

/// Fewer new rows than this are linked again at an opening sooner than a checkpoint is written.
const BULK_ROWS: u64 = 10_000;

impl Core {
    /// Writes graph and norms of the present state, and starts the log of commits anew.
    pub(crate) fn checkpoint(&self) -> Result<(), StorageError> {
        let _linking = self.linker.lock().unwrap_or_else(PoisonError::into_inner);
        let _writing = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = self.repaired();
        let listener = &self.options.use_.listener;
        listener.tell(Phase::Checkpoint, 0, snapshot.graph.rows() as usize);

        let graph = |out: &mut dyn Write| snapshot.graph.write_to(out);
        let norms = |out: &mut dyn Write| out.write_all(&snapshot.norms.to_bytes(snapshot.norms.len()));
        let blobs = [BlobSource { name: GRAPH_BLOB, write: &graph }, BlobSource { name: NORMS_BLOB, write: &norms }];
        let with_norms = if self.options.metric == Metric::Cosine { 2 } else { 1 };
        self.storage.checkpoint(&snapshot.view, &blobs[..with_norms])?;
        listener.tell(Phase::Checkpoint, snapshot.graph.rows() as usize, snapshot.graph.rows() as usize);
        Ok(())
    }

    /// A checkpoint if anything was committed since the last one.
    pub(crate) fn checkpoint_if_behind(&self) -> Result<(), StorageError> {
        let behind = self.snapshot.load().view.commit() > self.storage.checkpoint_commit();
        if self.read_only || self.path.is_none() || !behind {
            return Ok(());
        }
        self.checkpoint()
    }

    /// A checkpoint if what was added since the last one is a good part of the database: so each
    /// row is written by a bounded number of checkpoints, however many there are (rule R8).
    pub(crate) fn checkpoint_after_bulk(&self) {
        let linked = self.built.rows.load(Relaxed);
        let since = linked - self.built.checkpointed.load(Relaxed);
        let half = u64::from(self.snapshot.load().view.slots()) / 2;
        if self.path.is_none() || since < BULK_ROWS.max(half) {
            return;
        }
        match self.checkpoint_if_behind() {
            Ok(()) => self.built.checkpointed.store(linked, Relaxed),
            Err(error) => tracing::warn!(%error, "no checkpoint after a bulk of rows"),
        }
    }

    /// The present state with every linked row reachable: small batches leave the look at the
    /// whole graph to the checkpoint.
    fn repaired(&self) -> Snapshot {
        let snapshot = self.snapshot.load_full();
        let mut graph = (*snapshot.graph).clone();
        if self.pool.install(|| graph.repair(&snapshot.rows(&self.linking))) > 0 {
            self.publish_graph(&snapshot, graph);
        }
        (*self.snapshot.load_full()).clone()
    }
}
