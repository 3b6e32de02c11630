//! Rows that arrive in the order of where they are: all that comes later is elsewhere.

use super::super::data::{ASKED, Data};
use super::super::draw::Draw;
use super::super::ways::STREAMED;
use super::{COSINE, Kind, L2};

const DIM: usize = 32;

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "curve in order", rows: 12_000, make: curve, asked: &[L2, COSINE], ways: STREAMED },
    Kind { name: "drift", rows: 12_000, make: drift, asked: &[L2], ways: STREAMED },
    Kind { name: "line in order", rows: 12_000, make: line, asked: &[L2], ways: STREAMED },
];

/// A closed curve of slow waves, with some noise, from its beginning to its end.
fn curve(draw: &mut Draw, rows: usize) -> Data {
    let waves: Vec<(f64, f64)> = (0..DIM).map(|_| (1.0 + draw.below(8) as f64, 7.0 * draw.uniform())).collect();
    let at = |place: f64| -> Vec<f64> {
        let turn = place * std::f64::consts::TAU;
        waves.iter().map(|(speed, start)| 10.0 * (speed * turn + start).sin()).collect()
    };
    of(draw, rows, |draw, place| draw.near(&at(place), 0.1))
}

/// A straight line: nothing but the neighbours on either side is near.
fn line(draw: &mut Draw, rows: usize) -> Data {
    let towards: Vec<f64> = draw.direction(DIM).iter().map(|value| 1e4 * value).collect();
    of(draw, rows, |draw, place| {
        let at: Vec<f64> = towards.iter().map(|value| value * place).collect();
        draw.near(&at, 0.1)
    })
}

fn of(draw: &mut Draw, rows: usize, row: impl Fn(&mut Draw, f64) -> Vec<f64>) -> Data {
    let mut data = Data::new(DIM, 10);
    for number in 0..rows {
        data.add(row(draw, number as f64 / rows as f64));
    }
    for _ in 0..ASKED {
        let place = draw.uniform();
        data.ask(row(draw, place));
    }
    data
}

/// Each row is a step away from the one before; queries are near rows.
fn drift(draw: &mut Draw, rows: usize) -> Data {
    let mut data = Data::new(DIM, 10);
    let mut at = vec![0.0; DIM];
    let mut visited = Vec::new();
    for _ in 0..rows {
        at = draw.near(&at, 0.3);
        data.add(at.iter().copied());
        visited.push(at.clone());
    }
    for _ in 0..ASKED {
        let row = draw.below(rows);
        data.ask(draw.near(&visited[row], 0.3));
    }
    data
}
