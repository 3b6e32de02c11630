//! Where searches enter: the medoid of a sample, the row that is nearest to all others.

use crate::Space;

/// Rows looked at: enough to hit the middle of the data, few enough to cost nothing.
const SAMPLE: usize = 256;

/// Of an even sample of `rows`, the one with the least sum of distances to the sample; by nearness where the space has
/// that beside its own measure, for by inner product the longest row is in the middle.
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
