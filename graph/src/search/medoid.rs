//! The medoid of a sample, which is the entry point of searches.

use crate::Space;

/// The size of the sample.
const SAMPLE: usize = 256;

/// The row of an even sample of `rows` with the least total distance to the sample. It uses [`Space::near`], if there is
/// one: by inner product the medoid is the row of largest norm.
pub(crate) fn medoid<S: Space>(space: &S, rows: &[u32]) -> Option<u32> {
    let space = space.near().unwrap_or(space);
    let step = rows.len().div_ceil(SAMPLE).max(1);
    let sample: Vec<u32> = rows.iter().copied().step_by(step).collect();
    let mut probe = space.probe();
    let mut distances = vec![0.0; sample.len()];
    let sums = sample.iter().map(|&slot| {
        space.load(slot, &mut probe);
        space.distances(&probe, &sample, &mut distances);
        distances.iter().map(|&distance| f64::from(distance)).sum::<f64>()
    });
    let sums: Vec<f64> = sums.collect();
    let best = (0..sample.len()).min_by(|&a, &b| sums[a].total_cmp(&sums[b]))?;
    Some(sample[best])
}
