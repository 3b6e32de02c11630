//! recall@k: the share of the k true nearest rows in an answer.

use std::collections::HashSet;
use std::path::Path;

use omendb_engine::{Db, Hit, Id};
use omendb_formats::read_truth;

use crate::failure::Failure;
use crate::numbering::Numbering;

/// The ids of the k true neighbours of each query.
pub(crate) struct Expected(Vec<HashSet<Id>>);

impl Expected {
    /// From a file of row numbers (see [`Numbering`]), for the first `k` columns.
    pub(crate) fn read(path: &Path, db: &Db, queries: usize, k: usize) -> Result<Self, Failure> {
        let truth = read_truth(path)?;
        let wrong = |found, expected, what| {
            let message = format_args!("found {found} {what}, expected {expected}");
            Err(Failure::about(path, message))
        };
        if truth.rows() != queries {
            return wrong(truth.rows(), format!("{queries}, one per query"), "rows of neighbours");
        }
        if truth.k() < k {
            return wrong(truth.k(), format!("at least k = {k}"), "neighbours per query");
        }
        let numbering = Numbering::of(db, path)?;
        let ids_of = |query| {
            let id = |&number: &u32| {
                numbering.id(db, number).map_err(|expected| {
                    Failure::about(path, format_args!("row {query}: found the neighbour {number}, expected {expected}"))
                })
            };
            truth.row(query)[..k].iter().map(id).collect()
        };
        (0..queries).map(ids_of).collect::<Result<_, _>>().map(Self)
    }

    /// From exact answers.
    pub(crate) fn of(hits: &[Vec<Hit>]) -> Self {
        Self(hits.iter().map(|hits| hits.iter().map(|hit| hit.id.clone()).collect()).collect())
    }

    /// The mean over all queries.
    pub(crate) fn recall(&self, hits: &[Vec<Hit>]) -> f64 {
        let found: usize = hits
            .iter()
            .zip(&self.0)
            .map(|(hits, expected)| hits.iter().filter(|hit| expected.contains(&hit.id)).count())
            .sum();
        let all: usize = self.0.iter().map(HashSet::len).sum();
        if all == 0 { 1.0 } else { found as f64 / all as f64 }
    }
}
