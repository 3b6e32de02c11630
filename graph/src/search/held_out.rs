//! Searches as if a row had never been linked. So a row can be a query: a query has no edge that leads to it.
//!
//! Three of four lists that lose the row get one of its neighbours instead, the nearest. If none did, searches would pass
//! around a hole, and need a larger width than other queries. If all its neighbours were candidates, as after a deletion,
//! lists would lead straight to the answers. Figures: docs/experiments/038.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::csr::Csr;
use crate::level::Lists;
use crate::search::candidates::Width;
use crate::{Graph, Scratch, SearchCount, Space};

/// A graph for searches that ask with its rows.
#[derive(Debug)]
pub struct HeldOut {
    graph: Graph,
    /// For each row that asks, the lists that lead to it in the graph, without it.
    lists: HashMap<u32, Arc<Lists>>,
}

impl HeldOut {
    /// For searches that ask with one of `rows`. `space` is the one that the graph was linked by. Runs in the current rayon
    /// pool.
    pub fn new<S: Space>(graph: &Graph, space: &S, rows: &[u32]) -> Self {
        let mut asks = vec![false; graph.rows() as usize];
        rows.iter().filter(|&&row| row < graph.rows()).for_each(|&row| asks[row as usize] = true);
        let asks = |row: &u32| asks.get(*row as usize).is_some_and(|&asks| asks);
        let lists_of = |slot: u32| {
            let mut lost: Vec<u32> = graph.base.neighbours(slot).filter(asks).collect();
            lost.sort_unstable();
            lost.dedup();
            lost.into_iter().map(move |lost| (lost, slot, list_without(graph, space, slot, lost))).collect::<Vec<_>>()
        };
        let slots: Vec<u32> = graph.vertices().collect();
        let changed: Vec<(u32, u32, Vec<u32>)> = slots.into_par_iter().flat_map_iter(lists_of).collect();
        let mut lists: HashMap<u32, Lists> = HashMap::new();
        for (lost, slot, list) in changed {
            lists.entry(lost).or_default().insert(slot, list);
        }
        HeldOut { graph: graph.clone(), lists: lists.into_iter().map(|(row, lists)| (row, Arc::new(lists))).collect() }
    }

    /// [`Graph::search`] as if `row` were not linked, if it is one of the rows that ask. Upper levels and entry points may
    /// still lead to it, so `space` has to place it last.
    pub fn search<S: Space>(
        &self,
        space: &S,
        (row, probe): (u32, &S::Probe),
        width: impl Into<Width>,
        scratch: &mut Scratch,
    ) -> SearchCount {
        let mut without = self.graph.clone();
        without.base.instead = self.lists.get(&row).cloned();
        without.search(space, probe, width, scratch)
    }
}

/// The lists of `slot` in both graphs without `lost`.
fn list_without<S: Space>(graph: &Graph, space: &S, slot: u32, lost: u32) -> Vec<u32> {
    let mut list = Vec::new();
    add_list(&graph.base.csr, space, slot, lost, &mut list);
    if let (Some(beside), Some(near)) = (&graph.base.beside, space.near()) {
        add_list(beside, near, slot, lost, &mut list);
    }
    list
}

/// Adds the list of `slot` to `list`. Instead of `lost` it mostly has the neighbour of `lost` that is the nearest to `slot`.
fn add_list<S: Space>(csr: &Csr, space: &S, slot: u32, lost: u32, list: &mut Vec<u32>) {
    // Lists may lead to rows that another clone of the graph has.
    let neighbours = |slot: u32| csr.neighbours(slot).filter(|&near| near < csr.rows() && near != lost);
    let first = list.len();
    list.extend(neighbours(slot));
    if !is_replaced(slot, lost) || csr.neighbours(slot).all(|near| near != lost) {
        return;
    }
    let is_new = |&next: &u32| next != slot && !list[first..].contains(&next);
    let candidates: Vec<u32> = neighbours(lost).filter(is_new).collect();
    let (mut probe, mut distances) = (space.probe(), vec![0.0; candidates.len()]);
    space.load(slot, &mut probe);
    space.distances(&probe, &candidates, &mut distances);
    let nearest = candidates.iter().zip(&distances).min_by(|a, b| a.1.total_cmp(b.1));
    list.extend(nearest.map(|(&next, _)| next));
}

/// Whether the list of `slot` gets another row instead of `lost`: three of four do. A hash decides.
fn is_replaced(slot: u32, lost: u32) -> bool {
    (slot.wrapping_mul(0x9E37_79B1) ^ lost.wrapping_mul(0x85EB_CA6B)) >> 30 != 0
}
