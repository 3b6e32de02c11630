//! The order in which rows arrive, and in how many calls.

use super::data::Data;
use crate::Failure;
use omendb_engine::Db;
use std::ops::Range;

/// How rows arrive.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Arrival {
    /// All in one call.
    Once,
    /// So many a call.
    By(usize),
    /// Three quarters in one call, the others 1,000 a call: they meet a graph made in bulk.
    Late,
    /// One a call.
    Singly,
}

impl Arrival {
    pub(super) fn name(self) -> String {
        match self {
            Arrival::Once => "one batch".to_owned(),
            Arrival::By(rows) => format!("batches of {rows}"),
            Arrival::Late => "a bulk, then batches".to_owned(),
            Arrival::Singly => "single rows".to_owned(),
        }
    }

    /// Adds all rows, the row's number as its id, and links them.
    pub(super) fn add(self, db: &Db, data: &Data) -> Result<(), Failure> {
        let count = data.count();
        let ids: Vec<u64> = (0..count as u64).collect();
        for Range { start, end } in self.calls(count) {
            if self == Arrival::Singly {
                db.add(ids[start], data.row(start))?;
            } else {
                db.add_batch(&ids[start..end], &data.rows[start * data.dim..end * data.dim])?;
            }
        }
        Ok(db.flush()?)
    }

    fn calls(self, count: usize) -> Vec<Range<usize>> {
        let (first, step) = match self {
            Arrival::Once => (count, count),
            Arrival::By(rows) => (rows.min(count), rows),
            Arrival::Late => (count - count / 4, 1_000),
            Arrival::Singly => (1, 1),
        };
        let later = (first..count).step_by(step).map(|start| start..(start + step).min(count));
        std::iter::once(0..first).chain(later).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Arrival;

    #[test]
    fn every_row_arrives_once() {
        for arrival in [Arrival::Once, Arrival::By(300), Arrival::Late, Arrival::Singly] {
            let rows: Vec<usize> = arrival.calls(4_321).into_iter().flatten().collect();
            assert_eq!(rows, (0..4_321).collect::<Vec<_>>(), "{}", arrival.name());
        }
    }
}
