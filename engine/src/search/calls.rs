//! The calls that search.

use omendb_kernels::Element;
use rayon::prelude::*;

use crate::db::install;
use crate::search::options::{Hit, SearchOptions, SearchStats};
use crate::search::plan::Plan;
use crate::{Db, SearchError};

impl Db {
    /// The `k` nearest rows to `query`, nearest first, ties by id; fewer if there are fewer.
    ///
    /// # Errors
    /// [`SearchError`] when the query has another dimension, is not finite, has no direction under
    /// cosine, or is too long or too short for the arithmetic (see [`Db::add_batch`]).
    pub fn search<T: Element>(&self, query: &[T], k: usize) -> Result<Vec<Hit>, SearchError> {
        self.search_with(query, &SearchOptions::new(k))
    }

    /// [`Db::search`], with options.
    ///
    /// # Errors
    /// As [`Db::search`], and [`SearchError::Option`] for an option out of range.
    pub fn search_with<T: Element>(&self, query: &[T], options: &SearchOptions) -> Result<Vec<Hit>, SearchError> {
        Ok(self.search_measured(query, options)?.0)
    }

    /// [`Db::search_with`], and what it cost.
    ///
    /// # Errors
    /// As [`Db::search_with`].
    pub fn search_measured<T: Element>(
        &self,
        query: &[T],
        options: &SearchOptions,
    ) -> Result<(Vec<Hit>, SearchStats), SearchError> {
        let core = &self.core;
        options.check()?;
        let snapshot = core.snapshot.load();
        let plan = Plan::of(core, &snapshot, options);
        core.scratches.with(|scratch| {
            core.prepare(query, 0, scratch)?;
            Ok(core.answer(&snapshot, options, plan, scratch))
        })
    }

    /// The nearest rows to each of many queries, row-major in one slice, on all threads
    /// (`queries.concat()` makes one of vectors).
    ///
    /// # Errors
    /// As [`Db::search_with`], for the first query that is wrong.
    pub fn search_batch<T: Element>(
        &self,
        queries: &[T],
        options: &SearchOptions,
    ) -> Result<Vec<Vec<Hit>>, SearchError> {
        let core = &self.core;
        options.check()?;
        let dim = core.options.dim;
        if !queries.len().is_multiple_of(dim) {
            let (query, found) = (queries.len() / dim, queries.len() % dim);
            return Err(SearchError::Dimension { expected: dim, found, query });
        }
        let snapshot = core.snapshot.load_full();
        let plan = Plan::of(core, &snapshot, options);
        let answers: Vec<Result<Vec<Hit>, SearchError>> = install(&core.pool, || {
            let numbered = queries.par_chunks(dim).enumerate();
            let answer = |(number, query)| {
                core.scratches.with(|scratch| {
                    core.prepare(query, number, scratch)?;
                    Ok(core.answer(&snapshot, options, plan, scratch).0)
                })
            };
            numbered.map(answer).collect()
        });
        answers.into_iter().collect()
    }
}
