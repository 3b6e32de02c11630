//! RobustPrune: keeps the few candidates that lead in different directions.
//!
//! Algorithm 2 of the DiskANN paper. It keeps the nearest candidate and drops every other that is α times nearer to it
//! than to the row. It repeats this with the nearest of the remaining candidates.

use crate::csr::Edge;
use crate::{Neighbour, Space};

/// Distances from a late candidate are computed in groups of this size, the kernels' own, though one may suffice.
const GROUP: usize = 8;

/// The parameters of a prune.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// α: a chosen neighbour excludes a candidate that is α times nearer to it than to the row.
    pub(crate) alpha: f32,
    /// The most neighbours that the prune chooses.
    pub(crate) degree: usize,
    /// The least neighbours of a row, if there are as many candidates. If the rule leaves fewer, the nearest excluded
    /// candidates are added. Of rows on a curve the rule leaves two, and a list of two breaks with one of them.
    pub(crate) least: usize,
}

impl Rule {
    /// Scales the distance between two candidates by α, for the comparison with the distance from the row.
    ///
    /// A negative distance (of an inner product) is divided by α, so that the comparison is relaxed on the same side.
    #[inline(always)]
    fn scaled(self, between: f32) -> f32 {
        self.alpha * between.max(0.0) + between.min(0.0) / self.alpha
    }
}

/// The reusable buffers of a prune.
#[derive(Default)]
pub(crate) struct Pruner {
    keys: Vec<u64>,
    order: Vec<usize>,
    excluded: Vec<bool>,
    slots: Vec<u32>,
    reach: Vec<f32>,
    between: Vec<f32>,
    /// The neighbours of the last prune: those that the rule chose, nearest first, then those added to reach the least.
    pub(crate) chosen: Vec<Neighbour>,
    /// The number of them that the rule chose.
    settled: usize,
}

impl Pruner {
    /// Chooses at most `degree` of `candidates` as neighbours of a row. Candidates hold their distance from it, in any
    /// order. None may be the row itself or occur twice. Returns the distances computed.
    pub(crate) fn prune<S: Space>(
        &mut self,
        space: &S,
        probe: &mut S::Probe,
        candidates: &mut [Neighbour],
        rule: Rule,
    ) -> u64 {
        let Pruner { keys, slots, reach, between, chosen, .. } = self;
        keys.clear();
        keys.extend(candidates.iter().map(|candidate| candidate.key()));
        keys.sort_unstable();
        chosen.clear();
        slots.clear();
        slots.extend(keys.iter().map(|&key| Neighbour::from_key(key).slot));
        reach.clear();
        reach.extend(keys.iter().map(|&key| Neighbour::from_key(key).distance));

        let mut computed = 0;
        let mut first = 0;
        while first < slots.len() {
            chosen.push(Neighbour { distance: reach[first], slot: slots[first] });
            if chosen.len() == rule.degree {
                break;
            }
            space.load(slots[first], probe);
            first += 1;
            let left = slots.len() - first;
            between.resize(left, 0.0);
            space.distances(probe, &slots[first..], between);
            computed += left as u64;
            // The remaining candidates move to the front.
            let mut kept = first;
            for place in 0..left {
                if rule.scaled(between[place]) > reach[first + place] {
                    slots[kept] = slots[first + place];
                    reach[kept] = reach[first + place];
                    kept += 1;
                }
            }
            slots.truncate(kept);
            reach.truncate(kept);
        }
        self.settled = self.chosen.len();
        if self.settled < rule.least {
            let missing = rule.least - self.settled;
            let settled = &self.chosen[..];
            let excluded = self.keys.iter().map(|&key| Neighbour::from_key(key));
            let back: Vec<Neighbour> =
                excluded.filter(|near| settled.iter().all(|kept| kept.slot != near.slot)).take(missing).collect();
            self.chosen.extend(back);
        }
        computed
    }

