//! The public search calls.

use rayon::prelude::*;

use crate::db::{Core, install};
use crate::search::options::{Hit, SearchOptions, SearchStats};
use crate::search::plan::Plan;
use crate::{Db, QueryRef, RowsRef, SearchError};

impl Db {
    /// The `k` nearest rows to `query`, nearest first, ties by id; fewer if there are fewer.
    ///
    /// # Errors
    /// [`SearchError`] when the query has another dimension, is not finite, has no direction under
    /// cosine, or is too long or too short for the arithmetic (see [`Db::add_batch`]).
    pub fn search<'q>(&self, query: impl Into<QueryRef<'q>>, k: usize) -> Result<Vec<Hit>, SearchError> {
        self.search_with(query, &SearchOptions::new(k))
    }

    /// [`Db::search`], with options.
    ///
    /// # Errors
    /// As [`Db::search`], and [`SearchError::Option`] for an option out of range.
    pub fn search_with<'q>(
        &self,
        query: impl Into<QueryRef<'q>>,
        options: &SearchOptions,
    ) -> Result<Vec<Hit>, SearchError> {
        Ok(self.search_with_stats(query, options)?.0)
    }

    /// [`Db::search_with`], and what it cost.
    ///
    /// # Errors
    /// As [`Db::search_with`].
    pub fn search_with_stats<'q>(
        &self,
        query: impl Into<QueryRef<'q>>,
        options: &SearchOptions,
    ) -> Result<(Vec<Hit>, SearchStats), SearchError> {
        self.core.search(query.into(), options)
    }

    /// The nearest rows to each of many queries, on all threads: queries come as rows do in [`Db::add_batch`].
    ///
    /// # Errors
    /// As [`Db::search_with`], for the first query that is wrong; [`SearchError::Stride`] for queries that do not fit their
    /// bytes.
    pub fn search_batch<'q>(
        &self,
        queries: impl Into<RowsRef<'q>>,
        options: &SearchOptions,
    ) -> Result<Vec<Vec<Hit>>, SearchError> {
        self.core.search_batch(&queries.into(), options)
    }
}

impl Core {
    fn search(&self, query: QueryRef<'_>, options: &SearchOptions) -> Result<(Vec<Hit>, SearchStats), SearchError> {
        options.check()?;
        let snapshot = self.snapshot.load();
        self.scratches.with(|scratch| {
            self.prepare(query, 0, scratch)?;
            let plan = Plan::of(self, &snapshot, options);
            Ok(self.answer(&snapshot, options, plan, scratch))
        })
    }

    fn search_batch(&self, queries: &RowsRef<'_>, options: &SearchOptions) -> Result<Vec<Vec<Hit>>, SearchError> {
        options.check()?;
        let queries = queries.queries(self.config.dim)?;
        let snapshot = self.snapshot.load_full();
        let plan = Plan::of(self, &snapshot, options);
        let answers: Vec<Result<Vec<Hit>, SearchError>> = install(&self.pool, || {
            let answer = |(number, query): (usize, &QueryRef<'_>)| {
                self.scratches.with(|scratch| {
                    self.prepare(*query, number, scratch)?;
                    Ok(self.answer(&snapshot, options, plan, scratch).0)
                })
            };
            queries.par_iter().enumerate().map(answer).collect()
        });
        answers.into_iter().collect()
    }
}
