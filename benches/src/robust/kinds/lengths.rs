//! Rows of varying norm: under the inner product few rows of large norm are the neighbours of all rows.

use super::super::data::{ASKED, Data};
use super::super::draw::Draw;
use super::super::ways::{EVERY, SOME};
use super::spaces::{DIRECTIONS, PRODUCTS};
use super::{Asked, IP, Kind, lower};
use omendb_engine::Metric;

/// A row far outside has its neighbours in all directions, and is theirs in none.
pub(super) const OUTSIDE: Asked = lower(Metric::L2, 0.77, 2);

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "lengths 0.05",
        rows: 12_000,
        make: |draw, rows| lognormal(draw, rows, 0.05),
        // Nearly even: as normal rows.
        asked: &[PRODUCTS],
        ways: SOME,
    },
    Kind {
        name: "lengths 0.25",
        rows: 12_000,
        make: |draw, rows| lognormal(draw, rows, 0.25),
        asked: &[IP],
        ways: SOME,
    },
    Kind {
        name: "lengths 0.5",
        rows: 12_000,
        make: |draw, rows| lognormal(draw, rows, 0.5),
        asked: &[IP, OUTSIDE, DIRECTIONS],
        ways: EVERY,
    },
    Kind {
        name: "lengths 1",
        rows: 12_000,
        make: |draw, rows| lognormal(draw, rows, 1.0),
        // Further outside: the peers leave eight queries or more with none.
        asked: &[IP, lower(Metric::L2, 0.505, 8)],
        ways: SOME,
    },
    Kind {
        name: "lengths exp(2N)",
        rows: 12_000,
        make: longest_asked,
        // All queries are outside. In one batch ours finds 0.78, in several as much as the peers.
        asked: &[IP, lower(Metric::L2, 0.45, 6)],
        ways: EVERY,
    },
    Kind { name: "lengths uneven late", rows: 12_000, make: uneven_late, asked: &[IP], ways: EVERY },
];

/// Directions at random, lengths lognormal; queries alike.
pub(super) fn lognormal(draw: &mut Draw, rows: usize, sigma: f64) -> Data {
    let mut data = Data::new(32, 10);
    (0..rows).for_each(|_| data.add(of_length(draw, 32, sigma)));
    (0..ASKED).for_each(|_| data.ask(of_length(draw, 32, sigma)));
    data
}

/// Lengths over seven orders of magnitude; the longest rows ask, a little longer.
fn longest_asked(draw: &mut Draw, rows: usize) -> Data {
    let mut all: Vec<(f64, Vec<f64>)> = (0..rows)
        .map(|_| {
            let length = (2.0 * draw.normal()).exp();
            (length, scaled(draw.direction(16), length))
        })
        .collect();
    let mut data = Data::new(16, 10);
    all.iter().for_each(|(_, row)| data.add(row.iter().copied()));
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.into_iter().take(ASKED).for_each(|(_, row)| data.ask(scaled(row, 1.05)));
    data
}

/// Three quarters have length 1, the rest, which comes last, is uneven.
fn uneven_late(draw: &mut Draw, rows: usize) -> Data {
    let mut data = Data::new(32, 10);
    for row in 0..rows {
        data.add(of_length(draw, 32, if row < rows - rows / 4 { 0.0 } else { 1.0 }));
    }
    (0..ASKED).for_each(|_| data.ask(draw.direction(32)));
    data
}

fn of_length(draw: &mut Draw, dim: usize, sigma: f64) -> Vec<f64> {
    let length = (sigma * draw.normal()).exp();
    scaled(draw.direction(dim), length)
}

fn scaled(row: Vec<f64>, by: f64) -> Vec<f64> {
    row.into_iter().map(|value| value * by).collect()
}
