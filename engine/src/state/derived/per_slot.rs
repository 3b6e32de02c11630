//! One f32 for each slot.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use omendb_kernels::prefetch_ref;

const CHUNK: usize = 1 << 14;

type Chunk = Box<[AtomicU32]>;

/// One f32 for each slot, in chunks that never move. Clones share the chunks: a value is written once, before its slot is
/// published, and read after.
#[derive(Clone, Default)]
pub(crate) struct PerSlot {
    chunks: Vec<Arc<Chunk>>,
    len: usize,
}

impl PerSlot {
    pub(crate) const EMPTY: &PerSlot = &PerSlot { chunks: Vec::new(), len: 0 };

    /// The same, with `more` behind.
    pub(crate) fn extended(&self, more: impl Iterator<Item = f32>) -> Self {
        let mut longer = self.clone();
        for value in more {
            if longer.len == longer.chunks.len() * CHUNK {
                longer.chunks.push(Arc::new((0..CHUNK).map(|_| AtomicU32::new(0)).collect()));
            }
            longer.chunks[longer.len / CHUNK][longer.len % CHUNK].store(value.to_bits(), Relaxed);
            longer.len += 1;
        }
        longer
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> f32 {
        f32::from_bits(self.chunks[slot as usize / CHUNK][slot as usize % CHUNK].load(Relaxed))
    }

    /// Hints that [`PerSlot::get`] will be called for `slot`.
    #[inline]
    pub(crate) fn fetch(&self, slot: u32) {
        prefetch_ref(&self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = f32> {
        let values = self.chunks.iter().flat_map(|chunk| chunk.iter());
        values.take(self.len).map(|value| f32::from_bits(value.load(Relaxed)))
    }

    pub(crate) fn len(&self) -> u32 {
        self.len as u32
    }

    pub(crate) fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<AtomicU32>()
    }
}
