//! The position of a slot's row: its segment and byte. A segment holds 2^k rows and takes about 64 MiB.

use crate::{Schema, StorageError};

/// The longest row, in bytes: 65,536 dimensions of 4 bytes, and room for a norm.
pub const MAX_ROW_BYTES: usize = 65_536 * 4 + 4096;
/// The most slots of a database. A slot is a `u32` whose highest bit is free for callers.
pub const MAX_SLOTS: u64 = (1 << 31) - 1;
/// The longest [`Schema::user`], in bytes.
pub const MAX_USER_BYTES: usize = 64 << 10;

/// The largest valid counter in a file. No counter reaches it by counting, and none overflows.
pub(crate) const MOST_COUNTED: u64 = 1 << 62;
/// The name of RocksDB's folder in a database's folder. It tells the backends' databases apart.
pub(crate) const ROCKS: &str = "rocks";
/// The alignment of rows: a cache line, and the widest vector register.
pub(crate) const ALIGN: usize = 64;
const SEGMENT_BYTES: usize = 64 << 20;

/// Computes the position of a slot's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) row_bytes: usize,
    /// Bytes from a row to the next.
    pub(crate) stride: usize,
    /// A segment holds `1 << shift` rows.
    pub(crate) shift: u32,
}

impl Layout {
    /// The layout of a schema, or an error if the schema is invalid.
    pub(crate) fn new(schema: &Schema) -> Result<Self, StorageError> {
        let row_bytes = schema.row_bytes;
        if row_bytes == 0 || row_bytes > MAX_ROW_BYTES {
            let what = format!("a row has {row_bytes} bytes; expected 1 to {MAX_ROW_BYTES}");
            return Err(StorageError::Schema { what });
        }
        if schema.user.len() > MAX_USER_BYTES {
            let what = format!("the options have {} bytes; the maximum is {MAX_USER_BYTES}", schema.user.len());
            return Err(StorageError::Schema { what });
        }
        let stride = row_bytes.next_multiple_of(ALIGN);
        Ok(Self { row_bytes, stride, shift: (SEGMENT_BYTES / stride).ilog2() })
    }

    pub(crate) fn segment_rows(self) -> usize {
        1 << self.shift
    }

    pub(crate) fn segment_bytes(self) -> usize {
        self.stride << self.shift
    }

    /// The number of segments for `slots` rows.
    pub(crate) fn segments(self, slots: u64) -> usize {
        usize::try_from(slots.div_ceil(1 << self.shift)).expect("segments fit memory")
    }

    /// The segment of a slot, and the byte in it.
    #[inline]
    pub(crate) fn place(self, slot: u32) -> (usize, usize) {
        let within = slot as usize & (self.segment_rows() - 1);
        ((slot >> self.shift) as usize, within * self.stride)
    }

    /// Splits the slots `first..first + rows` into runs of at most `most` rows, each within one segment. An item is
    /// `(index of the run's first row in the batch, its slot, its rows)`.
    pub(crate) fn runs(self, first: u32, rows: usize, most: usize) -> impl Iterator<Item = (usize, u32, usize)> {
        let mut done = 0;
        std::iter::from_fn(move || {
            if done == rows {
                return None;
            }
            let slot = first + u32::try_from(done).expect("a batch has fewer rows than slots");
            let to_end = self.segment_rows() - (slot as usize & (self.segment_rows() - 1));
            let run = (done, slot, to_end.min(rows - done).min(most.max(1)));
            done += run.2;
            Some(run)
        })
    }
}
