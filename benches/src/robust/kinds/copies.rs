//! Exact copies: their lists fill with each other, and nothing in a list tells one from another.

use super::super::data::{ASKED, Data};
use super::super::draw::Draw;
use super::super::ways::{EVERY, SOME};
use super::{COSINE, IP, Kind, L2};

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "copies 100 x 20, dim 32",
        rows: 12_000,
        make: |draw, rows| sets(draw, rows, 32),
        asked: &[L2, COSINE],
        ways: EVERY,
    },
    Kind {
        name: "copies 100 x 20, dim 128",
        rows: 12_000,
        make: |draw, rows| sets(draw, rows, 128),
        asked: &[L2, COSINE, IP],
        ways: SOME,
    },
    Kind {
        name: "half copies of one",
        rows: 12_000,
        make: |draw, rows| of_one(draw, rows, 0.5),
        asked: &[L2, COSINE],
        ways: EVERY,
    },
    Kind {
        name: "99.5 % copies of one",
        rows: 20_000,
        make: |draw, rows| of_one(draw, rows, 0.995),
        asked: &[L2, COSINE],
        ways: EVERY,
    },
    Kind { name: "grid with copies", rows: 11_664, make: grid, asked: &[L2, COSINE], ways: EVERY },
];

/// Copies of a row in its set.
const SET: usize = 20;

/// A sixth of the rows are sets of copies, among others; each set is asked for by one of its copies.
pub(super) fn sets(draw: &mut Draw, rows: usize, dim: usize) -> Data {
    let mut data = Data::new(dim, SET);
    let sets = (rows / 6 / SET).max(1);
    let mut kinds: Vec<Vec<f64>> = (0..sets).map(|_| draw.normals(dim)).collect();
    kinds.iter().for_each(|row| data.ask(row.iter().copied()));
    kinds.extend((0..rows.saturating_sub(sets * SET)).map(|_| draw.normals(dim)));
    let of_place = |place: usize| if place < sets * SET { place % sets } else { place - sets * SET + sets };
    for place in draw.order(rows.max(SET)) {
        data.add(kinds[of_place(place)].iter().copied());
    }
    data
}

/// A share of the rows is one and the same (an empty text, a blank image); queries are near the others.
pub(super) fn of_one(draw: &mut Draw, rows: usize, share: f64) -> Data {
    const DIM: usize = 16;
    let mut data = Data::new(DIM, 10);
    let one: Vec<f64> = (0..DIM).map(|_| draw.uniform()).collect();
    let others = ((rows as f64 * (1.0 - share)).round() as usize).max(5);
    let distinct: Vec<Vec<f64>> = (0..others).map(|_| (0..DIM).map(|_| draw.uniform()).collect()).collect();
    for place in draw.order(rows) {
        data.add(distinct.get(place).unwrap_or(&one).iter().copied());
    }
    for query in 0..ASKED {
        data.ask(draw.near(&distinct[query % others], 0.05));
    }
    data
}

/// All points of a grid of 3 places in 6 dimensions, 16 copies of each; points of the grid ask.
fn grid(draw: &mut Draw, rows: usize) -> Data {
    const COPIES: usize = 16;
    let point = |number: usize| (0..6).map(move |axis| (number / 3usize.pow(axis) % 3) as f64 + 1.0);
    let mut data = Data::new(6, COPIES);
    let points = (rows / COPIES).max(2);
    for place in draw.order(points * COPIES) {
        data.add(point(place % points));
    }
    (0..ASKED).for_each(|_| data.ask(point(draw.below(points))));
    data
}
