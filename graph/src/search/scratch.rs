//! What a search needs for itself, kept from one search to the next so that none allocates.

use std::sync::{Mutex, PoisonError};

use crate::Neighbour;
use crate::search::candidates::Pool;
use crate::search::visited::Visited;

/// The memory of one search at a time; make one per thread and use it again.
#[derive(Default)]
pub struct Scratch {
    pub(crate) visited: Visited,
    pub(crate) pool: Pool,
    pub(crate) frontier: Vec<u32>,
    pub(crate) distances: Vec<f32>,
    /// The nearest row of each level that a search came down through, the smallest level first.
    pub(crate) way: Vec<u32>,
    /// Where a search starts in the level it comes down to.
    pub(crate) starts: Vec<u32>,
    /// The rows that the search expanded, in the order of expansion.
    pub(crate) expanded: Vec<Neighbour>,
}

impl Scratch {
    /// Empty; grows to what the searches need.
    pub fn new() -> Self {
        Self::default()
    }

    /// The rows that the last search found, nearest first, at most its width.
    pub fn nearest(&self) -> impl Iterator<Item = Neighbour> + '_ {
        self.pool.nearest()
    }

    /// Bytes of memory it holds, for the most part one a row of the graph.
    pub fn bytes(&self) -> usize {
        self.visited.bytes()
    }
}

/// Things lent to threads and given back: as many are made as are ever in use at once.
pub(crate) struct Shelf<T>(Mutex<Vec<T>>);

impl<T> Shelf<T> {
    pub(crate) fn new() -> Self {
        Shelf(Mutex::new(Vec::new()))
    }

    /// What was given back, all of it when nothing is lent.
    pub(crate) fn into_inner(self) -> Vec<T> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take(&self, make: impl FnOnce() -> T) -> Lent<'_, T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Lent { thing: Some(kept.unwrap_or_else(make)), shelf: self }
    }
}

/// A thing from a [`Shelf`], which goes back there when dropped.
pub(crate) struct Lent<'a, T> {
    thing: Option<T>,
    shelf: &'a Shelf<T>,
}

impl<T> Lent<'_, T> {
    pub(crate) fn get(&mut self) -> &mut T {
        self.thing.as_mut().expect("present until dropped")
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        let mut shelf = self.shelf.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.extend(self.thing.take());
    }
}
