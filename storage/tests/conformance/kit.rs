//! Rows that tell where they come from, a model of the database, and the comparison of the two.

use std::ops::Range;

use omendb_storage::{Commit, IdColumn, IdKind, IdRef, RowSource, Schema, Storage, StorageError, View};

/// Rows whose bytes follow from a seed and their number, so that a mixed-up row is seen.
pub(crate) struct Made {
    pub(crate) seed: u64,
    pub(crate) rows: usize,
    pub(crate) row_bytes: usize,
}

pub(crate) fn made_row(seed: u64, row: usize, row_bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (row as u64 + 1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56
    };
    (0..row_bytes).map(|_| next() as u8).collect()
}

impl RowSource for Made {
    fn len(&self) -> usize {
        self.rows
    }

    fn fill(&self, rows: Range<usize>, stride: usize, out: &mut [u8]) {
        assert_eq!(out.len(), rows.len() * stride);
        for (to, row) in out.chunks_exact_mut(stride).zip(rows) {
            assert!(to[self.row_bytes..].iter().all(|&byte| byte == 0), "padding is zero");
            to[..self.row_bytes].copy_from_slice(&made_row(self.seed, row, self.row_bytes));
        }
    }
}

pub(crate) fn schema(row_bytes: usize, ids: IdKind) -> Schema {
    Schema { row_bytes, ids, user: b"options of the owner".to_vec() }
}

/// What a database should hold: per slot its id, its row and whether it died.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model {
    pub(crate) slots: Contents,
    pub(crate) row_bytes: usize,
    next: u64,
}

impl Model {
    pub(crate) fn new(row_bytes: usize) -> Self {
        Self { slots: Vec::new(), row_bytes, next: 0 }
    }

    /// A model of a state that was found.
    #[allow(dead_code, reason = "for the suites of files")]
    pub(crate) fn of(slots: Contents, row_bytes: usize) -> Self {
        Self { next: 1000 + slots.len() as u64, slots, row_bytes }
    }

    /// Commits `rows` made rows and deaths to both, and compares the state that comes back.
    pub(crate) fn commit(&mut self, storage: &dyn Storage, rows: usize, dead: &[u32]) -> Result<(), StorageError> {
        self.next += 1;
        let made = Made { seed: self.next, rows, row_bytes: self.row_bytes };
        let kind = storage.schema().ids;
        let (numbers, texts) = (self.numbers(rows), self.texts(rows));
        let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
        let ids = match kind {
            IdKind::U64 => IdColumn::U64(&numbers),
            IdKind::Text => IdColumn::Text(&borrowed),
        };
        let view = storage.commit(Commit { rows: &made, ids, dead })?;
        self.take(kind, rows, dead);
        self.check(&view);
        Ok(())
    }

    /// The model after the next commit, if that is of such rows and deaths.
    #[allow(dead_code, reason = "for the suites of files")]
    pub(crate) fn after(&self, kind: IdKind, rows: usize, dead: &[u32]) -> Self {
        let mut after = Self { next: self.next + 1, ..self.clone() };
        after.take(kind, rows, dead);
        after
    }

    fn numbers(&self, rows: usize) -> Vec<u64> {
        let first = self.slots.len() as u64;
        (first..first + rows as u64).map(|slot| slot * 7 + self.next).collect()
    }

    fn texts(&self, rows: usize) -> Vec<String> {
        self.numbers(rows).iter().map(|id| format!("näme-{id}")).collect()
    }

    fn take(&mut self, kind: IdKind, rows: usize, dead: &[u32]) {
        let ids = match kind {
            IdKind::U64 => self.numbers(rows).iter().map(u64::to_string).collect(),
            IdKind::Text => self.texts(rows),
        };
        for (row, id) in ids.into_iter().enumerate() {
            self.slots.push((id, made_row(self.next, row, self.row_bytes), false));
        }
        for &slot in dead {
            self.slots[slot as usize].2 = true;
        }
    }

    pub(crate) fn living(&self) -> Vec<u32> {
        (0..self.slots.len() as u32).filter(|&slot| !self.slots[slot as usize].2).collect()
    }

    /// Puts the living slots in a new order, as compaction does.
    #[allow(dead_code, reason = "for the conformance suite")]
    pub(crate) fn reorder(&mut self, order: &[u32]) {
        self.slots = order.iter().map(|&slot| self.slots[slot as usize].clone()).collect();
    }

    /// Every way to read a view agrees with the model.
    pub(crate) fn check(&self, view: &View) {
        assert_eq!(view.slots() as usize, self.slots.len());
        assert_eq!(view.live() as usize, self.living().len());
        assert_eq!(view.row_bytes(), self.row_bytes);
        for (slot, (id, row, dead)) in (0u32..).zip(&self.slots) {
            assert_eq!(view.row(slot), row, "row of slot {slot}");
            assert_eq!(view.row(slot).as_ptr() as usize % 64, 0, "alignment of slot {slot}");
            assert_eq!(view.id(slot).to_string(), *id);
            assert_eq!(view.is_dead(slot), *dead, "death of slot {slot}");
        }
        let mut slot = 0;
        while slot < view.slots() {
            let (bytes, stride, rows) = view.run(slot);
            assert!(rows > 0 && bytes.len() == rows * stride && stride >= self.row_bytes);
            for (row, found) in bytes.chunks_exact(stride).enumerate() {
                assert_eq!(&found[..self.row_bytes], self.slots[slot as usize + row].1);
                assert!(found[self.row_bytes..].iter().all(|&byte| byte == 0), "padding is zero");
            }
            slot += rows as u32;
        }
        assert_eq!(view.living().collect::<Vec<_>>(), self.living());
        if let Some((id, _, _)) = self.slots.first() {
            let kind = view.id(0).kind();
            assert_eq!(kind, if id.starts_with('n') { IdKind::Text } else { IdKind::U64 });
            assert!(matches!(view.id(0), IdRef::U64(_) | IdRef::Text(_)));
        }
    }
}

/// Everything a view shows: per slot its id, its row and whether it died.
pub(crate) type Contents = Vec<(String, Vec<u8>, bool)>;

#[allow(dead_code, reason = "for the suites of files")]
pub(crate) fn contents(view: &View) -> Contents {
    (0..view.slots()).map(|slot| (view.id(slot).to_string(), view.row(slot).to_vec(), view.is_dead(slot))).collect()
}
