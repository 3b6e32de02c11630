//! The writer's table: checks a batch, adds segments and ids, makes the next view.
//!
//! The steps of every backend: `check`, write the rows, `grow` if a segment is missing, commit on the medium, `apply`. Only
//! `apply` changes what readers see, and it cannot fail.

use std::collections::HashSet;
use std::sync::Arc;

use crate::state::layout::{Layout, MAX_SLOTS};
use crate::state::region::Region;
use crate::state::slots::Slots;
use crate::state::view::{Base, View};
use crate::{Commit, IdColumn, IdRef, MAX_TEXT_ID, Schema, StorageError};

/// The newest view, from which the next one is made.
pub(crate) struct Table {
    view: View,
}

impl Table {
    /// Makes an empty table. Commit numbers continue from `commit`.
    pub(crate) fn new(schema: &Schema, epoch: u64, commit: u64) -> Result<Self, StorageError> {
        let view = View {
            layout: Layout::new(schema)?,
            epoch,
            commit,
            slots: 0,
            live: 0,
            segments: Arc::new([]),
            bases: Arc::new([]),
            table: Slots::new(schema.ids),
        };
        Ok(Self { view })
    }

    pub(crate) fn layout(&self) -> Layout {
        self.view.layout
    }

    pub(crate) fn now(&self) -> &View {
        &self.view
    }

    pub(crate) fn segments(&self) -> &[Arc<Region>] {
        &self.view.segments
    }

    /// Refuses an invalid batch.
    pub(crate) fn check(&self, commit: &Commit<'_>) -> Result<(), StorageError> {
        let rows = commit.rows.len();
        if commit.ids.len() != rows {
            return Err(StorageError::Batch { what: format!("{rows} rows and {} ids", commit.ids.len()) });
        }
        self.check_ids(commit.ids, commit.dead)
    }

    /// As `check`, without the rows.
    pub(crate) fn check_ids(&self, ids: IdColumn<'_>, dead: &[u32]) -> Result<(), StorageError> {
        let refuse = |what: String| Err(StorageError::Batch { what });
        let rows = ids.len();
        if rows > 0 && ids.kind() != self.view.table.kind() {
            return refuse(format!("ids are {}; the database has {}", ids.kind(), self.view.table.kind()));
        }
        if u64::from(self.view.slots) + rows as u64 > MAX_SLOTS {
            return Err(StorageError::Capacity { limit: MAX_SLOTS });
        }
        if let IdColumn::Text(ids) = ids
            && let Some((row, id)) = ids.iter().enumerate().find(|(_, id)| id.len() > MAX_TEXT_ID)
        {
            return refuse(format!("the id of row {row} has {} bytes; the maximum is {MAX_TEXT_ID}", id.len()));
        }
        let mut seen = HashSet::with_capacity(dead.len());
        for &slot in dead {
            if slot >= self.view.slots {
                return refuse(format!("cannot delete slot {slot}: there are {} slots", self.view.slots));
            }
            if self.view.is_dead(slot) || !seen.insert(slot) {
                return refuse(format!("slot {slot} is deleted twice"));
            }
        }
        Ok(())
    }

    /// Adds a segment. Present views do not see it.
    pub(crate) fn grow(&mut self, segment: Arc<Region>) {
        assert!(segment.len() >= self.layout().segment_bytes(), "a segment holds all its rows");
        let base = Base(segment.base());
        self.view.bases = self.view.bases.iter().copied().chain([base]).collect();
        self.view.segments = self.view.segments.iter().cloned().chain([segment]).collect();
    }

    /// Drops the segments after the first `keep`, which hold all rows. No view has seen them.
    pub(crate) fn shrink(&mut self, keep: usize) {
        assert!(self.layout().segments(self.view.slots.into()) <= keep, "rows have a segment");
        self.view.bases = self.view.bases[..keep].into();
        self.view.segments = self.view.segments[..keep].into();
    }

    /// Restores the state of a checkpoint, whose segments were added: `slots` slots, not deleted so far and without ids.
    pub(crate) fn restore(&mut self, commit: u64, slots: u32) {
        self.view.table.reserve(slots as usize);
        self.view.commit = commit;
        self.view.slots = slots;
        self.view.live = slots;
    }

    /// Sets the ids of restored slots from `first` on.
    pub(crate) fn restore_ids(&mut self, first: u32, ids: IdColumn<'_>) {
        self.view.table.set(first as usize, ids);
    }

    /// Marks a restored slot as deleted. Returns false if it is deleted already or does not exist.
    pub(crate) fn restore_death(&mut self, slot: u32) -> bool {
        let fresh = slot < self.view.slots && !self.view.is_dead(slot);
        if fresh {
            self.view.table.kill(slot, self.view.commit);
            self.view.live -= 1;
        }
        fresh
    }

    /// Makes a batch visible whose rows are in the segments. Sets ids and deletes and makes the new view.
    pub(crate) fn apply(&mut self, ids: IdColumn<'_>, dead: &[u32]) -> Arc<View> {
        let first = self.view.slots as usize;
        let slots = first + ids.len();
        assert!(self.layout().segments(slots as u64) <= self.view.segments.len(), "rows have a segment");
        let commit = self.view.commit + 1;
        self.view.table.reserve(slots);
        self.view.table.set(first, ids);
        for &slot in dead {
            self.view.table.kill(slot, commit);
        }
        self.view.commit = commit;
        self.view.slots = u32::try_from(slots).expect("checked against the capacity");
        self.view.live = self.view.live + ids.len() as u32 - dead.len() as u32;
        Arc::new(self.view.clone())
    }
}

/// Refuses an `order` that does not name every slot of the view that is not deleted exactly once.
pub(crate) fn check_order(view: &View, order: &[u32]) -> Result<(), StorageError> {
    let refuse = |what: String| Err(StorageError::Batch { what });
    if order.len() != view.live() as usize {
        return refuse(format!("the order has {} slots; expected {}", order.len(), view.live()));
    }
    let mut seen = vec![false; view.slots() as usize];
    for &slot in order {
        match seen.get_mut(slot as usize) {
            None => return refuse(format!("slot {slot} does not exist: there are {} slots", view.slots())),
            Some(seen) if *seen => return refuse(format!("slot {slot} occurs twice")),
            Some(_) if view.is_dead(slot) => return refuse(format!("slot {slot} is deleted")),
            Some(seen) => *seen = true,
        }
    }
    Ok(())
}

/// Passes the ids of `order`'s slots to `take`, in pieces of at most `most`.
pub(crate) fn ids_in_order<E>(
    view: &View,
    order: &[u32],
    most: usize,
    mut take: impl FnMut(IdColumn<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let (mut numbers, mut texts) = (Vec::new(), Vec::new());
    for piece in order.chunks(most) {
        numbers.clear();
        texts.clear();
        for &slot in piece {
            match view.id(slot) {
                IdRef::U64(id) => numbers.push(id),
                IdRef::Text(id) => texts.push(id),
            }
        }
        if numbers.is_empty() {
            take(IdColumn::Text(&texts))?;
        } else {
            take(IdColumn::U64(&numbers))?;
        }
    }
    Ok(())
}
