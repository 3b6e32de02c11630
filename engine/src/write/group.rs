//! Group commit: small batches that wait for the writer lock become one commit, with one sync.
//!
//! A caller that finds the lock taken puts a copy of its batch into a queue. One caller in the queue leads. It waits for the
//! lock, commits the batches of the queue in their order, and tells each caller the outcome. Meanwhile the next group
//! gathers. (DeWitt et al., Implementation Techniques for Main Memory Database Systems, SIGMOD 1984, section 5.2.)

use std::sync::{Arc, PoisonError};

use omendb_storage::{Commit, IdColumn, IdRef, Packed};

use crate::db::Core;
use crate::input::batch::{Batch, Existing};
use crate::write::place::Place;
use crate::write::queue::Waiting;
use crate::write::write_batch::columns;
use crate::{BatchError, Durability, IdKind};

/// Batches of more bytes of rows are not copied: a sync is a small part of what they cost.
const SMALL: usize = 64 << 10;

impl Core {
    /// Whether a batch may become part of a commit with others: where there is a sync to be shared.
    pub(crate) fn may_share(&self, batch: &Batch<'_>) -> bool {
        batch.bytes() <= SMALL && self.path.is_some() && self.use_.durability == Durability::Sync
    }

    /// Commits a small batch, together with those of other callers that wait for the writer's lock too.
    pub(crate) fn commit_with_others(&self, batch: &Batch<'_>, existing: Existing) -> Result<Place, BatchError> {
        let mine = Arc::new(Waiting::copy(batch, existing));
        self.queue.state.lock().waiting.push_back(Arc::clone(&mine));
        loop {
            let _lead = match self.queue.wait_for(&mine) {
                Ok(outcome) => return outcome,
                Err(lead) => lead,
            };
            let _writing = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            self.commit_first_in_queue(batch.row_bytes());
        }
    }

    /// Commits the first batches of the queue together; for a caller that holds the writer's lock.
    fn commit_first_in_queue(&self, row_bytes: usize) {
        let group = self.queue.first();
        // One that is refused for what it holds keeps no other from being committed.
        let is_good = |one: &&Arc<Waiting>| {
            let refused = self.replaced(one.ids(), one.existing).err();
            refused.map(|error| one.tell(Err(error))).is_none()
        };
        let good: Vec<&Arc<Waiting>> = group.iter().filter(is_good).collect();
        match &good[..] {
            [] => {}
            [one] => one.tell(self.commit_together(&[one], row_bytes)),
            _ => match self.commit_together(&good, row_bytes) {
                Ok(end) => good.iter().for_each(|one| one.tell(Ok(end))),
                // There may be room for some of them, and each is told its own error.
                Err(_) => good.iter().for_each(|one| one.tell(self.commit_together(&[one], row_bytes))),
            },
        }
        // Not sooner: where this panics, the next to lead finds them.
        self.queue.state.lock().waiting.drain(..group.len());
    }

    /// Commits batches as one.
    fn commit_together(&self, batches: &[&Arc<Waiting>], row_bytes: usize) -> Result<Place, BatchError> {
        let mut dead = Vec::new();
        for one in batches {
            dead.extend(self.replaced(one.ids(), one.existing)?);
        }
        let rows: Vec<u8> = batches.iter().flat_map(|one| &one.rows).copied().collect();
        let ids: Vec<IdRef<'_>> = batches.iter().flat_map(|one| one.ids()).collect();
        let (numbers, strings) = columns(&ids);
        let ids = match self.config.id_kind {
            IdKind::U64 => IdColumn::U64(&numbers),
            IdKind::Text => IdColumn::Text(&strings),
        };
        self.commit(Commit { rows: &Packed::new(&rows, row_bytes), ids, dead: &dead })
    }
}

#[cfg(test)]
mod tests {
    use std::thread::{sleep, spawn};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::{Db, Id, Metric, Options, StorageError};

    type Call = fn(&Db) -> Result<(), BatchError>;

