//! RobustPrune: of many candidate neighbours, the few that lead in different directions.
//!
//! Algorithm 2 of the DiskANN paper: take the nearest candidate, drop every other that is α times
//! nearer to it than to the row itself, go on with the nearest left.

use crate::csr::Edge;
use crate::{Neighbour, Space};

/// So many are asked at once whether they exclude a late candidate: as the kernels take them, though
/// the first may suffice.
const ASKED: usize = 8;

/// What a prune is held to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// α: a candidate is excluded by a chosen one that is α times nearer to it than the row is.
    pub(crate) alpha: f32,
    /// The most neighbours that are chosen.
    pub(crate) degree: usize,
    /// The least neighbours that a row has, if there are as many candidates: where the rule leaves fewer, the nearest of
    /// those it excluded come back. Rows on a curve exclude all but two of each other, and a list of two ends where one
    /// of them does.
    pub(crate) least: usize,
}

impl Rule {
    /// What the distance between a chosen and another candidate is compared with the other's from the row as.
    ///
    /// A distance may be negative (an inner product's): α then divides, so that it widens the same side.
    #[inline(always)]
    fn scaled(self, between: f32) -> f32 {
        self.alpha * between.max(0.0) + between.min(0.0) / self.alpha
    }
}

/// The buffers of a prune, kept from one to the next.
#[derive(Default)]
pub(crate) struct Pruner {
    keys: Vec<u64>,
    order: Vec<usize>,
    excluded: Vec<bool>,
    slots: Vec<u32>,
    reach: Vec<f32>,
    between: Vec<f32>,
    /// The neighbours of the last prune: those that the rule chose, nearest first, and those that came back.
    pub(crate) chosen: Vec<Neighbour>,
    /// How many of them the rule chose.
    settled: usize,
}

impl Pruner {
    /// Chooses at most `degree` of `candidates` as neighbours of one row, whose distances from it
    /// they hold. Candidates are sorted here; none may be the row itself, none may be there twice.
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
            // Those that stay move up to the front of what is left.
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

    /// The list that the last prune came to: what came back stays late, for the rule did not choose it.
    pub(crate) fn list(&self) -> impl Iterator<Item = Edge> + '_ {
        let (settled, back) = self.chosen.split_at(self.settled);
        let chosen = settled.iter().map(|near| Edge::chosen(near.slot));
        chosen.chain(back.iter().map(|near| Edge::late(near.slot)))
    }

    /// [`Pruner::prune`] with the same result, where the first `settled` candidates are such as a
    /// prune with this α chose together: none excludes another, and only the late ones behind them
    /// ask for distances. A late one asks those before it, until one excludes it; if none does, it
    /// asks those behind it, to exclude them.
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
        // Each place in the order of distances names a candidate.
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
                // The late ones among those chosen have excluded whom they could.
                slots.extend(before.iter().filter(|place| !is_late(place) && !excluded[**place]).map(slot));
                excluded[place] = slots.chunks(ASKED).any(|group| {
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
