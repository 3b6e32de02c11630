//! Removes vertices from the graph. The others keep their slots, or move to new ones.
//!
//! A row that loses neighbours gets their neighbours as candidates, as in FreshDiskANN (Singh et al., 2021, algorithm 4).
//! If most of a region is removed, those are removed too. So a row that loses half of its list or more is linked anew.

use std::ops::ControlFlow;
use std::sync::Arc;

use rayon::prelude::*;

use crate::absent::{Absent, RowCopy};
use crate::csr::Edge;
use crate::link::{NewRows, Searched, Worker, link, link_levels, relink};
use crate::search::medoid::medoid;
use crate::search::scratch::ObjectPool;
use crate::{BuildOptions, Graph, GraphError, Space};

/// If at least this part of the vertices is deleted, all deleted ones are removed.
const REMOVE_ALL_PART: u32 = 4;

/// Where the vertices of a graph go.
pub(super) struct Places<'a> {
    /// The slot of each vertex in the new graph. Those that are removed have none.
    pub(super) of: &'a [Option<u32>],
    /// The number of slots of the new graph, and those of them that are not vertices.
    pub(super) rows: u32,
    pub(super) absent: Arc<Absent>,
}

impl Places<'_> {
    fn place(&self, slot: u32) -> Option<u32> {
        self.of.get(slot as usize).copied().flatten()
    }
}

impl Graph {
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
        let mut places: Vec<Option<u32>> = (0..self.rows()).map(Some).collect();
        gone.iter().for_each(|&slot| places[slot as usize] = None);
        let (left, right): (Vec<RowCopy>, Vec<RowCopy>) =
            self.absent.copies().iter().partition(|copy| places[copy.vertex as usize].is_some());
        let removed = self.absent.removed().chain(gone).chain(right.iter().map(|copy| copy.slot)).collect();
        let to = Places { of: &places, rows: self.rows(), absent: Arc::new(Absent::new(removed, left)) };
        self.moved(space, space, &to, options).map(Some)
    }

    /// Makes the graph of the vertices that have a place, at their places. `space` knows the rows by their slots in this
    /// graph, `moved` by their slots in the new one.
    pub(super) fn moved<S: Space, M: Space<Probe = S::Probe>>(
        &self,
        space: &S,
        moved: &M,
        to: &Places<'_>,
        options: &BuildOptions,
    ) -> Result<Graph, GraphError> {
        let mut go_on = |_| ControlFlow::Continue(());
        let mut graph = Graph { absent: Arc::clone(&to.absent), ..self.emptied() };
        let vertices: Vec<u32> = self.vertices().collect();
        if to.absent.vertex_count(to.rows) < vertices.len() as u32 / 2 {
            // Most lists lost their neighbours' neighbours too: link anew.
            return Ok(link(&graph, moved, NewRows::from(to.rows), options, &mut go_on)?.graph);
        }
        let near = match (&self.near, space.near(), moved.near()) {
            (Some(near), Some(space), Some(moved)) => Some(near.moved(space, moved, to, options)?),
            _ => None,
        };
        let base = graph.base.grown(to.rows)?;
        let pool = ObjectPool::new();
        let worker = || pool.take(|| Worker::new(space.probe(), space.probe()));
        // The places of the rows whose lists changed, and whether each lost half of it.
        let mut changed: Vec<(u32, bool)> = vertices
            .into_par_iter()
            .filter_map(|slot| Some((slot, to.place(slot)?)))
            .map_init(worker, |pooled, (slot, place)| {
                let (before, left) = self.staying_neighbours(slot, to);
                base.csr.set(place, self.list_of_staying(space, slot, to, options, pooled.get()));
                (left < before).then_some((place, 2 * left <= before))
            })
            .flatten()
            .collect();
        changed.sort_unstable();
        graph.base = base;
        graph.base.entries = self.entries().iter().filter_map(|&entry| to.place(entry)).collect();
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
        for number in (0..=graph.upper.len()).rev() {
            let searched = match number {
                // Other rows lead to the base now.
                0 => Searched::among(graph.vertices().collect()).and(changed.iter().map(|(place, _)| *place)),
                _ => Searched::all((0..graph.level_rows(number)).collect()),
            };
            graph.reconnect(number, moved, searched);
        }
        graph.repair(moved);
        Ok(graph)
    }

    /// The number of neighbours of a row, and of those that stay.
    fn staying_neighbours(&self, slot: u32, to: &Places<'_>) -> (usize, usize) {
        self.csr()
            .neighbours(slot)
            .fold((0, 0), |(all, left), near| (all + 1, left + usize::from(to.place(near).is_some())))
    }

    /// The edges of `slot` in the new graph. A prune chooses among remaining neighbours and neighbours of removed ones.
    fn list_of_staying<S: Space>(
        &self,
        space: &S,
        slot: u32,
        to: &Places<'_>,
        options: &BuildOptions,
        worker: &mut Worker<S::Probe>,
    ) -> Vec<Edge> {
        let stays = |slot: u32| to.place(slot).is_some();
        let moved = |edge: Edge| to.place(edge.target()).map(|place| edge.to(place));
        if self.csr().neighbours(slot).all(stays) {
            return self.csr().edges(slot).filter_map(moved).collect();
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
        worker.list().filter_map(moved).collect()
    }
}
