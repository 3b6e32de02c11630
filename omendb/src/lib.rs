//! OmenDB: an embeddable vector search engine. All of `omendb-engine`, under the name that people look for.
//!
//! ```
//! use omendb::{Db, Metric, Options};
//!
//! let db = Db::in_memory(Options::new(3, Metric::Cosine))?;
//! db.add_batch(&[10, 20], &[[1.0f32, 0.0, 0.0], [0.0, 1.0, 0.0]])?;
//! assert_eq!(db.search(&[0.9f32, 0.1, 0.0], 1)?[0].id, 10);
//! # Ok::<(), omendb::Error>(())
//! ```
#![forbid(unsafe_code)]

pub use omendb_engine::*;
