//! Compaction: links the rows that stay anew, as a build of them would.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::absent::{Absent, RowCopy};
use crate::graph::Sampled;
use crate::link::{NewRows, link};
use crate::{BuildOptions, Graph, GraphError, Space};

impl Graph {
    /// Makes the graph over the rows `order` alone, numbered by their index in it. `space` knows them by the numbers of
    /// this graph.
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
        let absent = Arc::new(Absent::new(Vec::new(), self.staying_copies(&numbers)));
        let (graph, rows) = (Graph { absent, ..self.emptied() }, NewRows::from(order.len() as u32));
        let mut go_on = |_| ControlFlow::Continue(());
        Ok(link(&graph, &Sampled::with_near(space, order), rows, options, &mut go_on)?.graph)
    }

    /// The copies among the rows that have a number, by these numbers. If the row of a vertex has none, its first copy
    /// that has one becomes the vertex.
    fn staying_copies(&self, numbers: &[Option<u32>]) -> Vec<RowCopy> {
        let mut copies = Vec::new();
        for slot in self.vertices() {
            let group = std::iter::once(slot).chain(self.copies_of(slot));
            let mut staying = group.filter_map(|slot| numbers[slot as usize]);
            if let Some(vertex) = staying.next() {
                copies.extend(staying.map(|slot| RowCopy { vertex, slot }));
            }
        }
        copies
    }
}
