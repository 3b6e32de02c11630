//! The interface to the owner of the rows.

/// Rows, numbered by slot, with a distance.
///
/// A distance is any f32; smaller is nearer. Ties are broken by the lower slot. The distance between two rows must be the
/// same, up to rounding, whichever of them is loaded as the probe.
pub trait Space: Sync {
    /// A prepared query: a buffer that is filled once and used for many distances.
    type Probe: Send;

    /// Makes an empty probe for [`Space::load`].
    fn probe(&self) -> Self::Probe;

    /// Loads the row in `slot` as the probe.
    fn load(&self, slot: u32, probe: &mut Self::Probe);

    /// The same rows by Euclidean distance, if this space is by inner product. Rows then have a second graph.
    ///
    /// Under the inner product the nearest rows are those of large norm. Lists lead to few rows, and none leads to a row
    /// of small norm. Lists by Euclidean distance lead everywhere. The default is `None`: one graph.
    fn near(&self) -> Option<&Self>
    where
        Self: Sized,
    {
        None
    }

    /// Hints that distances to the rows in `slots` are needed soon, so that they can be prefetched. The default does
    /// nothing.
    #[inline]
    fn fetch(&self, slots: &[u32]) {
        let _ = slots;
    }

    /// Writes the distance from the probe to the row in `slots[i]` to `out[i]`.
    ///
    /// All slots are below the number of rows that the caller of the graph passed. `out` is as long as `slots`.
    fn distances(&self, probe: &Self::Probe, slots: &[u32], out: &mut [f32]);

    /// Writes the distance of each row in `queries` from each of the n rows in `slots`: that of `queries[i]` from
    /// `slots[j]` to `out[i · n + j]`.
    ///
    /// The contents of `probe` are lost. Results may differ slightly from those of [`Space::distances`].
    fn between(&self, probe: &mut Self::Probe, queries: &[u32], slots: &[u32], out: &mut [f32]) {
        for (&query, out) in queries.iter().zip(out.chunks_exact_mut(slots.len().max(1))) {
            self.load(query, probe);
            self.distances(probe, slots, out);
        }
    }
}
