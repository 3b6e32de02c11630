//! The writer's end of the views: checks a batch, takes in segments and ids, makes the next view.
//!
//! Every backend goes the same way: `check`, rows to the medium, `grow` where a segment is
//! missing, the medium's own commit, `apply`. Only `apply` changes what readers can see, and it
//! cannot fail.

use std::collections::HashSet;
use std::sync::Arc;

use crate::state::layout::{Layout, MAX_SLOTS};
use crate::state::region::Region;
use crate::state::slots::Slots;
use crate::state::view::{Base, View};
use crate::{Commit, IdColumn, IdRef, MAX_TEXT_ID, Schema, StorageError};

/// The newest state, and what is needed to make the next.
pub(crate) struct Table {
    view: View,
}

impl Table {
    /// An empty table. Commit numbers go on from `commit` when one database follows another.
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

    /// Refuses a batch that contradicts itself or the state.
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
            return refuse(format!("ids are {}; the database's are {}", ids.kind(), self.view.table.kind()));
        }
        if u64::from(self.view.slots) + rows as u64 > MAX_SLOTS {
            return Err(StorageError::Capacity { limit: MAX_SLOTS });
        }
        if let IdColumn::Text(ids) = ids
            && let Some((row, id)) = ids.iter().enumerate().find(|(_, id)| id.len() > MAX_TEXT_ID)
        {
            return refuse(format!("the id of row {row} has {} bytes; at most {MAX_TEXT_ID} are possible", id.len()));
        }
        let mut seen = HashSet::with_capacity(dead.len());
        for &slot in dead {
            if slot >= self.view.slots {
                return refuse(format!("slot {slot} cannot die: there are {} slots", self.view.slots));
            }
            if self.view.is_dead(slot) || !seen.insert(slot) {
                return refuse(format!("slot {slot} cannot die twice"));
            }
        }
        Ok(())
    }

    /// Takes in another segment. Views there are do not see it.
    pub(crate) fn grow(&mut self, segment: Arc<Region>) {
        assert!(segment.len() >= self.layout().segment_bytes(), "a segment holds all its rows");
        let base = Base(segment.base());
        self.view.bases = self.view.bases.iter().copied().chain([base]).collect();
        self.view.segments = self.view.segments.iter().cloned().chain([segment]).collect();
    }

    /// Lets go of the segments behind the first `keep`, which hold all rows. Views there are never saw
    /// them.
    pub(crate) fn shrink(&mut self, keep: usize) {
        assert!(self.layout().segments(self.view.slots.into()) <= keep, "rows have a segment");
        self.view.bases = self.view.bases[..keep].into();
        self.view.segments = self.view.segments[..keep].into();
    }

    /// Takes over a state from a checkpoint, whose segments were taken in: `slots` slots, alive so far and without ids.
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

    /// Marks a restored slot dead; `false` if it is already, or there is none.
    pub(crate) fn restore_death(&mut self, slot: u32) -> bool {
        let fresh = slot < self.view.slots && !self.view.is_dead(slot);
        if fresh {
            self.view.table.kill(slot, self.view.commit);
            self.view.live -= 1;
        }
        fresh
    }

    /// Makes a batch visible whose rows are in the segments: ids, deaths, the new view.
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

/// Refuses an `order` that does not name every living slot of the view once.
pub(crate) fn check_order(view: &View, order: &[u32]) -> Result<(), StorageError> {
    let refuse = |what: String| Err(StorageError::Batch { what });
    if order.len() != view.live() as usize {
        return refuse(format!("an order of {} slots; {} live", order.len(), view.live()));
    }
    let mut seen = vec![false; view.slots() as usize];
    for &slot in order {
        match seen.get_mut(slot as usize) {
            None => return refuse(format!("slot {slot} of {}", view.slots())),
            Some(seen) if *seen => return refuse(format!("slot {slot} is named twice")),
            Some(_) if view.is_dead(slot) => return refuse(format!("slot {slot} is dead")),
            Some(seen) => *seen = true,
        }
    }
    Ok(())
}

/// Hands the ids of `order`'s slots to `take`, in pieces of at most `most`.
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
