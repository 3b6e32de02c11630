//! The nearest offers of each row so far.
//!
//! The result does not depend on the order of the offers, so any thread may make any of them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use crate::Neighbour;

/// Rows behind one lock.
const STRIPE: usize = 64;

/// Neighbours in one cache line.
const LINE: usize = 8;

/// Places for `width` neighbours of each row, 8 bytes each.
pub(super) struct Reservoir {
    /// [`Neighbour::key`]s, nearest first, then [`FREE`]. The holder of the row's lock reads and writes them. They are
    /// atomic, so that they can be prefetched without the lock.
    keys: Vec<AtomicU64>,
    locks: Vec<Mutex<()>>,
    width: usize,
}

/// The free place: sorts after every key, and its slot is above every row's.
const FREE: u64 = u64::MAX;

impl Reservoir {
    pub(super) fn new(rows: u32, width: usize) -> Self {
        let rows = rows as usize;
        let keys = (0..rows * width).map(|_| AtomicU64::new(FREE)).collect();
        Reservoir { keys, locks: (0..rows.div_ceil(STRIPE)).map(|_| Mutex::new(())).collect(), width }
    }

    /// Hints that `row` gets an offer soon.
    pub(super) fn fetch(&self, row: u32) {
        self.of(row).chunks(LINE).for_each(|line| omendb_kernels::prefetch_ref(&line[0]));
    }

    /// Keeps those of `keys` (nearest first) that are among the nearest of `row`. `merged` is a reusable buffer.
    ///
    /// A neighbour's distance may differ in its last bits between leaves. The least is kept.
    pub(super) fn offer(&self, row: u32, keys: &[u64], merged: &mut Vec<u64>) {
        let lock = self.locks[row as usize / STRIPE].lock().unwrap_or_else(PoisonError::into_inner);
        let mine = self.of(row);
        merged.clear();
        merged.extend(mine.iter().map(|key| key.load(Relaxed)));
        for &key in keys {
            match merged.binary_search(&key) {
                Ok(_) => {}
                Err(place) if place == self.width => break,
                Err(place) => match merged.iter().position(|&other| other as u32 == key as u32) {
                    Some(same) if same < place => {}
                    Some(same) => {
                        merged.remove(same);
                        merged.insert(place, key);
                    }
                    None => {
                        merged.pop();
                        merged.insert(place, key);
                    }
                },
            }
        }
        mine.iter().zip(&*merged).for_each(|(mine, key)| mine.store(*key, Relaxed));
        drop(lock);
    }

    /// The neighbours of `row`, each once, nearest first.
    pub(super) fn held(&self, row: u32) -> impl Iterator<Item = Neighbour> + '_ {
        let keys = self.of(row).iter().map(|key| key.load(Relaxed));
        keys.take_while(|&key| key != FREE).map(Neighbour::from_key)
    }

    /// The number of neighbours of a row.
    pub(super) fn count(&self, row: u32) -> usize {
        self.held(row).count()
    }

    fn of(&self, row: u32) -> &[AtomicU64] {
        &self.keys[row as usize * self.width..][..self.width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::seq::SliceRandom;
    use rand::{RngExt, SeedableRng};
    use std::collections::BTreeMap;

    #[test]
    fn the_nearest_stay_each_once_in_whatever_order_they_come() {
        let mut rng = StdRng::seed_from_u64(5);
        for _ in 0..300 {
            // Neighbours whose distance differs from offer to offer.
            let near = |rng: &mut StdRng| Neighbour {
                slot: rng.random_range(0..20),
                distance: rng.random_range(0..30) as f32 / 4.0,
            };
            let mut offers: Vec<Vec<u64>> = (0..12)
                .map(|_| {
                    let by_slot: BTreeMap<u32, Neighbour> =
                        (0..4).map(|_| near(&mut rng)).map(|near| (near.slot, near)).collect();
                    let mut keys: Vec<u64> = by_slot.values().map(|near| near.key()).collect();
                    keys.sort_unstable();
                    keys
                })
                .collect();
            let mut least = BTreeMap::new();
            for &key in offers.iter().flatten() {
                let known = least.entry(Neighbour::from_key(key).slot).or_insert(key);
                *known = key.min(*known);
            }
            let mut expected: Vec<u64> = least.into_values().collect();
            expected.sort_unstable();
            expected.truncate(6);
            for _ in 0..3 {
                offers.shuffle(&mut rng);
                let reservoir = Reservoir::new(70, 6);
                offers.iter().for_each(|keys| reservoir.offer(65, keys, &mut Vec::new()));
                assert_eq!(reservoir.held(65).map(Neighbour::key).collect::<Vec<_>>(), expected);
                assert_eq!(reservoir.held(64).count(), 0);
            }
        }
    }
}
