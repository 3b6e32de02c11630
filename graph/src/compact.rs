//! Rows leave the graph: those that led through them are led on.
//!
//! A row that loses neighbours is given theirs to choose from, as in FreshDiskANN (Singh et al.,
//! 2021, algorithm 4), and the rows that stay are numbered anew.

use std::ops::ControlFlow;
use std::sync::Arc;

use rayon::prelude::*;

use crate::absent::{Absent, RowCopy};
use crate::build::{NewRows, Worker, link, link_levels};
use crate::csr::Edge;
use crate::graph::Sampled;
use crate::level::Level;
use crate::scratch::Shelf;
use crate::{BuildOptions, Graph, GraphError, Space};

impl Graph {
    /// The graph over the rows `order` alone, numbered by their place in it. `space` still knows
    /// them by the numbers that they have in this graph.
    ///
    /// Runs in the current rayon pool; the same for any number of threads.
    ///
    /// # Errors
    /// [`GraphError`] only if a new graph of this degree could not be made either.
    ///
    /// # Panics
    /// If `order` names a row that the graph does not have.
    pub fn compacted<S: Space>(&self, space: &S, order: &[u32], options: &BuildOptions) -> Result<Graph, GraphError> {
        let mut numbers = vec![u32::MAX; self.rows() as usize];
        for (number, &slot) in (0..).zip(order) {
            numbers[slot as usize] = number;
        }
        let (places, absent) = self.staying(&numbers);
        let stay = places.iter().filter(|&&place| place != u32::MAX).count();
        if stay < self.vertex_count() as usize / 2 {
            // Lists whose rows have lost most of their neighbours' neighbours too are no start.
            let (empty, space) = (Graph::empty(self.csr().degree())?, Sampled::with_near(space, order));
            let rows = NewRows { total: order.len() as u32, copies: absent.copies() };
            return Ok(link(&empty, &space, rows, options, &mut |_| ControlFlow::Continue(()))?.graph);
        }
        let near = match (&self.near, space.near()) {
            (Some(near), Some(by_nearness)) => Some(near.compacted(by_nearness, order, options)?),
            _ => None,
        };
        let base = Level::empty(self.csr().degree())?.grown(order.len() as u32)?;
        let shelf = Shelf::new();
        let worker = || shelf.take(|| Worker::new(space.probe(), space.probe()));
        self.vertices().collect::<Vec<u32>>().into_par_iter().for_each_init(worker, |lent, slot| {
            if let Some(&place) = places.get(slot as usize).filter(|&&place| place != u32::MAX) {
                base.csr.set(place, self.list_without(space, slot, &places, options, lent.get()));
            }
        });
        let entries = self.entries().iter().map(|&entry| places[entry as usize]).filter(|&place| place != u32::MAX);
        let base = Level { entries: entries.collect(), ..base };
        let mut graph = Graph { base, above: Vec::new(), absent: Arc::new(absent), near: None };
        if graph.base.entries.is_empty() {
            graph.base.entries.extend(graph.absent.vertices(0..graph.rows()).take(1));
        }
        let sampled = Sampled::new(space, order);
        let mut graph = link_levels(&graph, &sampled, options, &mut |_| ControlFlow::Continue(()))?.graph;
        if let Some(near) = near {
            graph = graph.with_near(near);
        }
        graph.repair(&sampled);
        Ok(graph)
    }

    /// What place each vertex has in the new graph, none if no row of its place stays; and the copies there. Where the row
    /// that is the vertex goes, the first copy of it that stays takes its place.
    fn staying(&self, numbers: &[u32]) -> (Vec<u32>, Absent) {
        let mut places = vec![u32::MAX; numbers.len()];
        let mut copies = Vec::new();
        for slot in self.vertices() {
            let group = std::iter::once(slot).chain(self.copies_of(slot)).map(|slot| numbers[slot as usize]);
            let mut staying = group.filter(|&number| number != u32::MAX);
            if let Some(vertex) = staying.next() {
                places[slot as usize] = vertex;
                copies.extend(staying.map(|slot| RowCopy { vertex, slot }));
            }
        }
        (places, Absent::new(Vec::new(), copies))
    }

    /// The edges of `slot` in the new graph: to those that stay, and in the place of others to theirs.
    fn list_without<S: Space>(
        &self,
        space: &S,
        slot: u32,
        places: &[u32],
        options: &BuildOptions,
        worker: &mut Worker<S::Probe>,
    ) -> Vec<Edge> {
        let place = |slot: u32| places[slot as usize];
        let stays = |slot: u32| places.get(slot as usize).is_some_and(|&place| place != u32::MAX);
        if self.csr().neighbours(slot).all(stays) {
            return self.csr().edges(slot).map(|edge| edge.moved(place)).collect();
        }
        let among = |slots: &mut Vec<u32>| {
            for near in self.csr().neighbours(slot) {
                if stays(near) {
                    slots.push(near);
                } else {
                    slots.extend(self.csr().neighbours(near).filter(|&next| next != slot && stays(next)));
                }
            }
            slots.sort_unstable();
            slots.dedup();
        };
        worker.choose_among(space, slot, among, self.rule(0, options));
        worker.list().map(|edge| edge.moved(place)).collect()
    }
}
