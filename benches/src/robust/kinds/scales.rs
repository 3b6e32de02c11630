//! Values of very different size: rows at the origin, far outside, shifted, or of many scales.

use super::super::data::{ASKED, Data};
use super::super::draw::Draw;
use super::super::ways::{EVERY, SOME};
use super::spaces::NORMAL;
use super::{COSINE, IP, Kind, L2, lower};
use omendb_engine::Metric;

const DIM: usize = 32;

pub(super) const KINDS: &[Kind] = &[
    // The peers find 0.6 by L2: they lose their way among the zeros, which no graph has to.
    Kind {
        name: "zero rows",
        rows: 12_000,
        make: zeros,
        asked: &[L2, lower(Metric::InnerProduct, 0.96, 0)],
        ways: EVERY,
    },
    Kind { name: "far outlier", rows: 12_000, make: outlier, asked: &[NORMAL], ways: EVERY },
    // By direction, all rows lie at two poles, in 31 dimensions of every scale.
    Kind {
        name: "huge column",
        rows: 12_000,
        make: huge_column,
        asked: &[L2, lower(Metric::Cosine, 0.79, 3), IP],
        ways: SOME,
    },
    Kind {
        name: "offset 1e4",
        rows: 12_000,
        make: |draw, rows| offset(draw, rows, 1e4),
        asked: &[NORMAL],
        ways: EVERY,
    },
    Kind { name: "offset 1e5", rows: 12_000, make: |draw, rows| offset(draw, rows, 1e5), asked: &[NORMAL], ways: SOME },
    // Of all rows that are shorter, the nearest are told by their products: the peers find a half, and leave nine
    // queries with none. In one batch ours finds 0.75, in several less than they.
    Kind {
        name: "mixed scales",
        rows: 12_000,
        make: mixed,
        asked: &[lower(Metric::L2, 0.445, 9), COSINE, IP],
        ways: EVERY,
    },
];

/// A twelfth of the rows are zeros; every second query is among them.
fn zeros(draw: &mut Draw, rows: usize) -> Data {
    let mut data = Data::new(DIM, 10);
    for place in draw.order(rows) {
        let row = draw.normals(DIM);
        data.add(if place % 12 == 0 { vec![0.0; DIM] } else { row });
    }
    for query in 0..ASKED {
        let scale = if query % 2 == 0 { 1.0 } else { 0.1 };
        data.ask(draw.normals(DIM).into_iter().map(|value| scale * value));
    }
    data
}

/// One row a million deviations away.
fn outlier(draw: &mut Draw, rows: usize) -> Data {
    let mut data = Data::new(DIM, 10);
    let far = draw.below(rows);
    for row in 0..rows {
        let scale = if row == far { 1e6 } else { 1.0 };
        data.add(draw.normals(DIM).into_iter().map(|value| scale * value));
    }
    (0..ASKED).for_each(|_| data.ask(draw.normals(DIM)));
    data
}

/// One value a thousand times as large as the others.
fn huge_column(draw: &mut Draw, rows: usize) -> Data {
    changed(draw, rows, |row| row[3] *= 1_000.0)
}

/// All rows far from the origin, where products tell little of distances.
fn offset(draw: &mut Draw, rows: usize, by: f64) -> Data {
    changed(draw, rows, |row| row.iter_mut().for_each(|value| *value += by))
}

fn changed(draw: &mut Draw, rows: usize, change: impl Fn(&mut [f64])) -> Data {
    let mut data = Data::new(DIM, 10);
    let row = |draw: &mut Draw| {
        let mut row = draw.normals(DIM);
        change(&mut row);
        row
    };
    (0..rows).for_each(|_| data.add(row(draw)));
    (0..ASKED).for_each(|_| data.ask(row(draw)));
    data
}

/// Rows of six scales, a tenth of one another; rows ask, a hundredth longer.
pub(super) fn mixed(draw: &mut Draw, rows: usize) -> Data {
    let mut data = Data::new(DIM, 10);
    let all: Vec<Vec<f64>> = (0..rows)
        .map(|row| {
            let scale = 0.1f64.powi(row as i32 % 6);
            draw.normals(DIM).into_iter().map(|value| scale * value).collect()
        })
        .collect();
    all.iter().for_each(|row| data.add(row.iter().copied()));
    for _ in 0..ASKED {
        let row = draw.below(rows);
        data.ask(all[row].iter().map(|value| 1.01 * value));
    }
    data
}
