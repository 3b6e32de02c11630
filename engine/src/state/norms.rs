//! The inverse norm of each row, for cosine.
//!
//! Rows are stored as they came, so each distance is multiplied by the inverse norm.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use omendb_kernels::prefetch_ref;

const CHUNK: usize = 1 << 14;

type Chunk = Box<[AtomicU32]>;

/// 1 / |row| for each slot, in chunks that never move. Cloning shares them: written once, before
/// the slot is published, and read after.
#[derive(Clone, Default)]
pub(crate) struct Norms {
    chunks: Vec<Arc<Chunk>>,
    len: usize,
}

impl Norms {
    /// The same, with `more` behind.
    pub(crate) fn extended(&self, more: impl Iterator<Item = f32>) -> Self {
        let mut norms = self.clone();
        for inverse in more {
            if norms.len == norms.chunks.len() * CHUNK {
                norms.chunks.push(Arc::new((0..CHUNK).map(|_| AtomicU32::new(0)).collect()));
            }
            norms.chunks[norms.len / CHUNK][norms.len % CHUNK].store(inverse.to_bits(), Relaxed);
            norms.len += 1;
        }
        norms
    }

    #[inline]
    pub(crate) fn inverse(&self, slot: u32) -> f32 {
        f32::from_bits(self.chunks[slot as usize / CHUNK][slot as usize % CHUNK].load(Relaxed))
    }

    /// Hints that [`Norms::inverse`] will be asked for `slot`.
    #[inline]
    pub(crate) fn fetch(&self, slot: u32) {
        prefetch_ref(&self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]);
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<AtomicU32>()
    }

    /// Little-endian, one after another.
    pub(crate) fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut left = self.len;
        for chunk in &self.chunks {
            let now = left.min(CHUNK);
            let bytes: Vec<u8> = chunk[..now].iter().flat_map(|norm| norm.load(Relaxed).to_le_bytes()).collect();
            out.write_all(&bytes)?;
            left -= now;
        }
        Ok(())
    }

    /// None when a number is among them that is no inverse of a length.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let inverses = bytes.chunks_exact(4).map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        let good = |inverse: f32| inverse.is_finite() && inverse > 0.0;
        inverses.clone().all(good).then(|| Norms::default().extended(inverses))
    }
}
