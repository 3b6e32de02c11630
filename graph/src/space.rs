//! What the graph asks of whoever holds the rows.

/// Rows, numbered by slot, among which distances can be asked.
///
/// A distance is any f32, smaller is nearer; ties are broken by the lower slot. Distances between
/// two rows must be the same whichever of them is loaded as the probe, up to rounding.
pub trait Space: Sync {
    /// A query made ready for asking: a buffer that is filled once and asked many times.
    type Probe: Send;

    /// An empty probe, to be filled by [`Space::load`].
    fn probe(&self) -> Self::Probe;

    /// Makes the row in `slot` the probe.
    fn load(&self, slot: u32, probe: &mut Self::Probe);

    /// The same rows by a second measure, by which they get lists too: Euclidean distance beside the inner product.
    ///
    /// Under the inner product the nearest rows are long ones, so that lists lead to few rows, and none leads to a
    /// short one. Lists by nearness lead everywhere. None unless told: then rows have one list.
    fn near(&self) -> Option<&Self>
    where
        Self: Sized,
    {
        None
    }

    /// Hints that the distances to the rows in `slots` will be asked for in a moment: rows in memory
    /// are fetched into a cache. Changes nothing but time; does nothing unless told.
    #[inline]
    fn fetch(&self, slots: &[u32]) {
        let _ = slots;
    }

    /// Writes the distance from the probe to the row in `slots[i]` to `out[i]`.
    ///
    /// All slots are below the number of rows that the caller of the graph announced;
    /// `out` is as long as `slots`.
    fn distances(&self, probe: &Self::Probe, slots: &[u32], out: &mut [f32]);

    /// Writes the distance of each of the rows in `queries` from each of the n in `slots`: that of `queries[i]` from
    /// `slots[j]` to `out[i · n + j]`.
    ///
    /// What `probe` holds is lost. They may differ a little from what [`Space::distances`] tells, as long as near
    /// and far can be told apart.
    fn between(&self, probe: &mut Self::Probe, queries: &[u32], slots: &[u32], out: &mut [f32]) {
        for (&query, out) in queries.iter().zip(out.chunks_exact_mut(slots.len().max(1))) {
            self.load(query, probe);
            self.distances(probe, slots, out);
        }
    }
}
