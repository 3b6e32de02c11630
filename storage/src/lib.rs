//! Rows, ids, deletes and named blobs on a medium.
//!
//! This crate knows nothing about distances or graphs. A row is [`Schema::row_bytes`] opaque bytes, an id is a number or a
//! string, and a blob is any bytes of its owner. A [`Commit`] is visible whole or not at all. It is durable when
//! [`Storage::commit`] returns. A [`View`] never changes.
//!
//! Three backends have the same contract ([`Storage`]):
//!
//! | backend | rows are in | for |
//! |---|---|---|
//! | [`mapped`] | files, mapped read-only | the default: data larger than memory, fast opening |
//! | [`memory`] | anonymous memory | tests, and data that need not outlive the process |
//! | `rocks` (feature `rocksdb`) | RocksDB | comparison with a common key-value store |
//!
//! ```
//! use omendb_storage::{memory::Memory, Commit, IdColumn, IdKind, Packed, Schema, Storage};
//!
//! let storage = Memory::new(Schema { row_bytes: 4, ids: IdKind::U64, user: Vec::new() })?;
//! let rows = Packed::new(&[1, 2, 3, 4, 5, 6, 7, 8], 4);
//! let view = storage.commit(Commit { rows: &rows, ids: IdColumn::U64(&[10, 11]), dead: &[] })?;
//! assert_eq!(view.row(1), &[5, 6, 7, 8]);
//! # Ok::<(), omendb_storage::StorageError>(())
//! ```

mod blob;
mod contract;
mod error;
mod fields;
mod files;
mod ids;
pub mod mapped;
pub mod memory;
#[cfg(feature = "rocksdb")]
pub mod rocks;
mod salvaged;
mod schema;
mod state;
mod usage;

pub use blob::Blob;
pub use contract::{BlobSource, Commit, Durability, Packed, RowSource, Storage};
pub use error::{Problem, StorageError};
pub use files::lock::Lock;
pub use files::medium;
pub use ids::{IdColumn, IdKind, IdRef, MAX_TEXT_ID};
pub use salvaged::Salvaged;
pub use schema::Schema;
pub use state::layout::{MAX_ROW_BYTES, MAX_SLOTS, MAX_USER_BYTES};
pub use state::view::View;
pub use usage::Usage;
