//! Removes rows from the graph.
//!
//! Compaction links the remaining rows anew, as a build of them would. Two cases remove vertices from the lists instead: a
//! graph whose rows keep their slots, and a graph with a second graph, which a bulk build does not make.
//!
//! A row that loses neighbours gets their neighbours as candidates, as in FreshDiskANN (Singh et al., 2021, algorithm 4).
//! If most of a region is removed, those are removed too. So a row that loses half of its list or more is linked anew.

use std::ops::ControlFlow;
use std::sync::Arc;

use rayon::prelude::*;

use crate::absent::{Absent, RowCopy};
use crate::csr::Edge;
use crate::graph::Sampled;
use crate::link::{NewRows, Searched, Worker, link, link_levels, relink};
use crate::search::medoid::medoid;
use crate::search::scratch::ObjectPool;
use crate::{BuildOptions, Graph, GraphError, Space};

/// The new number of a removed row.
const REMOVED: u32 = u32::MAX;

/// If at least this part of the vertices is deleted, all deleted ones are removed.
const REMOVE_ALL_PART: u32 = 4;

/// An observer that never asks to stop.
fn go_on() -> impl FnMut(u32) -> ControlFlow<()> {
    |_| ControlFlow::Continue(())
}

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
        let mut numbers = vec![REMOVED; self.rows() as usize];
        for (number, &slot) in (0..).zip(order) {
            numbers[slot as usize] = number;
        }
        let (places, absent) = self.staying(&numbers);
        let absent = Arc::new(absent);
        let all = Sampled::with_near(space, order);
        if !self.has_near() {
            let graph = Graph { absent, ..self.emptied() };
            return Ok(link(&graph, &all, NewRows::from(order.len() as u32), options, &mut go_on())?.graph);
        }
        self.moved(space, &places, &all, (order.len() as u32, &absent), true, options)
    }

    /// Makes the graph without deleted vertices. If they are many, all of them are removed. Otherwise those are removed
    /// whose neighbours are mostly deleted too. Returns `None` if there are none.
    ///
    /// Rows keep their slots, and removed ones become absent. A vertex is deleted if the row and all of its copies are.
    ///
    /// # Errors
    /// As [`Graph::compacted`].
    pub fn without_dead<S: Space>(
        &self,
        space: &S,
        is_alive: impl Fn(u32) -> bool + Sync,
        options: &BuildOptions,
    ) -> Result<Option<Graph>, GraphError> {
        let mut dead = vec![false; self.rows() as usize];
        for slot in self.vertices() {
            dead[slot as usize] = !std::iter::once(slot).chain(self.copies_of(slot)).any(&is_alive);
        }
        let count = dead.iter().filter(|&&dead| dead).count() as u32;
        let is_gone = |slot: u32| {
            let mostly = || {
                let (mut all, mut met) = (0, 0);
                self.csr()
                    .neighbours(slot)
                    .for_each(|near| (all, met) = (all + 1, met + usize::from(dead[near as usize])));
                2 * met >= all
            };
            dead[slot as usize] && (count >= self.vertex_count() / REMOVE_ALL_PART || mostly())
        };
        let gone: Vec<u32> =
            self.vertices().collect::<Vec<_>>().into_par_iter().filter(|&slot| is_gone(slot)).collect();
        if gone.is_empty() {
            return Ok(None);
        }
        let mut places: Vec<u32> = (0..self.rows()).collect();
        gone.iter().for_each(|&slot| places[slot as usize] = REMOVED);
        let (left, right): (Vec<RowCopy>, Vec<RowCopy>) =
            self.absent.copies().iter().partition(|copy| places[copy.vertex as usize] != REMOVED);
        let removed = self.absent.removed().chain(gone).chain(right.iter().map(|copy| copy.slot)).collect();
        let absent = Arc::new(Absent::new(removed, left));
        self.moved(space, &places, space, (self.rows(), &absent), false, options).map(Some)
    }

    /// Makes the graph of the vertices that have a place, at their places. `space` knows the rows by their slots in this
    /// graph, `moved` by their slots in the new one. The new graph has `rows` slots, some of them absent.
    fn moved<S: Space, M: Space<Probe = S::Probe>>(
        &self,
        space: &S,
        places: &[u32],
        moved: &M,
        (rows, absent): (u32, &Arc<Absent>),
        whole: bool,
        options: &BuildOptions,
    ) -> Result<Graph, GraphError> {
        let mut graph = Graph { absent: Arc::clone(absent), ..self.emptied() };
        let vertices: Vec<u32> = self.vertices().collect();
        if absent.vertex_count(rows) < vertices.len() as u32 / 2 {
            // Most lists lost their neighbours' neighbours too: link anew.
            return Ok(link(&graph, moved, NewRows::from(rows), options, &mut go_on())?.graph);
        }
        let near = match (&self.near, space.near(), moved.near()) {
            (Some(near), Some(space), Some(moved)) => {
                Some(near.moved(space, places, moved, (rows, absent), whole, options)?)
            }
            _ => None,
        };
        let base = graph.base.grown(rows)?;
        let pool = ObjectPool::new();
        let worker = || pool.take(|| Worker::new(space.probe(), space.probe()));
        // For each remaining row: its place, whether its list changed, and whether it lost half of it.
        let lists = vertices.into_par_iter().filter(|&slot| places[slot as usize] != REMOVED);
        let mut changed: Vec<(u32, bool)> = lists
            .map_init(worker, |pooled, slot| {
                let (before, left) = self.staying_neighbours(slot, places);
                let list = self.list_without(space, slot, places, options, pooled.get());
                base.csr.set(places[slot as usize], list);
                (left < before).then_some((places[slot as usize], 2 * left <= before))
            })
            .flatten()
            .collect();
        changed.sort_unstable();
        graph.base = base;
        let entries = self.entries().iter().map(|&entry| places[entry as usize]).filter(|&place| place != REMOVED);
        graph.base.entries = entries.collect();
        if graph.base.entries.is_empty() {
            let vertices: Vec<u32> = graph.vertices().collect();
            graph.base.entries.extend(medoid(moved, &vertices));
        }
        let mut graph = link_levels(&graph, moved, options, &mut go_on())?.graph;
        if let Some(near) = near {
            graph = graph.with_near(near);
        }
        let relinked: Vec<u32> = changed.iter().filter(|(_, half)| *half).map(|(place, _)| *place).collect();
        relink(&graph, moved, &relinked, options);
        for number in (0..=graph.upper.len()).rev() {
            let searched: Vec<u32> = match number {
                0 if !whole => changed.iter().map(|(place, _)| *place).collect(),
                0 => graph.vertices().collect(),
                _ => (0..graph.level_rows(number)).collect(),
            };
            graph.reconnect(number, moved, &Searched { all: searched, ..Searched::default() });
        }
        graph.repair(moved);
        Ok(graph)
    }

    /// The number of neighbours of a row, and of those that stay.
    fn staying_neighbours(&self, slot: u32, places: &[u32]) -> (usize, usize) {
        self.csr().neighbours(slot).fold((0, 0), |(all, left), near| {
            (all + 1, left + usize::from(places.get(near as usize).is_some_and(|&place| place != REMOVED)))
        })
    }

    /// The place of each vertex in the new graph, and the copies there. If the row of a vertex is removed, its first
    /// remaining copy becomes the vertex.
    fn staying(&self, numbers: &[u32]) -> (Vec<u32>, Absent) {
        let mut places = vec![REMOVED; numbers.len()];
        let mut copies = Vec::new();
        for slot in self.vertices() {
            let group = std::iter::once(slot).chain(self.copies_of(slot)).map(|slot| numbers[slot as usize]);
            let mut staying = group.filter(|&number| number != REMOVED);
            if let Some(vertex) = staying.next() {
                places[slot as usize] = vertex;
                copies.extend(staying.map(|slot| RowCopy { vertex, slot }));
            }
        }
        (places, Absent::new(Vec::new(), copies))
    }

    /// The edges of `slot` in the new graph. A prune chooses among remaining neighbours and neighbours of removed ones.
    fn list_without<S: Space>(
        &self,
        space: &S,
        slot: u32,
        places: &[u32],
        options: &BuildOptions,
        worker: &mut Worker<S::Probe>,
    ) -> Vec<Edge> {
        let place = |slot: u32| places[slot as usize];
        let stays = |slot: u32| places.get(slot as usize).is_some_and(|&place| place != REMOVED);
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
