//! Compaction in two steps: links the rows that are alive anew, and later numbers them without gaps.
//!
//! The first takes as long as a build of these rows. The second is short, so writers wait only for it.

use std::sync::Arc;

use super::remove::Places;
use crate::absent::{Absent, RowCopy};
use crate::graph::Sampled;
use crate::link::{NewRows, Observe, link};
use crate::{BuildOptions, Graph, GraphError, Space};

impl Graph {
    /// Links the rows that are alive anew, as a build of them would. Rows keep their slots, and the others become absent.
    ///
    /// Runs in the current rayon pool. The result is the same for any number of threads. `observe` is called as by
    /// [`link`].
    ///
    /// # Errors
    /// Those of [`link`].
    pub fn relinked<S: Space>(
        &self,
        space: &S,
        is_alive: impl Fn(u32) -> bool,
        options: &BuildOptions,
        observe: Observe<'_>,
    ) -> Result<Graph, GraphError> {
        let removed = (0..self.rows()).filter(|&slot| !is_alive(slot)).collect();
        let (_, copies) = self.staying(|slot| is_alive(slot).then_some(slot));
        let graph = Graph { absent: Arc::new(Absent::new(removed, copies)), ..self.emptied() };
        Ok(link(&graph, space, NewRows::from(self.rows()), options, observe)?.graph)
    }

    /// Makes the graph over the rows `order` alone, numbered by their index in it. `space` knows them by the numbers of
    /// this graph. The lists of the base stay, except those that lose a neighbour. Upper levels are linked anew, because
    /// the numbers decide which rows they have.
    ///
    /// Runs in the current rayon pool. The result is the same for any number of threads.
    ///
    /// # Errors
    /// Those of [`Graph::empty`] and [`link`].
    ///
    /// # Panics
    /// If `order` names a row that the graph does not have.
    pub fn compacted<S: Space>(&self, space: &S, order: &[u32], options: &BuildOptions) -> Result<Graph, GraphError> {
        let mut numbers = vec![None; self.rows() as usize];
        for (number, &slot) in (0..).zip(order) {
            numbers[slot as usize] = Some(number);
        }
        let (places, copies) = self.staying(|slot| numbers[slot as usize]);
        let absent = Arc::new(Absent::new(Vec::new(), copies));
        let to = Places { of: &places, rows: order.len() as u32, absent };
        let moved = Sampled::with_near(space, order);
        self.moved(space, &moved, &to, options)
    }

    /// The new number of each vertex, and the copies by new numbers, from the new numbers of rows. If the row of a vertex
    /// has none, its first copy that has one becomes the vertex.
    fn staying(&self, number: impl Fn(u32) -> Option<u32>) -> (Vec<Option<u32>>, Vec<RowCopy>) {
        let mut places = vec![None; self.rows() as usize];
        let mut copies = Vec::new();
        for slot in self.vertices() {
            let group = std::iter::once(slot).chain(self.copies_of(slot));
            let mut staying = group.filter_map(&number);
            if let Some(vertex) = staying.next() {
                places[slot as usize] = Some(vertex);
                copies.extend(staying.map(|slot| RowCopy { vertex, slot }));
            }
        }
        (places, copies)
    }
}
