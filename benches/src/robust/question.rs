//! The queries over the remaining rows, and how answers are counted.

use super::data::Data;
use super::exact;
use super::history::Story;
use crate::Failure;
use omendb_engine::{Db, Id, Metric, SearchOptions};
use serde::Serialize;
use std::collections::HashSet;

/// The width by which recall is judged: the engine's default.
pub(super) const WIDTH: usize = 64;

/// Widths at which searches must lead to the right rows too.
const OTHER_WIDTHS: [usize; 2] = [32, 200];

/// Queries, the rows that live, and how far the k nearest of them reach.
pub(super) struct Question<'a> {
    pub(super) data: &'a Data,
    pub(super) story: &'a Story,
    pub(super) metric: Metric,
    /// Neighbours asked for: no more than there are rows.
    pub(super) k: usize,
    last: Vec<f64>,
}

/// What was found.
#[derive(Clone, Serialize)]
pub(super) struct Figures {
    /// The share of the k nearest; rows as near as the last of them count.
    pub(super) recall: f64,
    /// Queries that found none of their k.
    pub(super) none: usize,
    /// Distances a query.
    pub(super) distances: f64,
    /// The same at other widths.
    pub(super) others: Vec<AtWidth>,
    /// How many of its k each query found.
    #[serde(skip)]
    hits: Vec<usize>,
}

/// What searches of another width find.
#[derive(Clone, Serialize)]
pub(super) struct AtWidth {
    pub(super) width: usize,
    pub(super) recall: f64,
    pub(super) none: usize,
}

impl Figures {
    /// How much more of the `k` nearest was found than by `other`, which was asked the same; and the standard error of
    /// that.
    pub(super) fn more_than(&self, other: &Figures, k: usize) -> (f64, f64) {
        let more: Vec<f64> =
            self.hits.iter().zip(&other.hits).map(|(&own, &other)| (own as f64 - other as f64) / k as f64).collect();
        let count = more.len().max(2) as f64;
        let mean = more.iter().sum::<f64>() / count;
        let variance = more.iter().map(|more| (more - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, (variance / count).sqrt())
    }
}

impl<'a> Question<'a> {
    pub(super) fn new(data: &'a Data, story: &'a Story, metric: Metric) -> Self {
        let living = story.living();
        let k = data.k.min(living.len());
        let last = exact::last_distances(metric, &living, &data.queries, data.dim, k);
        Self { data, story, metric, k, last }
    }

    /// Asks all queries of a database.
    pub(super) fn ask(&self, db: &Db) -> Result<Figures, Failure> {
        let at_width = |width: usize| {
            let Figures { recall, none, .. } = self.ask_at(db, width)?;
            Ok(AtWidth { width, recall, none })
        };
        let others = OTHER_WIDTHS.into_iter().map(at_width).collect::<Result<_, Failure>>()?;
        Ok(Figures { others, ..self.ask_at(db, WIDTH)? })
    }

    fn ask_at(&self, db: &Db, width: usize) -> Result<Figures, Failure> {
        let (mut answers, mut distances) = (Vec::new(), 0);
        for query in self.data.queries.chunks_exact(self.data.dim) {
            let (hits, stats) = db.search_with_stats(query, &SearchOptions::new(self.k).width(width))?;
            answers.push(hits.iter().map(|hit| number(&hit.id)).collect());
            distances += stats.distances;
        }
        self.count(&answers, distances as f64 / answers.len() as f64)
    }

    /// Counts answers, each a list of ids.
    pub(super) fn count(&self, answers: &[Vec<usize>], distances: f64) -> Result<Figures, Failure> {
        let mut all_hits = Vec::with_capacity(answers.len());
        for (answer, (query, &last)) in
            answers.iter().zip(self.data.queries.chunks_exact(self.data.dim).zip(&self.last))
        {
            let different: HashSet<_> = answer.iter().collect();
            if different.len() < answer.len() || answer.len() > self.k {
                return Err("an answer has a row twice, or too many rows".into());
            }
            if let Some(dead) = answer.iter().find(|&&id| !self.story.alive[id]) {
                return Err(format!("an answer has the deleted row {dead}").into());
            }
            let is_near = |&&id: &&usize| {
                let row = self.story.row(id);
                let limit = last + exact::slack(self.metric, last, query, row);
                exact::distance(self.metric, query, row) <= limit
            };
            all_hits.push(answer.iter().filter(is_near).count());
        }
        let found: usize = all_hits.iter().sum();
        let none = all_hits.iter().filter(|&&hits| hits == 0).count();
        let recall = found as f64 / (answers.len() * self.k) as f64;
        Ok(Figures { recall, none, distances, others: Vec::new(), hits: all_hits })
    }
}

fn number(id: &Id) -> usize {
    match id {
        Id::U64(number) => *number as usize,
        Id::Text(text) => unreachable!("ids are numbers here, and this one is {text}"),
    }
}
