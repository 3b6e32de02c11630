//! Rows leave the graph: those that led through them are led on.
//!
//! A row that loses neighbours is given theirs to choose from, as in FreshDiskANN (Singh et al.,
//! 2021, algorithm 4), and the rows that stay are numbered anew.

use std::ops::ControlFlow;

use rayon::prelude::*;

use crate::build::{Worker, link, link_levels};
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
        if order.len() < self.rows() as usize / 2 {
            // Lists whose rows have lost most of their neighbours' neighbours too are no start.
            let (empty, space) = (Graph::empty(self.csr().degree())?, Sampled { space, slots: order });
            return Ok(link(&empty, &space, order.len() as u32, options, &mut |_| ControlFlow::Continue(()))?.graph);
        }
        let mut places = vec![u32::MAX; self.rows() as usize];
        for (place, &slot) in (0..).zip(order) {
            places[slot as usize] = place;
        }
        let base = Level::empty(self.csr().degree())?.grown(order.len() as u32)?;
        let shelf = Shelf::new();
        let worker = || shelf.take(|| Worker::new(space.probe(), space.probe()));
        order.par_iter().zip(0u32..order.len() as u32).for_each_init(worker, |lent, (&slot, place)| {
            let list = self.list_without(space, slot, &places, options, lent.get());
            base.csr.set(place, list);
        });
        let entries = self.entries().iter().map(|&entry| places[entry as usize]).filter(|&place| place != u32::MAX);
        let mut graph = Graph { base: Level { entries: entries.collect(), ..base }, above: Vec::new() };
        if graph.base.entries.is_empty() && !order.is_empty() {
            graph.base.entries.push(0);
        }
        let space = Sampled { space, slots: order };
        let mut graph = link_levels(&graph, &space, options, &mut |_| ControlFlow::Continue(()))?.graph;
        graph.repair(&space);
        Ok(graph)
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
        let (chosen, _) = worker.choose_among(space, slot, among, options.alpha, self.pruned_degree(0));
        chosen.iter().map(|near| Edge::chosen(place(near.slot))).collect()
    }
}
