//! Rows leave the graph: those that led through them are led on.
//!
//! A row that loses neighbours is given theirs to choose from, as in FreshDiskANN (Singh et al., 2021, algorithm 4). Where
//! a region was emptied, those are gone too: a row that loses half of its list or more is searched for anew.

use std::ops::ControlFlow;
use std::sync::Arc;

use rayon::prelude::*;

use crate::absent::{Absent, RowCopy};
use crate::csr::Edge;
use crate::graph::Sampled;
use crate::link::{NewRows, Worker, link, link_levels, relink};
use crate::search::medoid::medoid;
use crate::search::scratch::Shelf;
use crate::{BuildOptions, Graph, GraphError, Space};

/// What [`Graph::compacted`] says of a row that does not stay.
const GONE: u32 = u32::MAX;

/// Where at least this part of the vertices are dead, all of them are taken out: a search meets them everywhere.
const MANY_DEAD: u32 = 4;

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
        let mut numbers = vec![GONE; self.rows() as usize];
        for (number, &slot) in (0..).zip(order) {
            numbers[slot as usize] = number;
        }
        let (places, absent) = self.staying(&numbers);
        let absent = Arc::new(absent);
        let all = Sampled::with_near(space, order);
        self.moved(space, &places, &all, (order.len() as u32, &absent), true, options)
    }

    /// The graph without dead vertices, in lists and on the way: without all of them if they are many, else without those
    /// whose neighbours are mostly dead too, in regions where a search would meet little else. None if there are none such.
    ///
    /// The rows keep their slots, and those taken out are absent. A vertex is dead when no row of its copies is alive.
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
            dead[slot as usize] && (count >= self.vertex_count() / MANY_DEAD || mostly())
        };
        let gone: Vec<u32> =
            self.vertices().collect::<Vec<_>>().into_par_iter().filter(|&slot| is_gone(slot)).collect();
        if gone.is_empty() {
            return Ok(None);
        }
        let mut places: Vec<u32> = (0..self.rows()).collect();
        gone.iter().for_each(|&slot| places[slot as usize] = GONE);
        let (left, right): (Vec<RowCopy>, Vec<RowCopy>) =
            self.absent.copies().iter().partition(|copy| places[copy.vertex as usize] != GONE);
        let removed = self.absent.removed().chain(gone).chain(right.iter().map(|copy| copy.slot)).collect();
        let absent = Arc::new(Absent::new(removed, left));
        self.moved(space, &places, space, (self.rows(), &absent), false, options).map(Some)
    }

    /// The graph of the vertices that have a place, at their places. `space` knows the rows by their slots in this graph,
    /// `moved` by their slots in the new one, of which there are so many, some of them absent.
    fn moved<S: Space, M: Space<Probe = S::Probe>>(
        &self,
        space: &S,
        places: &[u32],
        moved: &M,
        (rows, absent): (u32, &Arc<Absent>),
        whole: bool,
        options: &BuildOptions,
    ) -> Result<Graph, GraphError> {
        let mut go_on = |_| ControlFlow::Continue(());
        let mut graph = Graph { absent: Arc::clone(absent), ..self.emptied() };
        let vertices: Vec<u32> = self.vertices().collect();
        if absent.vertex_count(rows) < vertices.len() as u32 / 2 {
            // Lists whose rows have lost most of their neighbours' neighbours too are no start.
            return Ok(link(&graph, moved, NewRows::from(rows), options, &mut go_on)?.graph);
        }
        let near = match (&self.near, space.near(), moved.near()) {
            (Some(near), Some(space), Some(moved)) => {
                Some(near.moved(space, places, moved, (rows, absent), whole, options)?)
            }
            _ => None,
        };
        let base = graph.base.grown(rows)?;
        let shelf = Shelf::new();
        let worker = || shelf.take(|| Worker::new(space.probe(), space.probe()));
        // Of each row that stays: its place, whether its list changed, and whether it lost half of it.
        let lists = vertices.into_par_iter().filter(|&slot| places[slot as usize] != GONE);
        let mut changed: Vec<(u32, bool)> = lists
            .map_init(worker, |lent, slot| {
                let (before, left) = self.staying_neighbours(slot, places);
                let list = self.list_without(space, slot, places, options, lent.get());
                base.csr.set(places[slot as usize], list);
                (left < before).then_some((places[slot as usize], 2 * left <= before))
            })
            .flatten()
            .collect();
        changed.sort_unstable();
        graph.base = base;
        let entries = self.entries().iter().map(|&entry| places[entry as usize]).filter(|&place| place != GONE);
        graph.base.entries = entries.collect();
        if graph.base.entries.is_empty() {
            let vertices: Vec<u32> = graph.vertices().collect();
            graph.base.entries.extend(medoid(moved, &vertices));
        }
        let mut graph = link_levels(&graph, moved, options, &mut go_on)?.graph;
        if let Some(near) = near {
            graph = graph.with_near(near);
        }
        let relinked: Vec<u32> = changed.iter().filter(|(_, half)| *half).map(|(place, _)| *place).collect();
        relink(&graph, moved, &relinked, options);
        for number in (0..=graph.above.len()).rev() {
            let looked_for: Vec<u32> = match number {
                0 if !whole => changed.iter().map(|(place, _)| *place).collect(),
                0 => graph.vertices().collect(),
                _ => (0..graph.level_rows(number)).collect(),
            };
            graph.reconnect(number, moved, &looked_for, &[]);
        }
        graph.repair(moved);
        Ok(graph)
    }

    /// How many neighbours a row has, and how many of them stay.
    fn staying_neighbours(&self, slot: u32, places: &[u32]) -> (usize, usize) {
        self.csr().neighbours(slot).fold((0, 0), |(all, left), near| {
            (all + 1, left + usize::from(places.get(near as usize).is_some_and(|&place| place != GONE)))
        })
    }

    /// What place each vertex has in the new graph, none if no row of its place stays; and the copies there. Where the row
    /// that is the vertex goes, the first copy of it that stays takes its place.
    fn staying(&self, numbers: &[u32]) -> (Vec<u32>, Absent) {
        let mut places = vec![GONE; numbers.len()];
        let mut copies = Vec::new();
        for slot in self.vertices() {
            let group = std::iter::once(slot).chain(self.copies_of(slot)).map(|slot| numbers[slot as usize]);
            let mut staying = group.filter(|&number| number != GONE);
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
        let stays = |slot: u32| places.get(slot as usize).is_some_and(|&place| place != GONE);
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
