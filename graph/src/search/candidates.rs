//! The candidate list of a search: the nearest rows met so far, sorted, in one array.

use crate::MAX_ROWS;

/// A row and its distance from the probe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// The distance, smaller is nearer.
    pub distance: f32,
    /// The row.
    pub slot: u32,
}

impl Neighbour {
    /// Distance and slot in one number. It sorts by distance, then by slot.
    ///
    /// The bits of an f32 sort like its values if the sign bit of a positive number and all bits of a negative number are
    /// flipped. A NaN with a clear sign bit sorts after infinity.
    #[inline]
    pub(crate) fn key(self) -> u64 {
        let bits = self.distance.to_bits();
        let flip = ((bits as i32 >> 31) as u32) | 0x8000_0000;
        (u64::from(bits ^ flip) << 32) | u64::from(self.slot)
    }

    #[inline]
    pub(crate) fn from_key(key: u64) -> Self {
        let bits = (key >> 32) as u32;
        let flip = if bits & 0x8000_0000 != 0 { 0x8000_0000 } else { u32::MAX };
        Neighbour { distance: f32::from_bits(bits ^ flip), slot: key as u32 }
    }
}

/// How many of the nearest rows a search expands and keeps. A number stands for both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Width {
    /// The number that is expanded: the distances of their neighbours are computed.
    pub expanded: usize,
    /// The number that is returned. It counts as `expanded` if it is less. Where distances are rough, exact ones choose among
    /// these.
    pub kept: usize,
}

impl From<usize> for Width {
    fn from(width: usize) -> Self {
        Width { expanded: width, kept: width }
    }
}

/// A sorted array of candidates, each expanded or not yet.
#[derive(Default)]
pub(crate) struct CandidateList {
    entries: Vec<Entry>,
    /// The rows of one [`CandidateList::take`].
    met: Vec<Entry>,
    /// Where they are inserted.
    places: Vec<usize>,
    /// The most entries, and how many of them may be expanded.
    width: Width,
    /// All candidates before this index are expanded.
    cursor: usize,
}

/// A candidate in one number: [`Neighbour::key`] with the slot shifted left by one bit. The lowest bit says whether it is
/// expanded. Entries sort as keys do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Entry(u64);

const EXPANDED: u64 = 1;
const DISTANCE: u64 = !0 << 32;
const _: () = assert!(MAX_ROWS <= 1 << 31, "a slot leaves one of 32 bits");

impl Entry {
    #[inline]
    fn new(candidate: Neighbour) -> Self {
        Entry(candidate.key() & DISTANCE | u64::from(candidate.slot) << 1)
    }

    #[inline]
    fn slot(self) -> u32 {
        self.0 as u32 >> 1
    }

    #[inline]
    fn is_expanded(self) -> bool {
        self.0 & EXPANDED != 0
    }

    #[inline]
    fn neighbour(self) -> Neighbour {
        Neighbour::from_key(self.0 & DISTANCE | u64::from(self.slot()))
    }
}

impl CandidateList {
    pub(crate) fn begin(&mut self, width: Width) {
        self.entries.clear();
        self.width = width;
        self.cursor = 0;
    }

    /// Inserts those of `slots`, at `distances`, that are among the nearest that are kept. Calls `lead` with the nearest of them
    /// if it is nearer than all unexpanded candidates.
    ///
    /// All rows are inserted together, the farthest first, so that each later candidate moves once.
    #[inline]
    pub(crate) fn take(&mut self, slots: &[u32], distances: &[f32], lead: impl FnOnce(u32)) {
        let kept = self.width.kept;
        let limit = if self.entries.len() == kept { self.entries[kept - 1] } else { Entry(u64::MAX) };
        self.met.resize(slots.len(), Entry::default());
        let mut taken = 0;
        for (&slot, &distance) in slots.iter().zip(distances) {
            let entry = Entry::new(Neighbour { distance, slot });
            self.met[taken] = entry;
            taken += usize::from(entry < limit);
        }
        let next = self.unexpanded().map(|place| self.entries[place]);
        let met = &mut self.met[..taken];
        met.sort_unstable();
        if let Some(&first) = met.first()
            && next.is_none_or(|next| first < next)
        {
            lead(first.slot());
        }
        // All indices are found before anything moves: no search waits for another.
        self.places.clear();
        self.places.extend(met.iter().map(|&entry| self.entries.partition_point(|&other| other < entry)));
        let mut end = self.entries.len();
        self.entries.resize(end + taken, Entry::default());
        for (before, (&entry, &place)) in met.iter().zip(&self.places).enumerate().rev() {
            self.entries.copy_within(place..end, place + before + 1);
            self.entries[place + before] = entry;
            end = place;
        }
        self.entries.truncate(kept);
        self.cursor = self.cursor.min(end);
    }

    /// Marks the nearest unexpanded candidate as expanded and returns it.
    #[inline]
    pub(crate) fn expand(&mut self) -> Option<Neighbour> {
        let place = self.unexpanded()?;
        self.entries[place].0 |= EXPANDED;
        self.cursor = place + 1;
        Some(self.entries[place].neighbour())
    }

    /// The slot that [`CandidateList::expand`] returns next.
    #[inline]
    pub(crate) fn upcoming(&self) -> Option<u32> {
        self.unexpanded().map(|place| self.entries[place].slot())
    }

    #[inline]
    fn unexpanded(&self) -> Option<usize> {
        let rest = self.entries.get(self.cursor..self.entries.len().min(self.width.expanded))?;
        rest.iter().position(|entry| !entry.is_expanded()).map(|step| self.cursor + step)
    }

    /// The candidates, nearest first.
    pub(crate) fn nearest(&self) -> impl Iterator<Item = Neighbour> + '_ {
        self.entries.iter().map(|entry| entry.neighbour())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_distances_do_and_return_them() {
        let distances = [f32::NEG_INFINITY, -2.5, -1e-40, 0.0, 1e-40, 0.1, 7.0, f32::MAX, f32::INFINITY, f32::NAN];
        let keys = distances.map(|distance| Neighbour { distance, slot: 7 }.key());
        assert!(keys.is_sorted());
        for (key, distance) in keys.into_iter().zip(distances) {
            assert_eq!(Neighbour::from_key(key).distance.to_bits(), distance.to_bits());
            assert_eq!(Neighbour::from_key(key).slot, 7);
        }
        let tied = [9, 3].map(|slot| Neighbour { distance: 1.0, slot }.key());
        assert!(tied[1] < tied[0]);
    }

    #[test]
    fn keeps_the_nearest_and_expands_each_once() {
        let mut candidates = CandidateList::default();
        candidates.begin(4.into());
        // Distances 0 to 96 in a scrambled order, none twice.
        let mut expanded = Vec::new();
        for i in 0..97u32 {
            candidates.take(&[i], &[(i * 31 % 97) as f32], |_| ());
            if i % 10 == 0 {
                expanded.extend(candidates.expand());
            }
        }
        assert_eq!(candidates.nearest().map(|n| n.distance).collect::<Vec<_>>(), [0.0, 1.0, 2.0, 3.0]);
        while let Some(upcoming) = candidates.upcoming() {
            let next = candidates.expand().unwrap();
            assert_eq!(next.slot, upcoming);
            expanded.push(next);
        }
        let mut slots: Vec<u32> = expanded.iter().map(|n| n.slot).collect();
        slots.sort_unstable();
        slots.dedup();
        assert_eq!(slots.len(), expanded.len());
    }
}
