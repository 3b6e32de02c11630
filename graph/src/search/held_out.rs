//! Searches as if some rows had never been linked. So rows can be queries: a query has no edge that leads to it.
//!
//! Three of four lists that lose such a row get one of its neighbours instead, the nearest. If none did, searches would pass
//! around a hole, and need a larger width than other queries. If all its neighbours were candidates, as after a deletion,
//! lists would lead straight to the answers. Figures: docs/experiments/038.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::csr::Csr;
use crate::{Graph, Scratch, SearchCount, Space};

/// Of so many lists that lose a row, one gets no other instead.
const NOT_REPLACED: u32 = 4;

/// A graph for searches only, without some of its rows. Upper levels may still lead to them: the space of a search has to
/// place the row that it asks for last.
#[derive(Debug)]
pub struct HeldOut(Graph);

impl HeldOut {
    /// Holds `rows` out of a graph, in the current rayon pool. `space` is the one that the graph was linked by.
    pub fn new<S: Space>(graph: &Graph, space: &S, rows: &[u32]) -> Self {
        let mut held = vec![false; graph.rows() as usize];
        rows.iter().filter(|&&row| row < graph.rows()).for_each(|&row| held[row as usize] = true);
        let is_held = |row: u32| held.get(row as usize).is_some_and(|&held| held);
        let list = |slot: u32| {
            if is_held(slot) {
                return Some((slot, Vec::new()));
            }
            graph.base.neighbours(slot).any(is_held).then(|| {
                let mut list = Vec::new();
                add_list(&graph.base.csr, space, slot, is_held, &mut list);
                if let (Some(beside), Some(near)) = (&graph.base.beside, space.near()) {
                    add_list(beside, near, slot, is_held, &mut list);
                }
                (slot, list)
            })
        };
        let slots: Vec<u32> = graph.vertices().collect();
        let lists: HashMap<u32, Vec<u32>> = slots.into_par_iter().filter_map(list).collect();
        let mut without = graph.clone();
        without.base.instead = Some(Arc::new(lists));
        HeldOut(without)
    }

    /// See [`Graph::search`].
    pub fn search<S: Space>(&self, space: &S, probe: &S::Probe, width: usize, scratch: &mut Scratch) -> SearchCount {
        self.0.search(space, probe, width, scratch)
    }
}

/// Adds the list of `slot` to `list`. Instead of a row that is held out, it mostly has the neighbour of this row that is the
/// nearest to `slot`.
fn add_list<S: Space>(csr: &Csr, space: &S, slot: u32, is_held: impl Fn(u32) -> bool, list: &mut Vec<u32>) {
    let first = list.len();
    list.extend(csr.neighbours(slot).filter(|&near| !is_held(near)));
    let (mut probe, mut distances) = (space.probe(), Vec::new());
    space.load(slot, &mut probe);
    let is_replaced = |lost: u32| !(slot ^ lost).is_multiple_of(NOT_REPLACED);
    for lost in csr.neighbours(slot).filter(|&near| is_held(near) && is_replaced(near)) {
        let is_new = |&next: &u32| next != slot && !is_held(next) && !list[first..].contains(&next);
        let candidates: Vec<u32> = csr.neighbours(lost).filter(is_new).collect();
        distances.resize(candidates.len(), 0.0);
        space.distances(&probe, &candidates, &mut distances);
        let nearest = candidates.iter().zip(&distances).min_by(|a, b| a.1.total_cmp(b.1));
        list.extend(nearest.map(|(&next, _)| next));
    }
}
