//! The few least of many distances.

use crate::Neighbour;

/// The number of columns that distances are divided into. The least of each is kept, so at most this many are found.
pub(crate) const COLUMNS: usize = 16;

/// Finds the `kept` nearest, at most [`COLUMNS`], with a reusable buffer.
pub(crate) struct Nearest {
    kept: usize,
    found: Vec<u64>,
}

impl Nearest {
    pub(crate) fn new(kept: usize) -> Self {
        Nearest { kept: kept.min(COLUMNS), found: Vec::new() }
    }

    /// The keys of the nearest of `slots` by their `distances`, nearest first. NaN is skipped.
    ///
    /// The k-th least of the columns' least distances bounds the k-th least of all. One pass finds that bound. A second
    /// pass collects the distances within it, sixteen at a time.
    pub(crate) fn of(&mut self, slots: &[u32], distances: &[f32]) -> &[u64] {
        let (groups, rest) = distances.as_chunks::<COLUMNS>();
        let mut last = [f32::NAN; COLUMNS];
        last[..rest.len()].copy_from_slice(rest);
        let groups = groups.iter().chain([&last]);

        let mut least = [f32::INFINITY; COLUMNS];
        for group in groups.clone() {
            for (least, &distance) in least.iter_mut().zip(group) {
                *least = if distance < *least { distance } else { *least };
            }
        }
        let bound = self.bound(&least);
        self.found.clear();
        for (group, slots) in groups.zip(slots.chunks(COLUMNS)) {
            let mut near = (0..).zip(group).fold(0u32, |near, (i, &distance)| near | u32::from(distance <= bound) << i);
            while near != 0 {
                let place = near.trailing_zeros() as usize;
                self.found.push(Neighbour { distance: group[place], slot: slots[place] }.key());
                near &= near - 1;
            }
        }
        self.found.sort_unstable();
        self.found.truncate(self.kept);
        &self.found
    }

    /// The k-th least: the largest value that fewer than k are less than. It compares all with all without a branch, which
    /// is faster than a sort of so few.
    fn bound(&self, least: &[f32; COLUMNS]) -> f32 {
        let mut less = [0u32; COLUMNS];
        for other in least {
            for (less, this) in less.iter_mut().zip(least) {
                *less += u32::from(other < this);
            }
        }
        let among = least.iter().zip(less).filter(|&(_, less)| (less as usize) < self.kept);
        among.fold(f32::NEG_INFINITY, |bound, (&this, _)| if this > bound { this } else { bound })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    #[test]
    fn the_nearest_are_those_that_sorting_puts_first() {
        let mut rng = StdRng::seed_from_u64(3);
        for round in 0..2000 {
            let (count, kept) = (round % 83, 1 + round % 16);
            // Few values, so that many are equal, and some that are no number or infinite.
            let distances: Vec<f32> = (0..count)
                .map(|_| match rng.random_range(0..20) {
                    0 => f32::NAN,
                    1 => f32::INFINITY,
                    some => (some / 3) as f32 - 2.0,
                })
                .collect();
            let slots: Vec<u32> = (0..count as u32).map(|place| 1000 - place).collect();
            let keys = slots.iter().zip(&distances).filter(|(_, distance)| !distance.is_nan());
            let mut keys: Vec<u64> = keys.map(|(&slot, &distance)| Neighbour { distance, slot }.key()).collect();
            keys.sort_unstable();
            keys.truncate(kept);
            assert_eq!(Nearest::new(kept).of(&slots, &distances), keys, "round {round}");
        }
    }
}
