//! The slot table: each slot's id and the commit of its delete, in chunks that never move.
//!
//! One writer appends and marks; any number of views read. Ids are written before the view that shows them is published. A
//! delete is the number of its commit, and older views do not see it. So an upsert is atomic for every reader, and a view
//! needs no copy.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::{IdColumn, IdKind, IdRef};

const SHIFT: u32 = 14;
const CHUNK: usize = 1 << SHIFT;

/// The chunks of a table, shared by views. A clone copies one pointer.
#[derive(Clone)]
pub(crate) struct Slots {
    kind: IdKind,
    chunks: Arc<[Arc<Chunk>]>,
}

struct Chunk {
    ids: Ids,
    /// The commit of each slot's delete, 0 if it is not deleted. Made at the first delete in the chunk.
    died: OnceLock<Box<[AtomicU64]>>,
}

enum Ids {
    U64(Box<[AtomicU64]>),
    Text(Box<[OnceLock<Box<str>>]>),
}

impl Slots {
    pub(crate) fn new(kind: IdKind) -> Self {
        Self { kind, chunks: Arc::new([]) }
    }

    pub(crate) fn kind(&self) -> IdKind {
        self.kind
    }

    /// Makes room for `slots` slots. Present chunks do not move.
    pub(crate) fn reserve(&mut self, slots: usize) {
        let wanted = slots.div_ceil(CHUNK);
        if wanted > self.chunks.len() {
            let more = (self.chunks.len()..wanted).map(|_| Arc::new(Chunk::new(self.kind)));
            self.chunks = self.chunks.iter().cloned().chain(more).collect();
        }
    }

    /// Sets the ids of the slots from `first` on. They must be reserved and not set before.
    pub(crate) fn set(&self, first: usize, ids: IdColumn<'_>) {
        for i in 0..ids.len() {
            let (chunk, at) = self.at(first + i);
            match (&chunk.ids, ids.get(i)) {
                (Ids::U64(all), IdRef::U64(id)) => all[at].store(id, Ordering::Relaxed),
                (Ids::Text(all), IdRef::Text(id)) => {
                    let fresh = all[at].set(id.into()).is_ok();
                    debug_assert!(fresh, "a slot gets its id once");
                }
                _ => unreachable!("a batch was checked to have ids of the table's kind"),
            }
        }
    }

    #[inline]
    pub(crate) fn id(&self, slot: u32) -> IdRef<'_> {
        let (chunk, at) = self.at(slot as usize);
        match &chunk.ids {
            Ids::U64(all) => IdRef::U64(all[at].load(Ordering::Relaxed)),
            Ids::Text(all) => IdRef::Text(all[at].get().map_or("", |id| id)),
        }
    }

    /// Marks a slot as deleted from `commit` on.
    pub(crate) fn kill(&self, slot: u32, commit: u64) {
        let (chunk, at) = self.at(slot as usize);
        let died = chunk.died.get_or_init(|| (0..CHUNK).map(|_| AtomicU64::new(0)).collect());
        died[at].store(commit, Ordering::Relaxed);
    }

    /// Whether a slot is deleted for a view of `commit`.
    #[inline]
    pub(crate) fn is_dead(&self, slot: u32, commit: u64) -> bool {
        let (chunk, at) = self.at(slot as usize);
        let Some(died) = chunk.died.get() else {
            return false;
        };
        let at = died[at].load(Ordering::Relaxed);
        at != 0 && at <= commit
    }

    /// The bytes of memory of the table.
    pub(crate) fn memory(&self, slots: u32) -> u64 {
        let mut bytes = self.chunks.len() * size_of::<Arc<Chunk>>();
        for chunk in self.chunks.iter() {
            bytes += match &chunk.ids {
                Ids::U64(_) => CHUNK * size_of::<AtomicU64>(),
                Ids::Text(_) => CHUNK * size_of::<OnceLock<Box<str>>>(),
            };
            bytes += chunk.died.get().map_or(0, |died| died.len() * size_of::<AtomicU64>());
        }
        if self.kind == IdKind::Text {
            bytes +=
                (0..slots).map(|slot| if let IdRef::Text(id) = self.id(slot) { id.len() } else { 0 }).sum::<usize>();
        }
        bytes as u64
    }

    #[inline]
    fn at(&self, slot: usize) -> (&Chunk, usize) {
        (&self.chunks[slot >> SHIFT], slot & (CHUNK - 1))
    }
}

impl Chunk {
    fn new(kind: IdKind) -> Self {
        let ids = match kind {
            IdKind::U64 => Ids::U64((0..CHUNK).map(|_| AtomicU64::new(0)).collect()),
            IdKind::Text => Ids::Text((0..CHUNK).map(|_| OnceLock::new()).collect()),
        };
        Self { ids, died: OnceLock::new() }
    }
}
