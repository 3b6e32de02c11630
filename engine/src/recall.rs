//! How much of what is nearest a search finds, on the rows of the database itself.

use omendb_storage::View;

use crate::{Db, SearchError, SearchOptions, values};

/// What searches found of what exact ones did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecallEstimate {
    /// Rows that were asked for.
    pub asked: usize,
    /// The share of their nearest rows that was found, on average.
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
            values::read(self.core.options.row_type, view.row(slot), &mut query);
            let nearest = self.search_with(&query, &exact)?;
            let Some(last) = nearest.last() else { continue };
            let (found, stats) = self.search_measured(&query, options)?;
            // f32 rounds a distance differently, depending on how it was measured.
            let limit = last.distance + last.distance.abs().max(f32::MIN_POSITIVE) * 1e-5;
            let found = found.iter().filter(|hit| hit.distance <= limit).count().min(nearest.len());
            estimate.asked += 1;
            estimate.recall += found as f64 / nearest.len() as f64;
            estimate.none_found += usize::from(found == 0);
            estimate.distances += stats.distances as f64;
        }
        let asked = estimate.asked.max(1) as f64;
        Ok(RecallEstimate { recall: estimate.recall / asked, distances: estimate.distances / asked, ..estimate })
    }
}

/// So many of the living slots, at most, evenly spread.
fn spread(view: &View, rows: usize) -> impl Iterator<Item = u32> + '_ {
    let living = view.live() as usize;
    let rows = rows.min(living);
    view.living().enumerate().filter(move |(i, _)| i * rows / living != (i + 1) * rows / living).map(|(_, slot)| slot)
}
