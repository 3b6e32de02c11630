//! Regions that lose almost all their rows (a tenant leaves, old documents of a topic expire): the few
//! that stay were reached through those that went.

use super::super::data::{ASKED, Data};
use super::super::draw::Draw;
use super::super::ways::EMPTIED;
use super::{Kind, L2, lower};
use omendb_engine::Metric;

const DIM: usize = 64;
const REGIONS: usize = 200;
/// Regions that are emptied.
const EMPTY: usize = 80;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "regions, survivors asked",
        rows: 40_000,
        make: |draw, rows| regions(draw, rows, 1),
        asked: &[L2],
        ways: EMPTIED,
    },
    Kind {
        name: "regions, ten asked",
        rows: 40_000,
        make: |draw, rows| regions(draw, rows, 10),
        // The few of a region are far from each other, and nearest to the others' edges.
        asked: &[lower(Metric::L2, 0.95, 0)],
        ways: EMPTIED,
    },
];

/// 200 regions in turns, of 80 of which one row in a hundred is not doomed. For its one nearest asks
/// each row that survives there; for more of them, queries near such rows.
pub(super) fn regions(draw: &mut Draw, rows: usize, k: usize) -> Data {
    let centres: Vec<Vec<f64>> = (0..REGIONS).map(|_| draw.normals(DIM)).collect();
    let kept = (rows / REGIONS).div_ceil(100);
    let mut data = Data::new(DIM, k);
    for row in 0..rows {
        data.add(draw.near(&centres[row % REGIONS], 0.3));
    }
    let emptied = |row: &usize| row % REGIONS < EMPTY;
    let (survivors, doomed): (Vec<usize>, _) = (0..rows).filter(emptied).partition(|row| row / REGIONS < kept);
    data.doomed = doomed;
    for &row in survivors.iter().take(ASKED) {
        if k == 1 {
            data.ask_row(row);
        } else {
            data.ask(draw.near(&centres[row % REGIONS], 0.3));
        }
    }
    data
}
