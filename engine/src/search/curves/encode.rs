//! What was measured as a blob of a checkpoint, so that it is not measured again after the next opening.
//!
//! Little-endian words of 4 bytes: version 1, rows of the graph, leave-one-out queries, then for each width that was
//! measured, narrowest first, the width and as many counts of missed neighbours.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Weak};

use super::{Measured, WIDTHS};

const VERSION: u32 = 1;

impl Measured {
    pub(crate) fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut words = vec![VERSION, self.rows, self.queries];
        for (&width, missed) in &self.missed {
            words.push(width as u32);
            words.extend(missed.iter());
        }
        out.write_all(&words.into_iter().flat_map(u32::to_le_bytes).collect::<Vec<u8>>())
    }

    /// What the blob of a database with so many slots holds. None if the bytes cannot be one's.
    pub(crate) fn read_from(bytes: &[u8], epoch: u64, slots: u32) -> Option<Self> {
        let (words, rest) = bytes.as_chunks();
        let mut words = words.iter().map(|&word| u32::from_le_bytes(word));
        let (version, rows, queries) = (words.next()?, words.next()?, words.next()?);
        let mut missed = BTreeMap::new();
        let mut widths = WIDTHS.into_iter();
        while let Some(width) = words.next() {
            // In order, and each once.
            let width = widths.by_ref().find(|&other| other == width as usize)?;
            let counts: Arc<[u32]> = words.by_ref().take(width).collect();
            let can_be = |(k, &missed): (u64, &u32)| u64::from(missed) <= k * u64::from(queries);
            if counts.len() < width || !(1..).zip(&*counts).all(can_be) {
                return None;
            }
            missed.insert(width, counts);
        }
        let can_be = version == VERSION && rows <= slots && queries > 0 && rest.is_empty();
        can_be.then(|| Measured { epoch, rows, graph: Weak::new(), queries, truth: Arc::default(), missed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let good = [1, 100, 50, 2, 7, 9, 4, 0, 0, 1, 200];
        let read = |words: &[u32]| Measured::read_from(&bytes(words), 3, 100);
        let mut again = Vec::new();
        read(&good).unwrap().write_to(&mut again).unwrap();
        assert_eq!(again, bytes(&good));
        for (place, word) in [(0, 2), (1, 101), (2, 0), (3, 13), (4, 51), (6, 2), (6, 1), (6, 3), (10, 201)] {
            let mut bad = good;
            bad[place] = word;
            assert!(read(&bad).is_none(), "word {place} is {word}");
        }
        for length in 0..good.len() {
            let whole = [3, 6].contains(&length);
            assert_eq!(read(&good[..length]).is_some(), whole, "{length} words");
        }
        assert!(Measured::read_from(&again[..again.len() - 1], 3, 100).is_none());
    }
}
