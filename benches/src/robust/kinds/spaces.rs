//! The shape of the space: few dimensions, many, hubs, corners, and queries from elsewhere.

use super::super::data::{ASKED, Data};
use super::super::draw::Draw;
use super::super::ways::{EVERY, SOME};
use super::{Asked, COSINE, IP, Kind, L2, lower};
use omendb_engine::Metric;

/// Nothing to find a way by.
pub(super) const NORMAL: Asked = lower(Metric::L2, 0.945, 0);
/// The same by direction.
pub(super) const DIRECTIONS: Asked = lower(Metric::Cosine, 0.96, 0);
/// The same by product.
pub(super) const PRODUCTS: Asked = lower(Metric::InnerProduct, 0.96, 0);

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "dim 1", rows: 12_000, make: |draw, rows| uniform(draw, rows, 1), asked: &[L2], ways: EVERY },
    Kind {
        name: "dim 2",
        rows: 12_000,
        make: |draw, rows| uniform(draw, rows, 2),
        asked: &[L2, COSINE, IP],
        ways: SOME,
    },
    Kind {
        name: "dim 8",
        rows: 12_000,
        make: |draw, rows| uniform(draw, rows, 8),
        asked: &[L2, COSINE, IP],
        ways: SOME,
    },
    Kind {
        name: "normal, dim 32",
        rows: 12_000,
        make: |draw, rows| normal(draw, rows, 32),
        asked: &[NORMAL, DIRECTIONS, PRODUCTS],
        ways: EVERY,
    },
    Kind {
        name: "normal, dim 128",
        rows: 12_000,
        make: |draw, rows| normal(draw, rows, 128),
        // All distances are nearly the same.
        asked: &[lower(Metric::L2, 0.77, 0), lower(Metric::Cosine, 0.62, 0), lower(Metric::InnerProduct, 0.65, 0)],
        ways: SOME,
    },
    Kind { name: "hubs", rows: 12_000, make: hubs, asked: &[NORMAL], ways: EVERY },
    // By direction, rows with fewer ones are nearer to everything.
    Kind { name: "binary", rows: 12_000, make: binary, asked: &[L2, lower(Metric::Cosine, 0.95, 0), IP], ways: EVERY },
    // By direction, a query is far from all rows.
    Kind {
        name: "queries from elsewhere",
        rows: 12_000,
        make: elsewhere,
        asked: &[L2, lower(Metric::Cosine, 0.955, 0), IP],
        ways: EVERY,
    },
];

fn uniform(draw: &mut Draw, rows: usize, dim: usize) -> Data {
    let mut data = Data::new(dim, 10);
    (0..rows).for_each(|_| data.add((0..dim).map(|_| draw.uniform() - 0.5)));
    (0..ASKED).for_each(|_| data.ask((0..dim).map(|_| draw.uniform() - 0.5)));
    data
}

/// Nothing to find a way by: the hardest rows of their dimension for any graph.
fn normal(draw: &mut Draw, rows: usize, dim: usize) -> Data {
    let mut data = Data::new(dim, 10);
    (0..rows).for_each(|_| data.add(draw.normals(dim)));
    (0..ASKED).for_each(|_| data.ask(draw.normals(dim)));
    data
}

/// One row in a hundred is near the middle, and so the neighbour of most others.
fn hubs(draw: &mut Draw, rows: usize) -> Data {
    const DIM: usize = 64;
    let mut data = Data::new(DIM, 10);
    for row in 0..rows {
        let scale = if row % 100 == 0 { 0.3 } else { 1.0 };
        data.add(draw.normals(DIM).into_iter().map(|value| scale * value));
    }
    (0..ASKED).for_each(|_| data.ask(draw.normals(DIM)));
    data
}

/// Corners of a cube: few different distances, many ties. A query is a row with four values turned.
pub(super) fn binary(draw: &mut Draw, rows: usize) -> Data {
    const DIM: usize = 64;
    let mut data = Data::new(DIM, 10);
    let all: Vec<Vec<f64>> = (0..rows).map(|_| (0..DIM).map(|_| draw.below(2) as f64).collect()).collect();
    all.iter().for_each(|row| data.add(row.iter().copied()));
    for _ in 0..ASKED {
        let mut query = all[draw.below(rows)].clone();
        (0..4).for_each(|_| {
            let at = draw.below(DIM);
            query[at] = 1.0 - query[at];
        });
        data.ask(query);
    }
    data
}

/// Rows on a surface of 8 dimensions in a space of 64; queries anywhere, as words ask for images.
fn elsewhere(draw: &mut Draw, rows: usize) -> Data {
    const DIM: usize = 64;
    let mut data = Data::new(DIM, 10);
    let axes: Vec<Vec<f64>> = (0..8).map(|_| draw.direction(DIM)).collect();
    for _ in 0..rows {
        let weights = draw.normals(axes.len());
        let mut row = draw.near(&[0.0; DIM], 0.05);
        for (axis, weight) in axes.iter().zip(weights) {
            row.iter_mut().zip(axis).for_each(|(value, step)| *value += weight * step);
        }
        data.add(row);
    }
    (0..ASKED).for_each(|_| data.ask(draw.normals(DIM).into_iter().map(|value| 0.5 * value + 0.2)));
    data
}
