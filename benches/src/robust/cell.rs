//! A cell: a kind of data, a metric, and a way (arrival and history).

use super::history::History;
use super::kinds::{Asked, Kind};
use super::question::{Figures, Question};
use super::ways::{Then, Way};
use crate::Failure;
use omendb_engine::{Db, Durability, Options};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A kind, a metric, a way.
#[derive(Clone, Copy)]
pub struct Cell {
    pub(super) kind: &'static Kind,
    pub(super) asked: Asked,
    pub(super) way: Way,
}

impl Cell {
    /// All cells of a kind.
    pub(super) fn of(kind: &'static Kind) -> Vec<Cell> {
        let of_way = |way: &Way| kind.asked.iter().map(|&asked| Cell { kind, asked, way: *way }).collect::<Vec<_>>();
        kind.ways.iter().flat_map(of_way).collect()
    }

    /// As in `lengths 0.5 (ip), 2000 rows: single rows, fresh`.
    pub fn name(&self) -> String {
        let rows = self.way.rows.map_or(String::new(), |rows| format!(", {rows} rows"));
        format!("{} ({}){rows}: {}", self.kind.name, self.asked.metric, self.way.name())
    }

    /// How many rows are made for it.
    pub(super) fn rows(&self) -> usize {
        self.way.rows.unwrap_or(self.kind.rows)
    }

    /// Makes the database in this way and runs the queries. An error is the outcome, so that the other cells still run.
    pub(super) fn measure(&self, question: &Question<'_>) -> Result<Figures, String> {
        caught(|| self.made(question))
    }

    fn made(&self, question: &Question<'_>) -> Result<Figures, Failure> {
        let Question { data, story, .. } = question;
        // Rows are linked when a call returns, so that the same rows make the same graph. Not for hot ids, where the buffer
        // matters.
        let options = match self.way.history {
            History::Hot => options(question),
            _ => options(question).buffer_rows(0),
        };
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("robust.omen");
        let db = match self.way.then {
            Then::Reopened => Db::create(&path, options.durability(Durability::Os))?,
            Then::Asked | Then::Compacted => Db::in_memory(options)?,
        };
        self.way.arrival.add(&db, data)?;
        story.happen(&db)?;
        let db = match self.way.then {
            Then::Asked => db,
            Then::Compacted => {
                db.compact()?;
                db
            }
            Then::Reopened => {
                db.close()?;
                Db::open(&path)?
            }
        };
        match (db.count(), story.ids().len()) {
            (count, alive) if count == alive => question.ask(&db),
            (count, alive) => Err(format!("the database has {count} rows; expected {alive}").into()),
        }
    }
}

/// The figures of a fresh database: the remaining rows in one batch, without a history.
pub(super) fn fresh(question: &Question<'_>) -> Result<Figures, String> {
    caught(|| {
        let db = Db::in_memory(options(question).buffer_rows(0))?;
        let ids: Vec<u64> = question.story.ids().into_iter().map(|id| id as u64).collect();
        db.add_batch(&ids, &question.story.living()[..])?;
        db.flush()?;
        question.ask(&db)
    })
}

fn options(question: &Question<'_>) -> Options {
    Options::new(question.data.dim, question.metric).row_type(question.data.element)
}

/// Turns a failure or a panic into words. Nothing is used after a panic.
fn caught(measure: impl FnOnce() -> Result<Figures, Failure>) -> Result<Figures, String> {
    match catch_unwind(AssertUnwindSafe(measure)) {
        Ok(outcome) => outcome.map_err(|failure| failure.to_string()),
        Err(panic) => Err(format!("panic: {}", words(&*panic))),
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}
