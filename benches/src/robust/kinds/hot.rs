//! Few ids that are replaced again and again (a session's vector, a document being edited): deleted rows gather where they
//! are.

use super::super::data::{ASKED, Data};
use super::super::draw::Draw;
use super::super::ways::HOT;
use super::{COSINE, Kind, L2};

const DIM: usize = 64;

pub(super) const KINDS: &[Kind] = &[Kind { name: "hot ids", rows: 20_000, make: hot, asked: &[L2, COSINE], ways: HOT }];

/// Rows in 200 clusters; queries are near the first two of them.
fn hot(draw: &mut Draw, rows: usize) -> Data {
    let centres: Vec<Vec<f64>> = (0..200).map(|_| draw.normals(DIM)).collect();
    let mut data = Data::new(DIM, 10);
    for _ in 0..rows {
        let centre = draw.below(centres.len());
        data.add(draw.near(&centres[centre], 0.6));
    }
    for query in 0..ASKED {
        let row: Vec<f64> = data.row(query % 2).iter().map(|value| f64::from(*value)).collect();
        data.ask(draw.near(&row, 0.1));
    }
    data
}
