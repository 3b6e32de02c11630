//! A commit: writes rows to segments, appends a record to the log, and syncs.
//!
//! With `Durability::Sync`, the record of a short batch carries its rows too, so that one sync of the log makes it durable.
//! Its segment is synced at the next checkpoint. Until then recovery restores the rows from the log. A long batch is not
//! written twice: its segments are synced together with the log. Because either may arrive first, opening compares the rows
//! of the last record with its checksum. Figures: docs/experiments/018.

use std::sync::Arc;

use super::checkpoint::remove;
use super::log::Failed;
use super::record::{Parts, Record};
use super::segment::{Segment, row_checksum};
use super::{Shared, Writer, rows};
use crate::files::dir::numbered;
use crate::{Commit, Durability, RowSource, StorageError, View};

/// The most bytes of rows that a record carries. Beyond it a second sync costs less than a second write.
const INLINE: usize = 256 << 10;
/// A new log begins when the log carries this many bytes of rows and 8 bytes a slot.
const ROLL: u64 = 64 << 20;

impl Writer {
    pub(super) fn commit(&mut self, shared: &Shared, commit: &Commit<'_>) -> Result<Arc<View>, StorageError> {
        self.table.check(commit)?;
        let written = self.write(shared, commit);
        if written.is_err() && self.poison.is_none() {
            self.give_back(shared, commit.rows.len());
        }
        written?;

        let view = self.table.apply(commit.ids, commit.dead);
        shared.now.store(Arc::clone(&view));
        if self.log.inline > ROLL + 8 * u64::from(view.slots())
            && let Err(error) = self.roll(shared)
        {
            // The commit is acknowledged. If this error matters, the next write returns it.
            tracing::warn!(%error, "cannot begin a new log");
        }
        Ok(view)
    }

    /// Writes the rows and the record of a commit, and makes them durable.
    fn write(&mut self, shared: &Shared, commit: &Commit<'_>) -> Result<(), StorageError> {
        let layout = shared.layout;
        let (first, n) = (self.table.now().slots(), commit.rows.len());
        self.grow(shared, layout.segments(u64::from(first) + n as u64))?;

        let sync = shared.durability == Durability::Sync;
        let travels = sync && n > 0 && n * layout.stride <= INLINE;
        let mut packed = Vec::new();
        let mut scratch = std::mem::take(&mut self.scratch);
        let checksums = if travels {
            self.write_inline(shared, first, commit.rows, &mut scratch, &mut packed)
        } else {
            rows::write(&self.segments, layout, first, commit.rows, &mut scratch)
        };
        let inline = if layout.stride == layout.row_bytes { &scratch } else { &packed };
        let inline = travels.then_some(&inline[..]);
        let appended = checksums.and_then(|checksums| self.append(shared, commit, &checksums, inline));
        self.scratch = scratch;
        appended
    }

    /// Frees the space that `rows` rows of a refused commit took behind the last row.
    fn give_back(&mut self, shared: &Shared, rows: usize) {
        let layout = shared.layout;
        let slots = self.table.now().slots();
        let keep = layout.segments(slots.into());
        let first = shared.files.load().manifest.first_segment;
        let gone = (keep..self.segments.len()).map(|index| numbered("rows", first + index as u64));
        remove(shared, gone);
        self.segments.truncate(keep);
        self.table.shrink(keep);
        self.dirty.retain(|index| *index < keep);
        for (_, slot, n) in layout.runs(slots, rows, usize::MAX) {
            let (index, at) = layout.place(slot);
            if let Some(segment) = self.segments.get(index)
                && let Err(error) = segment.punch(at / layout.stride, n)
            {
                tracing::warn!(%error, "cannot free the space of a refused commit yet");
            }
        }
    }

    /// Appends the record of a commit whose rows are written, and makes it durable.
    fn append(
        &mut self,
        shared: &Shared,
        commit: &Commit<'_>,
        checksums: &[u32],
        inline: Option<&[u8]>,
    ) -> Result<(), StorageError> {
        let layout = shared.layout;
        let (first, n) = (self.table.now().slots(), commit.rows.len());
        let (sync, travels) = (shared.durability == Durability::Sync, inline.is_some());
        let touched = if n == 0 { 0..0 } else { layout.place(first).0..layout.segments(u64::from(first) + n as u64) };
        self.dirty.extend(touched.clone());

        let record = Record {
            length: 0,
            commit: self.table.now().commit() + 1,
            first_slot: first,
            rows: 0,
            dead: 0,
            sync,
            inline: travels,
            checksums: false,
            ids_bytes: 0,
            rows_crc: rows::fold(0, checksums),
            body_crc: 0,
            log: 0,
        };
        let carries = n > 0 && !travels && shared.files.load().manifest.binds_rows();
        let parts = Parts { ids: commit.ids, dead: commit.dead, inline, checksums: carries.then_some(checksums) };
        let with = if sync && !travels { &self.segments[touched.clone()] } else { &[] };
        let appended = self.log.append(layout, record, &parts, with);
        let synced = !with.is_empty();
        appended.map_err(|failed| match failed {
            Failed::Undone(error) => error,
            Failed::Unknown(error) => self.poisoned(error),
        })?;
        if synced {
            self.dirty.retain(|segment| !touched.contains(segment));
        }

        Ok(())
    }

    /// Makes segments until there are `wanted`.
    pub(super) fn grow(&mut self, shared: &Shared, wanted: usize) -> Result<(), StorageError> {
        while self.segments.len() < wanted {
            let manifest = &shared.files.load().manifest;
            let number = manifest.first_segment + self.segments.len() as u64;
            let made = Segment::create(&shared.dir, manifest, shared.layout, number);
            let segment = made.inspect_err(|_| remove(shared, [numbered("rows", number)]))?;
            self.table.grow(segment.map());
            if let Some(full) = self.segments.last_mut() {
                full.release();
            }
            self.segments.push(segment);
        }
        // After opening or compaction no descriptor is kept yet.
        self.segments.last_mut().map_or(Ok(()), Segment::keep)
    }

    /// Writes a short batch to its segments. Its rows stay in `strided`, and in `packed` if rows have padding.
    fn write_inline(
        &mut self,
        shared: &Shared,
        first: u32,
        rows: &dyn RowSource,
        strided: &mut Vec<u8>,
        packed: &mut Vec<u8>,
    ) -> Result<Vec<u32>, StorageError> {
        let layout = shared.layout;
        strided.resize(rows.len() * layout.stride, 0);
        rows.fill(0..rows.len(), layout.stride, strided);
        let mut checksums = Vec::with_capacity(rows.len());
        for row in strided.chunks_exact(layout.stride) {
            let row = &row[..layout.row_bytes];
            checksums.push(row_checksum(row));
            if layout.stride != layout.row_bytes {
                packed.extend_from_slice(row);
            }
        }
        for (done, slot, n) in layout.runs(first, rows.len(), usize::MAX) {
            let (segment, at) = layout.place(slot);
            let bytes = &strided[done * layout.stride..(done + n) * layout.stride];
            self.segments[segment].write_rows(at, bytes, &checksums[done..done + n])?;
        }
        Ok(checksums)
    }
}
