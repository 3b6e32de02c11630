//! What is hard under the inner product alone: it is no distance, and a row need not be near itself.

use super::super::data::{ASKED, Data};
use super::super::draw::Draw;
use super::super::ways::{EVERY, SOME};
use super::{Asked, IP, Kind, at};

const DIM: usize = 32;

/// Faiss finds 0.83 of it, hnswlib 0.79, and none for one query of 200. The longest rows lead to each other, and a query
/// that looks away from them sometimes does not get out.
const GIANTS: &[Asked] = &[Asked { none: 4, ..at(IP.metric, 0.82) }];

/// hnswlib finds 0.88 of it, Faiss 0.96: ours falls short of that.
const ONE_GIANT: &[Asked] = &[at(IP.metric, 0.93)];

/// hnswlib and Faiss find 0.01 and 0.03 of it.
const OPPOSED: &[Asked] = &[at(IP.metric, 0.85)];

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "mean offset", rows: 12_000, make: mean_offset, asked: &[IP], ways: EVERY },
    Kind { name: "positive rows, negative queries", rows: 12_000, make: opposed, asked: OPPOSED, ways: SOME },
    Kind { name: "one row x 1,000", rows: 12_000, make: one_giant, asked: ONE_GIANT, ways: SOME },
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
