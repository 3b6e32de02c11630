//! Returns the space of deleted and replaced rows to the system.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};

use omendb_graph::GraphError;
use omendb_storage::{BlobSource, StorageError};

use crate::Db;
use crate::db::{Core, install};
use crate::state::index::Index;
use crate::state::snapshot::Snapshot;
use crate::write::checkpoint::with_blobs;

impl Db {
    /// Rewrites the database without its deleted and replaced rows, and links the others anew, as a build of them in one
    /// batch would: it takes as long, and answers as well.
    ///
    /// Searches go on meanwhile. While rows are linked, writes go on too. What they add stays in the buffer, where every
    /// search scans it. They wait once it has eight times `buffer_rows`, and while the rows are rewritten.
    ///
    /// Takes as much space on the medium as the rows that stay, until it returns. If no row was deleted or replaced,
    /// nothing is rewritten but what is not yet written of the graph.
    ///
    /// # Errors
    /// What the medium says; the database is then as it was.
    pub fn compact(&self) -> Result<(), StorageError> {
        self.core.compact()
    }
}

impl Core {
    fn compact(&self) -> Result<(), StorageError> {
        self.writable()?;
        self.link_present();
        let saving = self.saving.lock();
        let turn = self.linker.turn.lock();
        let compacting = self.linker.compacting();
        self.link_anew();
        let writing = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.snapshot.load_full();
        if before.view.live() == before.view.slots() {
            drop((writing, compacting, turn, saving));
            return self.checkpoint_if_behind();
        }
        // In the order of their slots, so that what is linked comes before what is not.
        let order: Vec<u32> = before.view.living().collect();
        let linked = order.partition_point(|&slot| slot < before.graph.rows());
        let build = &self.config.build;
        let compacted =
            || self.with_linking_space(&before, |rows| before.graph.compacted(rows, &order[..linked], build));
        let graph = install(&self.link_pool, compacted).expect("a smaller graph of the same degree");
        let columns = before.columns.reordered(&order);
        let codes = before.codes.as_ref().map(|codes| Arc::new(codes.reordered(&order[..linked])));

        let write = |blobs: &[BlobSource<'_>]| self.storage.compact(&before.view, &order, blobs);
        let view = match self.path {
            Some(_) => with_blobs(|out| graph.write_to(out), &columns, codes.as_deref(), None, write),
            None => write(&[]),
        }?;
        self.saved_rows.store(graph.rows(), Relaxed);
        self.publish(|index, _| {
            *index = Index::of(&view);
            Some(Snapshot { view, graph: graph.into(), columns, codes })
        });
        Ok(())
    }

    /// Links the rows that are alive anew, for a caller that holds the linker's turn. Writers go on meanwhile.
    fn link_anew(&self) {
        let before = self.snapshot.load_full();
        let view = &before.view;
        if view.live() == view.slots() {
            return;
        }
        let mut unless_cleared = |_| {
            let cleared = self.snapshot.load().view.epoch() != view.epoch();
            if cleared { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let is_alive = |slot: u32| !view.is_dead(slot);
        let relinked = || {
            self.with_linking_space(&before, |rows| {
                before.graph.relinked(rows, is_alive, &self.config.build, &mut unless_cleared)
            })
        };
        match install(&self.link_pool, relinked) {
            Ok(graph) => self.publish_graph(&before, graph),
            Err(GraphError::Cancelled { .. }) => {} // cleared: no row is left
            Err(error) => tracing::error!(%error, "rows keep their old lists"),
        }
    }
}
