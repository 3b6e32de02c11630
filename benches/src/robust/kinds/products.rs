//! What is hard under the inner product alone: it is no distance, and a row need not be near itself.

use super::super::data::{ASKED, Data};
use super::super::draw::Draw;
use super::super::ways::{EVERY, SOME};
use super::{Asked, Kind, lower};
use omendb_engine::Metric;

const DIM: usize = 32;

const fn at(floor: f64) -> Asked {
    lower(Metric::InnerProduct, floor, 0)
}

const GIANTS: &[Asked] = &[lower(Metric::InnerProduct, 0.69, 1)];

pub(super) const KINDS: &[Kind] = &[
    // Half of the queries look away from all rows; the peers find a quarter.
    Kind { name: "mean offset", rows: 12_000, make: mean_offset, asked: &[at(0.64)], ways: EVERY },
    // All of them do, and the peers find nothing.
    Kind { name: "positive rows, negative queries", rows: 12_000, make: opposed, asked: &[at(0.88)], ways: SOME },
    // Every second query looks away from where all ways lead.
    Kind { name: "one row x 1,000", rows: 12_000, make: one_giant, asked: &[at(0.93)], ways: SOME },
    // The nearest ten of the 300 are told apart by the fifth place: the peers find 0.74 to 0.77, and Faiss with lists of 64
    // leaves one query without any. So do we in one batch; in batches up to three, which is too many.
    Kind { name: "300 giants alike", rows: 12_000, make: giants_alike, asked: GIANTS, ways: EVERY },
];

/// All rows on one side of the origin; queries on any.
fn mean_offset(draw: &mut Draw, rows: usize) -> Data {
    let mut data = Data::new(DIM, 10);
    let mean: Vec<f64> = draw.direction(DIM).iter().map(|value| 10.0 * value).collect();
    (0..rows).for_each(|_| data.add(draw.near(&mean, 1.0)));
    (0..ASKED).for_each(|_| data.ask(draw.normals(DIM)));
    data
}

/// Every product is negative: the shortest rows, in the query's directions, are nearest.
fn opposed(draw: &mut Draw, rows: usize) -> Data {
    let mut data = Data::new(DIM, 10);
    (0..rows).for_each(|_| data.add(draw.normals(DIM).into_iter().map(f64::abs)));
    (0..ASKED).for_each(|_| data.ask(draw.normals(DIM).into_iter().map(|value| -value.abs())));
    data
}

/// One row that is the first neighbour of every second query, and the last of the others.
fn one_giant(draw: &mut Draw, rows: usize) -> Data {
    let mut data = Data::new(DIM, 10);
    let giant = draw.below(rows);
    for row in 0..rows {
        let scale = if row == giant { 1_000.0 } else { 1.0 };
        data.add(draw.normals(DIM).into_iter().map(|value| scale * value));
    }
    (0..ASKED).for_each(|_| data.ask(draw.normals(DIM)));
    data
}

/// A fortieth of the rows are long and nearly the same; half of the queries look towards them.
fn giants_alike(draw: &mut Draw, rows: usize) -> Data {
    let mut data = Data::new(DIM, 10);
    let giant: Vec<f64> = draw.direction(DIM).iter().map(|value| 100.0 * value).collect();
    let giants = &draw.order(rows)[..rows.div_ceil(40)];
    let is_giant: Vec<bool> = (0..rows).map(|row| giants.contains(&row)).collect();
    for is_giant in is_giant {
        data.add(if is_giant { draw.near(&giant, 1e-3) } else { draw.normals(DIM) });
    }
    (0..ASKED).for_each(|_| data.ask(draw.normals(DIM)));
    data
}