    fn wait_until(what: impl Fn() -> bool) {
        let begun = Instant::now();
        while !what() {
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing came");
            sleep(Duration::from_millis(1));
        }
    }

    /// What calls return that came, one after another, while the writer's lock was taken; and how many commits there were.
    fn together(db: &Db, calls: impl IntoIterator<Item = Call>) -> (Vec<Result<(), BatchError>>, u64) {
        let held = db.core.writer.lock().unwrap();
        let before = db.core.snapshot.load().view.commit();
        let mut threads = Vec::new();
        for call in calls {
            let waiting = db.core.queue.state.lock().waiting.len();
            let own = db.clone();
            threads.push(spawn(move || call(&own)));
            wait_until(|| db.core.queue.state.lock().waiting.len() > waiting);
        }
        drop(held);
        let outcomes = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        (outcomes, db.core.snapshot.load().view.commit() - before)
    }

    fn database(kind: IdKind) -> (tempfile::TempDir, Db) {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::create(dir.path().join("db"), Options::new(2, Metric::Cosine).id_kind(kind)).unwrap();
        (dir, db)
    }

    #[test]
    fn batches_that_wait_become_one_commit() {
        let (_dir, db) = database(IdKind::U64);
        db.add(7u64, &[1.0f32, 0.0]).unwrap();
        let calls: [Call; 4] = [
            |db| db.add_batch(&[1u64, 2], &[[0.0f32, 1.0], [0.0, 2.0]]),
            |db| db.add(7u64, &[5.0f32, 5.0]),
            |db| db.upsert(7u64, &[0.0f32, 3.0]),
            |db| db.upsert(3u64, &[2.0f32, 0.0]),
        ];
        let (outcomes, commits) = together(&db, calls);
        assert!(matches!(outcomes[1], Err(BatchError::IdExists { id: Id::U64(7), row: 0 })), "{outcomes:?}");
        assert!([0, 2, 3].iter().all(|&call| outcomes[call].is_ok()), "{outcomes:?}");
        // The third begins a second: it has an id of the one before it.
        assert_eq!((commits, db.count()), (2, 4));
        let row = |id: u64| db.get(id).unwrap();
        assert_eq!([row(1), row(2), row(7), row(3)], [[0.0, 1.0], [0.0, 2.0], [0.0, 3.0], [2.0, 0.0]]);
        // Cosine by the lengths that came with them.
        let hits = db.search(&[0.0f32, 9.0], 3).unwrap();
        assert!(hits.iter().all(|hit| hit.distance.abs() < 1e-6), "{hits:?}");
        assert!(db.verify().is_ok());
    }

    #[test]
    fn string_ids_and_ids_that_come_twice() {
        let (_dir, db) = database(IdKind::Text);
        let calls: [Call; 3] = [
            |db| db.upsert("a", &[1.0f32, 0.0]),
            |db| db.upsert("b", &[0.0f32, 1.0]),
            |db| db.add("a", &[0.0f32, 7.0]),
        ];
        let (outcomes, commits) = together(&db, calls);
        assert!(outcomes[0].is_ok() && outcomes[1].is_ok());
        assert!(matches!(outcomes[2], Err(BatchError::IdExists { row: 0, .. })), "{outcomes:?}");
        assert_eq!((commits, db.count()), (1, 2));
        assert_eq!(db.get("a").unwrap(), [1.0, 0.0]);
    }

    #[test]
    fn each_is_told_that_the_storage_refuses() {
        let (dir, db) = database(IdKind::U64);
        std::fs::remove_file(dir.path().join("db/LOCK")).unwrap();
        let calls: [Call; 2] = [|db| db.add(1u64, &[1.0f32, 0.0]), |db| db.add(2u64, &[1.0f32, 0.0])];
        let (outcomes, commits) = together(&db, calls);
        let is_refused = |outcome: &Result<(), BatchError>| {
            matches!(outcome, Err(BatchError::Storage(StorageError::Unlocked { .. })))
        };
        assert!(outcomes.iter().all(is_refused), "{outcomes:?}");
        assert_eq!((commits, db.count()), (0, 0));
    }
}
