//! The reusable buffers of a search.

use std::sync::{Mutex, PoisonError};

use crate::Neighbour;
use crate::search::candidates::CandidateList;
use crate::search::visited::Visited;

/// The buffers of one search at a time. Make one per thread and reuse it.
#[derive(Default)]
pub struct Scratch {
    pub(crate) visited: Visited,
    pub(crate) candidates: CandidateList,
    pub(crate) frontier: Vec<u32>,
    pub(crate) distances: Vec<f32>,
    /// The nearest row of each upper level on the way down, the smallest level first.
    pub(crate) path: Vec<u32>,
    /// Where a search starts in the level that it descends to.
    pub(crate) starts: Vec<u32>,
    /// The rows that the search expanded, in the order of expansion.
    pub(crate) expanded: Vec<Neighbour>,
}

impl Scratch {
    /// Makes empty buffers. They grow as searches need.
    pub fn new() -> Self {
        Self::default()
    }

    /// The rows that the last search found, nearest first, at most its width.
    pub fn nearest(&self) -> impl Iterator<Item = Neighbour> + '_ {
        self.candidates.nearest()
    }

    /// The bytes of memory that it holds: about one a row of the graph.
    pub fn bytes(&self) -> usize {
        self.visited.bytes()
    }
}

/// A pool of objects for threads. It makes as many as are in use at once.
pub(crate) struct ObjectPool<T>(Mutex<Vec<T>>);

impl<T> ObjectPool<T> {
    pub(crate) fn new() -> Self {
        ObjectPool(Mutex::new(Vec::new()))
    }

    /// All returned objects.
    pub(crate) fn into_inner(self) -> Vec<T> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take(&self, make: impl FnOnce() -> T) -> Pooled<'_, T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Pooled { thing: Some(kept.unwrap_or_else(make)), pool: self }
    }
}

/// An object of an [`ObjectPool`]. It returns there when dropped.
pub(crate) struct Pooled<'a, T> {
    thing: Option<T>,
    pool: &'a ObjectPool<T>,
}

impl<T> Pooled<'_, T> {
    pub(crate) fn get(&mut self) -> &mut T {
        self.thing.as_mut().expect("present until dropped")
    }
}

impl<T> Drop for Pooled<'_, T> {
    fn drop(&mut self) {
        let mut pool = self.pool.0.lock().unwrap_or_else(PoisonError::into_inner);
        pool.extend(self.thing.take());
    }
}
