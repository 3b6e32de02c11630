//! What is derived from the rows and kept beside them: one value or more per slot.
//!
//! A column is a function of the rows alone. So it is never needed for correctness: what a checkpoint holds of it is a
//! copy that saves deriving it again. A new kind of column is a file in this folder and a line in [`KINDS`]; commits,
//! checkpoints, openings, compactions, `verify` and `stats` then include it.

use std::any::Any;
use std::io::{self, Write};
use std::sync::Arc;

use omendb_storage::View;

use crate::Config;

pub(crate) mod norms;
#[cfg(test)]
mod peaks;
pub(crate) mod per_slot;

/// A kind of column: makes the empty column of a database that has one.
type Kind = fn(&Config) -> Option<Arc<dyn Column>>;

/// All kinds of columns.
const KINDS: &[Kind] = &[
    norms::InverseNorms::empty,
    #[cfg(test)]
    peaks::Peaks::empty,
];

/// One derived column, of the slots before [`Column::len`]. It never changes: a longer one is another.
pub(crate) trait Column: Any + Send + Sync {
    /// The name of its blob in a checkpoint, and of its memory in `stats`.
    fn name(&self) -> &'static str;

    /// How many slots it has values of.
    fn len(&self) -> u32;

    /// The same column, with the values of the later rows of `view` behind. Deleted rows have values too: a search of
    /// an older snapshot may read them.
    fn extended(&self, view: &View) -> Arc<dyn Column>;

    /// The values of the slots in `order`, which become slots 0, 1, 2, …
    fn reordered(&self, order: &[u32]) -> Arc<dyn Column>;

    /// Writes the blob of a checkpoint.
    fn write_to(&self, out: &mut dyn Write) -> io::Result<()>;

    /// A column of this kind from a blob. None if the bytes cannot be one's.
    fn read_from(&self, bytes: &[u8]) -> Option<Arc<dyn Column>>;

    /// The living rows of `view` whose values are not those that follow from the rows.
    fn wrong(&self, view: &View) -> Vec<u32>;

    /// Bytes of memory.
    fn bytes(&self) -> usize;
}

/// The columns of a snapshot.
#[derive(Clone, Default)]
pub(crate) struct Columns(Vec<Arc<dyn Column>>);

impl Columns {
    /// The columns of a database without rows.
    pub(crate) fn empty(config: &Config) -> Self {
        Columns(KINDS.iter().filter_map(|empty| empty(config)).collect())
    }

    /// The column of kind `C`, if the database has one.
    pub(crate) fn get<C: Column>(&self) -> Option<&C> {
        self.iter().find_map(|column| (column as &dyn Any).downcast_ref())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &dyn Column> {
        self.0.iter().map(|column| &**column)
    }

    /// Each column as `change` makes it.
    pub(crate) fn try_map<E>(&self, change: impl FnMut(&dyn Column) -> Result<Arc<dyn Column>, E>) -> Result<Self, E> {
        self.iter().map(change).collect::<Result<_, E>>().map(Columns)
    }

    /// The columns with the values of all rows of `view`.
    pub(crate) fn extended(&self, view: &View) -> Self {
        Columns(self.iter().map(|column| column.extended(view)).collect())
    }

    /// The columns after a compaction that keeps the slots in `order`.
    pub(crate) fn reordered(&self, order: &[u32]) -> Self {
        Columns(self.iter().map(|column| column.reordered(order)).collect())
    }
}
