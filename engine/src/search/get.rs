//! Lookups: rows by id, ids, counts.

use std::sync::Arc;

use omendb_storage::{IdRef, View};

use crate::input::values;
use crate::{Db, Id};

impl Db {
    /// The row with this id, as it is stored; `None` if there is none, or the id is of another kind than the database's.
    pub fn get<'i>(&self, id: impl Into<IdRef<'i>>) -> Option<Vec<f32>> {
        self.get_batch([id]).pop().flatten()
    }

    /// The rows with these ids, in their order, all of one moment; as [`Db::get`] each.
    pub fn get_batch<'i, I: Into<IdRef<'i>>>(&self, ids: impl IntoIterator<Item = I>) -> Vec<Option<Vec<f32>>> {
        // Before the index is held: the caller's own code runs here.
        let ids: Vec<IdRef<'i>> = ids.into_iter().map(Into::into).collect();
        self.core.indexed(|index, present| {
            let row = |id: IdRef<'_>| {
                let slot = index.find(&present.view, id)?;
                let mut row = Vec::with_capacity(self.core.config.dim);
                values::read(self.core.config.row_type, present.view.row(slot), &mut row);
                Some(row)
            };
            ids.into_iter().map(row).collect()
        })
    }

    /// Whether there is a row with this id.
    pub fn contains<'i>(&self, id: impl Into<IdRef<'i>>) -> bool {
        let id = id.into();
        self.core.indexed(|index, present| index.find(&present.view, id).is_some())
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.core.snapshot.load().view.live() as usize
    }

    /// The ids of all rows, in the order in which they were added, as of now.
    pub fn ids(&self) -> impl Iterator<Item = Id> + Send + use<> {
        let view = Arc::clone(&self.core.snapshot.load().view);
        (0..view.slots()).filter(alive(&view)).map(move |slot| view.id(slot).into())
    }

    /// Calls `each` with every row, in the order in which they were added, as of now: the id and
    /// the values as stored.
    ///
    /// # Errors
    /// Whatever `each` returns; it ends the walk.
    pub fn for_each_row<E>(&self, mut each: impl FnMut(IdRef<'_>, &[f32]) -> Result<(), E>) -> Result<(), E> {
        let view = Arc::clone(&self.core.snapshot.load().view);
        let mut row = Vec::with_capacity(self.core.config.dim);
        for slot in (0..view.slots()).filter(alive(&view)) {
            row.clear();
            values::read(self.core.config.row_type, view.row(slot), &mut row);
            each(view.id(slot), &row)?;
        }
        Ok(())
    }
}

fn alive(view: &Arc<View>) -> impl FnMut(&u32) -> bool + Send + use<> {
    let view = Arc::clone(view);
    move |&slot| !view.is_dead(slot)
}