    /// The list of the last prune. Edges that were added to reach the least are late: the rule did not choose them.
    pub(crate) fn list(&self) -> impl Iterator<Item = Edge> + '_ {
        let (settled, back) = self.chosen.split_at(self.settled);
        let chosen = settled.iter().map(|near| Edge::chosen(near.slot));
        chosen.chain(back.iter().map(|near| Edge::late(near.slot)))
    }

    /// [`Pruner::prune`] with the same result but fewer distances. The first `settled` candidates must have been chosen
    /// by one prune with this α, so that none excludes another. Only late candidates need distances. Each is compared with
    /// the nearer ones until one excludes it. If none does, it is compared with the farther ones, to exclude them.
    pub(crate) fn prune_late<S: Space>(
        &mut self,
        space: &S,
        probe: &mut S::Probe,
        candidates: &mut [Neighbour],
        settled: usize,
        rule: Rule,
    ) -> u64 {
        let count = candidates.len();
        if count > 2 * settled {
            return self.prune(space, probe, candidates, rule);
        }
        let Pruner { slots, between, chosen, order, excluded, .. } = self;
        // Indices of candidates, by distance.
        order.clear();
        order.extend(0..count);
        order.sort_unstable_by_key(|&place| candidates[place].key());
        excluded.clear();
        excluded.resize(count, false);
        chosen.clear();
        let mut computed = 0;
        let mut measure = |probe: &S::Probe, slots: &[u32], between: &mut Vec<f32>| {
            between.resize(slots.len(), 0.0);
            space.distances(probe, slots, between);
            computed += slots.len() as u64;
        };
        for done in 0..count {
            let (place, (before, behind)) = (order[done], (&order[..done], &order[done + 1..]));
            if excluded[place] {
                continue;
            }
            let candidate = candidates[place];
            let is_late = |&place: &usize| place >= settled;
            let slot = |&place: &usize| candidates[place].slot;
            if is_late(&place) {
                space.load(candidate.slot, probe);
                slots.clear();
                // Late candidates that were chosen have excluded others already.
                slots.extend(before.iter().filter(|place| !is_late(place) && !excluded[**place]).map(slot));
                excluded[place] = slots.chunks(GROUP).any(|group| {
                    measure(probe, group, between);
                    between.iter().any(|&distance| rule.scaled(distance) <= candidate.distance)
                });
                if excluded[place] {
                    continue;
                }
            }
            chosen.push(candidate);
            if chosen.len() == rule.degree {
                break;
            }
            if is_late(&place) {
                slots.clear();
                slots.extend(behind.iter().filter(|place| !excluded[**place]).map(slot));
                measure(probe, slots, between);
                let mut between = between.iter();
                for &far in behind {
                    if !excluded[far] {
                        let distance = between.next().expect("one for each that is not excluded");
                        excluded[far] = rule.scaled(*distance) <= candidates[far].distance;
                    }
                }
            }
        }
        self.settled = self.chosen.len();
        if self.settled < rule.least {
            let missing = rule.least - self.settled;
            let back = self.order.iter().filter(|&&place| self.excluded[place]).take(missing);
            self.chosen.extend(back.map(|&place| candidates[place]));
        }
        computed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    /// Points of a plane with whole coordinates, so that distances have no rounding.
    struct Plane(Vec<[i32; 2]>);

    impl Space for Plane {
        type Probe = [i32; 2];

        fn probe(&self) -> [i32; 2] {
            [0; 2]
        }

        fn load(&self, slot: u32, probe: &mut [i32; 2]) {
            *probe = self.0[slot as usize];
        }

        fn distances(&self, probe: &[i32; 2], slots: &[u32], out: &mut [f32]) {
            for (&slot, out) in slots.iter().zip(out) {
                let row = self.0[slot as usize];
                *out = (0..2).map(|i| (row[i] - probe[i]).pow(2)).sum::<i32>() as f32;
            }
        }
    }

    #[test]
    fn late_candidates_join_as_if_all_were_pruned_at_once() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut excluded_late = 0;
        for round in 0..500 {
            let plane = Plane((0..120).map(|_| [rng.random_range(-40..40), rng.random_range(-40..40)]).collect());
            let (alpha, degree) = ([1.0, 1.1, 1.5][round % 3], [6, 12, 40][round / 3 % 3]);
            let rule = Rule { alpha, degree, least: [0, 4][round % 2] };
            let mut distances = [0.0; 120];
            let slots: Vec<u32> = (0..120).collect();
            plane.distances(&[0, 0], &slots, &mut distances);
            let candidate = |slot: u32| Neighbour { slot, distance: distances[slot as usize] };
            let (mut pruner, mut probe) = (Pruner::default(), plane.probe());
            let mut first: Vec<Neighbour> = (0..100).map(candidate).collect();
            pruner.prune(&plane, &mut probe, &mut first, rule);
            let settled = pruner.settled;
            let late = rng.random_range(1..=settled);
            let mut all: Vec<Neighbour> =
                pruner.chosen[..settled].iter().copied().chain((100..100 + late as u32).map(candidate)).collect();
            pruner.prune_late(&plane, &mut probe, &mut all.clone(), settled, rule);
            let joined = std::mem::take(&mut pruner.chosen);
            excluded_late += all.len() - joined.len();
            pruner.prune(&plane, &mut probe, &mut all, rule);
            assert_eq!(joined, pruner.chosen, "round {round}: {settled} settled, {late} late");
        }
        assert!(excluded_late > 500, "{excluded_late} candidates excluded: the test decides nothing");
    }
}
