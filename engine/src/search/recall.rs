//! Estimates recall with rows of the database as queries.

use omendb_storage::View;

use crate::input::values;
use crate::{Db, SearchError, SearchOptions};

/// What searches found of what exact ones did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecallEstimate {
    /// Rows that were asked for.
    pub asked: usize,
    /// The share of their nearest rows that was found, on average; 1 if none was asked for.
    pub recall: f64,
    /// Rows for which none of the nearest was found.
    pub none_found: usize,
    /// The mean number of distances that a search took.
    pub distances: f64,
}

impl Db {
    /// Asks for `rows` of the living rows, spread evenly over the slots, as `options` say, and exactly; compares.
    ///
    /// A row that was found as near as the k-th of the exact answer counts, whichever of equal rows it is. Takes `rows`
    /// looks at all rows. An estimate: queries that are unlike the rows may find less.
    ///
    /// # Errors
    /// As [`Db::search_with`].
    pub fn estimate_recall(&self, rows: usize, options: &SearchOptions) -> Result<RecallEstimate, SearchError> {
        let view = self.core.snapshot.load().view.clone();
        let exact = options.clone().exact(true);
        let mut estimate = RecallEstimate { asked: 0, recall: 0.0, none_found: 0, distances: 0.0 };
        let mut query = Vec::new();
        for slot in spread(&view, rows) {
            query.clear();
            values::read(self.core.config.row_type, view.row(slot), &mut query);
            let nearest = match self.search_with(&query, &exact) {
                // A row that an older version took cannot ask.
                Err(SearchError::TooShort { .. }) => continue,
                found => found?,
            };
            let Some(last) = nearest.last() else { continue };
            let (found, stats) = self.search_with_stats(&query, options)?;
            // f32 rounds a distance differently, depending on how it was measured.
            let limit = last.distance + last.distance.abs().max(f32::MIN_POSITIVE) * 1e-5;
            let found = found.iter().filter(|hit| hit.distance <= limit).count().min(nearest.len());
            estimate.asked += 1;
            estimate.recall += found as f64 / nearest.len() as f64;
            estimate.none_found += usize::from(found == 0);
            estimate.distances += stats.distances as f64;
        }
        if estimate.asked == 0 {
            return Ok(RecallEstimate { recall: 1.0, ..estimate });
        }
        let asked = estimate.asked as f64;
        Ok(RecallEstimate { recall: estimate.recall / asked, distances: estimate.distances / asked, ..estimate })
    }
}

/// So many of the living slots, at most, evenly spread.
fn spread(view: &View, rows: usize) -> impl Iterator<Item = u32> + '_ {
    let living = view.live() as usize;
    let rows = rows.min(living);
    view.living().enumerate().filter(move |(i, _)| i * rows / living != (i + 1) * rows / living).map(|(_, slot)| slot)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::RecallEstimate;
    use crate::state::snapshot::Snapshot;
    use crate::{Db, Id, Metric, Options, SearchOptions};

    const ROWS: usize = 3000;
    const DIM: usize = 8;
    const K: usize = 10;

    /// Whole numbers, so that distances are exact however they are measured.
    fn values() -> Vec<f32> {
        let mut state = 7u32;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as f32 % 256.0
        };
        std::iter::repeat_with(next).take(ROWS * DIM).collect()
    }

    fn made(values: &[f32]) -> Db {
        let db = Db::in_memory(Options::new(DIM, Metric::L2).degree(8).build_width(12).threads(2)).unwrap();
        db.add_batch(&(0..ROWS as u64).collect::<Vec<u64>>(), values).unwrap();
        db.flush().unwrap();
        db
    }

    fn squared(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
    }

    /// The same by looking at everything.
    fn oracle(db: &Db, values: &[f32], width: usize) -> (f64, usize) {
        let (mut recall, mut none_found) = (0.0, 0);
        for query in values.chunks(DIM).take(db.count()) {
            let living = values.chunks(DIM).zip(0u64..).filter(|(_, id)| db.contains(*id));
            let mut distances: Vec<f64> = living.map(|(row, _)| squared(row, query)).collect();
            distances.sort_by(f64::total_cmp);
            let hits = db.search_with(query, &SearchOptions::new(K).width(width)).unwrap();
            let of = |id: &Id| match id {
                Id::U64(id) => squared(&values[*id as usize * DIM..][..DIM], query),
                Id::Text(_) => panic!("ids are numbers"),
            };
            let found = hits.iter().filter(|hit| of(&hit.id) <= distances[K - 1]).count();
            recall += found as f64 / K as f64;
            none_found += usize::from(found == 0);
        }
        (recall / db.count() as f64, none_found)
    }

    fn estimated(db: &Db, rows: usize, width: usize) -> RecallEstimate {
        db.estimate_recall(rows, &SearchOptions::new(K).width(width)).unwrap()
    }

    fn agrees(db: &Db, values: &[f32], width: usize) -> RecallEstimate {
        let (recall, none_found) = oracle(db, values, width);
        let all = estimated(db, ROWS, width);
        assert!((all.recall - recall).abs() < 1e-9, "{all:?}, {recall} by looking at all");
        assert_eq!((all.asked, all.none_found), (db.count(), none_found));
        let some = estimated(db, 500, width);
        assert!(some.asked == 500 && (some.recall - recall).abs() < 0.03, "{some:?}, {recall} of all");
        all
    }

    #[test]
    fn the_estimate_is_what_looking_at_all_tells() {
        let values = values();
        let db = made(&values);
        let [narrow, wide] = [10, 60].map(|width| agrees(&db, &values, width));
        assert!(narrow.recall < wide.recall && narrow.distances < wide.distances, "{narrow:?} {wide:?}");
        // The last rows are gone: what is asked for and counted lives.
        db.delete_batch(2_700..ROWS as u64).unwrap();
        db.flush().unwrap(); // deleted rows leave the graph, which both look at
        agrees(&db, &values, 10);
        db.clear().unwrap();
        assert_eq!(estimated(&db, 10, 10).recall, 1.0);
    }

    /// The graph of the same rows in another order leads nowhere.
    #[test]
    fn a_graph_that_leads_nowhere_is_told() {
        let values = values();
        let turned: Vec<f32> = values.chunks(DIM).rev().flatten().copied().collect();
        let (db, other) = (made(&values), made(&turned));
        assert!(estimated(&db, 200, 30).recall > 0.9);
        let (own, foreign) = (db.core.snapshot.load_full(), other.core.snapshot.load_full());
        let damaged = Snapshot { graph: Arc::clone(&foreign.graph), ..(*own).clone() };
        db.core.snapshot.store(Arc::new(damaged));
        let told = agrees(&db, &values, 30);
        assert!(told.recall < 0.3 && told.none_found > ROWS / 3, "{told:?}");
    }
}
