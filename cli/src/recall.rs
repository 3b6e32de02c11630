//! recall@k: the share of the k true nearest rows that an answer holds.

use std::collections::HashSet;
use std::path::Path;

use omendb_engine::{Db, Hit, Id, IdKind};
use omendb_formats::{Truth, read_truth};

use crate::failure::Failure;

/// The ids of the k true neighbours of each query.
pub(crate) struct Expected(Vec<HashSet<Id>>);

impl Expected {
    /// From a file of row numbers, for the first `k` columns.
    ///
    /// Row numbers are those of the file that the database was built from: its n-th row is the
    /// database's n-th id. Once rows have been deleted or replaced that order is lost, and
    /// numbers are taken for the ids that `build` gives by default.
    pub(crate) fn read(path: &Path, db: &Db, queries: usize, k: usize) -> Result<Self, Failure> {
        let truth = read_truth(path)?;
        let wrong = |found, expected, what| {
            let message = format_args!("found {found} {what}, expected {expected}");
            Err(Failure::about(path, message))
        };
        if truth.rows() != queries {
            return wrong(truth.rows(), format!("{queries}, one a query"), "rows of neighbours");
        }
        if truth.k() < k {
            return wrong(truth.k(), format!("at least k = {k}"), "neighbours a query");
        }
        let names = Names::of(path, db)?;
        (0..queries).map(|query| names.of_row(path, &truth, query, k)).collect::<Result<_, _>>().map(Self)
    }

    /// From answers that are known to be right.
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

/// From row numbers to ids.
enum Names {
    /// The n-th row has the n-th id.
    InOrder(Vec<Id>),
    /// The row's number is its id.
    Numbers,
}

impl Names {
    fn of(path: &Path, db: &Db) -> Result<Self, Failure> {
        let stats = db.stats();
        if stats.count == stats.slots {
            return Ok(Self::InOrder(db.ids().collect()));
        }
        match db.options().ids() {
            IdKind::U64 => Ok(Self::Numbers),
            IdKind::Text => Err(Failure::about(
                path,
                "rows have been deleted or replaced since the database was built, so its texts \
                 cannot be matched with row numbers",
            )),
        }
    }

    fn of_row(&self, path: &Path, truth: &Truth, query: usize, k: usize) -> Result<HashSet<Id>, Failure> {
        let neighbours = &truth.row(query)[..k];
        match self {
            Self::Numbers => Ok(neighbours.iter().map(|&row| Id::U64(row.into())).collect()),
            Self::InOrder(ids) => neighbours
                .iter()
                .map(|&row| {
                    ids.get(row as usize).cloned().ok_or_else(|| {
                        Failure::about(
                            path,
                            format_args!(
                                "row {query}: found the neighbour {row}, expected row numbers \
                                 below {}, the database's count",
                                ids.len()
                            ),
                        )
                    })
                })
                .collect(),
        }
    }
}
