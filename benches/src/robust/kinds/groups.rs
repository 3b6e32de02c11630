//! Groups far apart: every row's nearest are of its own group, and no edge need lead out of it.

use super::super::data::{ASKED, Data};
use super::super::draw::Draw;
use super::super::ways::{EVERY, SOME, STREAMED};
use super::{COSINE, IP, Kind, L2, lower};
use omendb_engine::Metric;

macro_rules! kind {
    ($name:literal, $rows:literal, $groups:literal x $apart:literal, dim $dim:literal, $asked:expr, $ways:expr) => {
        Kind {
            name: $name,
            rows: $rows,
            make: |draw, rows| groups(draw, rows, $groups, $apart, $dim),
            asked: $asked,
            ways: $ways,
        }
    };
}

pub(super) const KINDS: &[Kind] = &[
    kind!("groups 100 apart 30, dim 128", 12_000, 100 x 30.0, dim 128, &[L2, COSINE, IP], EVERY),
    // Each group is normal.
    kind!("groups 2 apart 10,000, dim 32", 12_000, 2 x 10_000.0, dim 32, &[lower(Metric::L2, 0.965, 0)], EVERY),
    kind!("groups 20 apart 1,000, dim 32", 12_000, 20 x 1_000.0, dim 32, &[L2], SOME),
    kind!("groups 2,000 apart 30, dim 16", 12_000, 2_000 x 30.0, dim 16, &[L2], EVERY),
    kind!("groups 400 apart 10,000, dim 8", 12_000, 400 x 10_000.0, dim 8, &[L2], SOME),
    kind!("groups 400 apart 3, dim 2", 12_000, 400 x 3.0, dim 2, &[L2], SOME),
    kind!("groups 100 apart 1,000, dim 768", 9_000, 100 x 1_000.0, dim 768, &[L2], SOME),
    kind!("groups 20 apart 100, dim 1536", 9_000, 20 x 100.0, dim 1536, &[L2, COSINE], SOME),
    Kind {
        name: "groups uneven",
        rows: 12_000,
        make: uneven,
        // So is the largest.
        asked: &[lower(Metric::L2, 0.94, 0)],
        ways: EVERY,
    },
    Kind { name: "groups one after another", rows: 12_000, make: sorted, asked: &[L2], ways: STREAMED },
];

/// Rows in random order of groups whose centres lie `apart` deviations from the origin in each value.
pub(super) fn groups(draw: &mut Draw, rows: usize, groups: usize, apart: f64, dim: usize) -> Data {
    let groups = groups.min(rows / 5).max(2);
    let group = |draw: &mut Draw| draw.below(groups);
    of(draw, rows, groups, apart, dim, group)
}

/// Each group has half the rows of the one before, down to ten.
fn uneven(draw: &mut Draw, rows: usize) -> Data {
    let sizes = (rows / 20).ilog2().max(1) as usize + 1;
    let group = move |draw: &mut Draw| ((1.0 - draw.uniform()).log2().abs() as usize).min(sizes - 1);
    of(draw, rows, sizes, 100.0, 64, group)
}

/// Groups that arrive one after another.
fn sorted(draw: &mut Draw, rows: usize) -> Data {
    let data = groups(draw, rows, 100, 30.0, 32);
    let mut order: Vec<usize> = (0..data.count()).collect();
    // The first value tells groups apart well enough.
    order.sort_by(|&a, &b| data.row(a)[0].total_cmp(&data.row(b)[0]));
    data.reordered(&order)
}

fn of(draw: &mut Draw, rows: usize, groups: usize, apart: f64, dim: usize, group: impl Fn(&mut Draw) -> usize) -> Data {
    let mut data = Data::new(dim, 10);
    let centres: Vec<Vec<f64>> =
        (0..groups).map(|_| draw.normals(dim).into_iter().map(|value| apart * value).collect()).collect();
    for _ in 0..rows {
        let of = group(draw);
        data.add(draw.near(&centres[of], 1.0));
    }
    for _ in 0..ASKED {
        let of = group(draw);
        data.ask(draw.near(&centres[of], 1.0));
    }
    data
}
