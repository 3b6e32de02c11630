//! Nearly equal rows, whose distances are within rounding errors.

use super::super::data::{ASKED, Data};
use super::super::draw::Draw;
use super::super::ways::{EVERY, SOME};
use super::{COSINE, IP, Kind, L2};

const DIM: usize = 48;
/// Rows of a family.
const FAMILY: usize = 30;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "near-copies 400 x 30",
        rows: 12_000,
        make: |draw, rows| families(draw, rows, |draw, row| draw.near(row, 1e-5)),
        asked: &[L2, COSINE, IP],
        ways: EVERY,
    },
    Kind {
        name: "copies an ulp apart",
        rows: 12_000,
        make: |draw, rows| families(draw, rows, an_ulp_away),
        asked: &[L2],
        ways: SOME,
    },
];

/// Families of rows made from one row each by `relative`; each query is another relative, and asks for its family.
pub(super) fn families(draw: &mut Draw, rows: usize, relative: fn(&mut Draw, &[f64]) -> Vec<f64>) -> Data {
    let mut data = Data::new(DIM, FAMILY);
    // Values that f32 has: what a relative differs by is then told in units of their last place.
    let first = |draw: &mut Draw| draw.normals(DIM).into_iter().map(|value| f64::from(value as f32)).collect();
    let firsts: Vec<Vec<f64>> = (0..(rows / FAMILY).max(1)).map(|_| first(draw)).collect();
    for place in draw.order(rows) {
        let row = relative(draw, &firsts[place % firsts.len()]);
        data.add(row);
    }
    for _ in 0..ASKED {
        let row = draw.below(firsts.len());
        let query = relative(draw, &firsts[row]);
        data.ask(query);
    }
    data
}

/// Each value stays or goes one place of f32 up.
fn an_ulp_away(draw: &mut Draw, row: &[f64]) -> Vec<f64> {
    let moved = |value: &f64| {
        let value = *value as f32;
        f64::from(if draw.below(2) == 0 { value } else { value.next_up() })
    };
    row.iter().map(moved).collect()
}
