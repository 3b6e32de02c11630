//! RobustPrune: of many candidate neighbours, the few that lead in different directions.
//!
//! Algorithm 2 of the DiskANN paper: take the nearest candidate, drop every other that is α times
//! nearer to it than to the row itself, go on with the nearest left.

use crate::{Neighbour, Space};

/// The buffers of a prune, kept from one to the next.
#[derive(Default)]
pub(crate) struct Pruner {
    slots: Vec<u32>,
    reach: Vec<f32>,
    between: Vec<f32>,
    /// The neighbours chosen by the last prune, nearest first.
    pub(crate) chosen: Vec<Neighbour>,
}

impl Pruner {
    /// Chooses at most `degree` of `candidates` as neighbours of one row, whose distances from it
    /// they hold. Candidates are sorted here; none may be the row itself, none may be there twice.
    pub(crate) fn prune<S: Space>(
        &mut self,
        space: &S,
        probe: &mut S::Probe,
        candidates: &mut [Neighbour],
        alpha: f32,
        degree: usize,
    ) -> u64 {
        candidates.sort_unstable_by_key(|candidate| candidate.key());
        let Pruner { slots, reach, between, chosen } = self;
        chosen.clear();
        slots.clear();
        slots.extend(candidates.iter().map(|candidate| candidate.slot));
        reach.clear();
        reach.extend(candidates.iter().map(|candidate| candidate.distance));

        let mut computed = 0;
        let mut first = 0;
        while first < slots.len() {
            chosen.push(Neighbour { distance: reach[first], slot: slots[first] });
            if chosen.len() == degree {
                break;
            }
            space.load(slots[first], probe);
            first += 1;
            let left = slots.len() - first;
            between.resize(left, 0.0);
            space.distances(probe, &slots[first..], between);
            computed += left as u64;
            // Those that stay move up to the front of what is left.
            let mut kept = first;
            for place in 0..left {
                if alpha * between[place] > reach[first + place] {
                    slots[kept] = slots[first + place];
                    reach[kept] = reach[first + place];
                    kept += 1;
                }
            }
            slots.truncate(kept);
            reach.truncate(kept);
        }
        computed
    }
}
