//! Removes deleted vertices from the graph. Rows keep their slots.
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
        let mut stays = vec![true; self.rows() as usize];
        gone.iter().for_each(|&slot| stays[slot as usize] = false);
        let (left, right): (Vec<RowCopy>, Vec<RowCopy>) =
            self.absent.copies().iter().partition(|copy| stays[copy.vertex as usize]);
        let removed = self.absent.removed().chain(gone).chain(right.iter().map(|copy| copy.slot)).collect();
        let absent = Arc::new(Absent::new(removed, left));
        self.without(space, &stays, &absent, options).map(Some)
    }

    /// Makes the graph of the vertices that stay. The others are `absent`.
    fn without<S: Space>(
        &self,
        space: &S,
        stays: &[bool],
        absent: &Arc<Absent>,
        options: &BuildOptions,
    ) -> Result<Graph, GraphError> {
        let mut go_on = |_| ControlFlow::Continue(());
        let rows = self.rows();
        let mut graph = Graph { absent: Arc::clone(absent), ..self.emptied() };
        let vertices: Vec<u32> = self.vertices().collect();
        if absent.vertex_count(rows) < vertices.len() as u32 / 2 {
            // Most lists lost their neighbours' neighbours too: link anew.
            return Ok(link(&graph, space, NewRows::from(rows), options, &mut go_on)?.graph);
        }
        let near = match (&self.near, space.near()) {
            (Some(near), Some(space)) => Some(near.without(space, stays, absent, options)?),
            _ => None,
        };
        let base = graph.base.grown(rows)?;
        let pool = ObjectPool::new();
        let worker = || pool.take(|| Worker::new(space.probe(), space.probe()));
        // The rows whose lists changed, and whether each lost half of it.
        let mut changed: Vec<(u32, bool)> = vertices
            .into_par_iter()
            .filter(|&slot| stays[slot as usize])
            .map_init(worker, |pooled, slot| {
                let (before, left) = self.staying_neighbours(slot, stays);
                base.csr.set(slot, self.list_without(space, slot, stays, options, pooled.get()));
                (left < before).then_some((slot, 2 * left <= before))
            })
            .flatten()
            .collect();
        changed.sort_unstable();
        graph.base = base;
        graph.base.entries = self.entries().iter().copied().filter(|&entry| stays[entry as usize]).collect();
        if graph.base.entries.is_empty() {
            let vertices: Vec<u32> = graph.vertices().collect();
            graph.base.entries.extend(medoid(space, &vertices));
        }
        let mut graph = link_levels(&graph, space, options, &mut go_on)?.graph;
        if let Some(near) = near {
            graph = graph.with_near(near);
        }
        let relinked: Vec<u32> = changed.iter().filter(|(_, half)| *half).map(|(slot, _)| *slot).collect();
        relink(&graph, space, &relinked, options);
        for number in (0..=graph.upper.len()).rev() {
            let all: Vec<u32> = match number {
                0 => changed.iter().map(|(slot, _)| *slot).collect(),
                _ => (0..graph.level_rows(number)).collect(),
            };
            graph.reconnect(number, space, Searched { all, ..Searched::default() });
        }
        graph.repair(space);
        Ok(graph)
    }

    /// The number of neighbours of a row, and of those that stay.
    fn staying_neighbours(&self, slot: u32, stays: &[bool]) -> (usize, usize) {
        self.csr().neighbours(slot).fold((0, 0), |(all, left), near| {
            (all + 1, left + usize::from(stays.get(near as usize).is_some_and(|&stays| stays)))
        })
    }

    /// The edges of `slot` in the new graph. A prune chooses among remaining neighbours and neighbours of removed ones.
    fn list_without<S: Space>(
        &self,
        space: &S,
        slot: u32,
        stays: &[bool],
        options: &BuildOptions,
        worker: &mut Worker<S::Probe>,
    ) -> Vec<Edge> {
        let stays = |slot: u32| stays.get(slot as usize).is_some_and(|&stays| stays);
        if self.csr().neighbours(slot).all(stays) {
            return self.csr().edges(slot).collect();
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
        worker.list().collect()
    }
}
