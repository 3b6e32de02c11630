//! From an id to its slot: a hash table of slots. The ids are in the storage's view.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use omendb_storage::{IdRef, View};

/// The slots of the rows that are alive, found by id.
#[derive(Default)]
pub(crate) struct Index {
    slots: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Index {
    /// Of all rows alive in `view`.
    pub(crate) fn of(view: &View) -> Self {
        let mut index = Index::default();
        index.slots.reserve(view.live() as usize, |_| 0);
        view.living().for_each(|slot| index.insert(view, slot));
        index
    }

    fn hash(&self, id: IdRef<'_>) -> u64 {
        self.hasher.hash_one(id)
    }

    pub(crate) fn find(&self, view: &View, id: IdRef<'_>) -> Option<u32> {
        self.slots.find(self.hash(id), |&slot| view.id(slot) == id).copied()
    }

    /// Room for `more` rows.
    pub(crate) fn reserve(&mut self, view: &View, more: usize) {
        let hasher = &self.hasher;
        self.slots.reserve(more, |&slot| hasher.hash_one(view.id(slot)));
    }

    /// Adds `slot`, whose id is not in the index.
    pub(crate) fn insert(&mut self, view: &View, slot: u32) {
        let hasher = &self.hasher;
        let hash = |slot: u32| hasher.hash_one(view.id(slot));
        self.slots.insert_unique(hash(slot), slot, |&slot| hash(slot));
    }

    pub(crate) fn remove(&mut self, view: &View, slot: u32) {
        let hash = self.hash(view.id(slot));
        if let Ok(entry) = self.slots.find_entry(hash, |&other| other == slot) {
            entry.remove();
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.slots.allocation_size()
    }
}
