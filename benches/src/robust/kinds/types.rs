//! Bytes and halves: few values, so more ties and copies, and products by other code.

use super::super::data::Data;
use super::super::draw::Draw;
use super::super::ways::{EVERY, SOME};
use super::copies::{of_one, sets};
use super::groups::groups;
use super::lengths::{OUTSIDE, lognormal};
use super::near::families;
use super::spaces::{DIRECTIONS, binary};
use super::{COSINE, IP, Kind, L2, lower};
use omendb_engine::Metric;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "u8 copies 100 x 20",
        rows: 12_000,
        make: |draw, rows| sets(draw, rows, 32).u8(40.0, 128.0),
        // All on one side of the origin.
        asked: &[L2, COSINE, lower(Metric::InnerProduct, 0.95, 0)],
        ways: EVERY,
    },
    Kind {
        name: "u8 99.5 % copies of one",
        rows: 20_000,
        make: |draw, rows| of_one(draw, rows, 0.995).u8(255.0, 0.0),
        asked: &[L2],
        ways: SOME,
    },
    Kind {
        name: "u8 groups 100",
        rows: 12_000,
        make: |draw, rows| groups(draw, rows, 100, 30.0, 128).u8(2.0, 128.0),
        asked: &[L2, COSINE],
        ways: EVERY,
    },
    Kind {
        name: "u8 binary",
        rows: 12_000,
        make: |draw, rows| binary(draw, rows).u8(1.0, 0.0),
        asked: &[L2, IP],
        ways: SOME,
    },
    Kind {
        name: "i8 lengths 0.5",
        rows: 12_000,
        make: |draw, rows| lognormal(draw, rows, 0.5).i8(80.0),
        asked: &[IP, OUTSIDE, DIRECTIONS],
        ways: EVERY,
    },
    Kind {
        name: "i8 groups 100",
        rows: 12_000,
        make: |draw, rows| groups(draw, rows, 100, 20.0, 64).i8(2.0),
        asked: &[L2],
        ways: SOME,
    },
    Kind {
        name: "f16 lengths 0.5",
        rows: 12_000,
        make: |draw, rows| lognormal(draw, rows, 0.5).f16(),
        asked: &[IP, OUTSIDE],
        ways: EVERY,
    },
    Kind { name: "f16 near-copies", rows: 12_000, make: near_in_halves, asked: &[L2, COSINE], ways: SOME },
    Kind {
        name: "f16 groups 100",
        rows: 12_000,
        make: |draw, rows| groups(draw, rows, 100, 30.0, 128).f16(),
        asked: &[L2],
        ways: SOME,
    },
];

/// Relatives that differ in the last places of a half: copies are among them.
fn near_in_halves(draw: &mut Draw, rows: usize) -> Data {
    families(draw, rows, |draw, row| draw.near(row, 3e-4)).f16()
}
