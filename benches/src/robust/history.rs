//! What happens to the rows after they arrived, and which rows live then.

use super::data::Data;
use super::draw::Draw;
use crate::Failure;
use omendb_engine::Db;

/// What happens to the rows.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum History {
    /// Nothing.
    Fresh,
    /// Every second row, at random, is deleted.
    Half,
    /// Nine rows of ten, at random, are deleted.
    Most,
    /// Most rows of some regions are deleted: [`Data::doomed`].
    Emptied,
    /// The first two ids are replaced 4,000 times by rows near their own.
    Hot,
    /// Rows change places, 1,000 at a time, until twice as many as there are were replaced.
    Churned,
}

/// Times that a hot id is replaced.
const REPLACED: usize = 4_000;
/// How far from its own row a hot id's new row is, in each value.
const JITTER: f64 = 0.02;
/// Rows that change places at a time.
const CHANGED: usize = 1_000;

/// What is to be done, and what is then there.
pub(super) struct Story {
    deleted: Vec<u64>,
    /// Ids and their new rows, one entry a call.
    replaced: Vec<(Vec<u64>, Vec<f32>)>,
    /// The rows by id, after all of it.
    pub(super) rows: Vec<f32>,
    /// Which of them are alive.
    pub(super) alive: Vec<bool>,
    dim: usize,
}

impl History {
    pub(super) const ALL: [History; 6] =
        [History::Fresh, History::Half, History::Most, History::Emptied, History::Hot, History::Churned];

    pub(super) fn name(self) -> &'static str {
        match self {
            History::Fresh => "fresh",
            History::Half => "half deleted",
            History::Most => "90 % deleted",
            History::Emptied => "regions emptied",
            History::Hot => "two ids hot",
            History::Churned => "churned",
        }
    }

    /// What this history does to these rows.
    pub(super) fn story(self, data: &Data, draw: &mut Draw) -> Story {
        let count = data.count();
        let mut story = Story {
            deleted: Vec::new(),
            replaced: Vec::new(),
            rows: data.rows.clone(),
            alive: vec![true; count],
            dim: data.dim,
        };
        match self {
            History::Fresh => {}
            History::Half => story.delete(draw.order(count).split_off(count - count / 2)),
            History::Most => story.delete(draw.order(count).split_off(count - count * 9 / 10)),
            History::Emptied => story.delete(data.doomed.clone()),
            History::Hot => (0..REPLACED).for_each(|_| {
                let near = |id: usize| data.row(id).iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
                let rows = (0..2).flat_map(|id| draw.near(&near(id), JITTER));
                story.replace(&[0, 1], rows.map(|value| value as f32).collect());
            }),
            History::Churned => (0..(2 * count).div_ceil(CHANGED)).for_each(|_| {
                let ids = &draw.order(count)[..CHANGED.min(count)];
                let next = ids.iter().cycle().skip(1).take(ids.len());
                let rows = next.flat_map(|&id| story.row(id).to_vec()).collect();
                story.replace(ids, rows);
            }),
        }
        story
    }
}

impl Story {
    fn delete(&mut self, ids: Vec<usize>) {
        ids.iter().for_each(|&id| self.alive[id] = false);
        self.deleted = ids.into_iter().map(|id| id as u64).collect();
    }

    fn replace(&mut self, ids: &[usize], rows: Vec<f32>) {
        for (&id, row) in ids.iter().zip(rows.chunks_exact(self.dim)) {
            self.rows[id * self.dim..][..self.dim].copy_from_slice(row);
        }
        self.replaced.push((ids.iter().map(|&id| id as u64).collect(), rows));
    }

    /// The row of an id, dead or alive.
    pub(super) fn row(&self, id: usize) -> &[f32] {
        &self.rows[id * self.dim..][..self.dim]
    }

    /// The ids that live, in order.
    pub(super) fn ids(&self) -> Vec<usize> {
        (0..self.alive.len()).filter(|&id| self.alive[id]).collect()
    }

    /// The rows that live, in the order of their ids.
    pub(super) fn living(&self) -> Vec<&[f32]> {
        self.ids().into_iter().map(|id| self.row(id)).collect()
    }

    /// Does it to a database that holds the rows as they arrived.
    pub(super) fn happen(&self, db: &Db) -> Result<(), Failure> {
        for (ids, rows) in &self.replaced {
            db.upsert_batch(ids, rows)?;
        }
        if !self.deleted.is_empty() {
            db.delete_batch(&self.deleted)?;
        }
        Ok(db.flush()?)
    }
}
