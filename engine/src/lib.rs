//! OmenDB: an embeddable vector search engine.
//!
//! A program hands rows of numbers with ids to a [`Db`], and gets the nearest rows back: in one
//! process, without a server, from files that survive crashes.
//!
//! ```
//! use omendb_engine::{Db, Metric, Options};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("notes.omen");
//! let db = Db::create(&path, Options::new(3, Metric::Cosine))?;
//! db.add_batch(&[10, 20, 30], &[1.0f32, 0.0, 0.0, 0.0, 1.0, 0.0, 0.7, 0.7, 0.0])?;
//! for hit in db.search(&[0.9f32, 0.1, 0.0], 2)? {
//!     println!("{} {}", hit.id, hit.distance);
//! }
//! # assert_eq!(db.search(&[0.9f32, 0.1, 0.0], 1)?[0].id, 10);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The [`guide`] shows what programs do next. A row takes this way: [`RowsRef`] → its batch is checked →
//! the batch is committed (`omendb-storage`) → the row waits in the buffer, which searches scan → it is linked into the
//! graph (`omendb-graph`, by distances of `omendb-kernels`) → a checkpoint writes the graph.
#![forbid(unsafe_code)]

mod config;
mod db;
mod error;
mod input;
mod medium;
mod open;
mod options;
mod progress;
mod search;
mod state;
mod upkeep;
mod write;

pub use config::Config;
pub use db::Db;
pub use error::{BatchError, Error, OpenError, RepairError, SearchError};
pub use input::ids::{Id, IdValue, IdsRef};
pub use input::query_ref::QueryRef;
pub use input::rows::{RowValue, RowsRef};
pub use medium::Backend;
pub use omendb_kernels::{Element, ElementKind, Isa, KernelError, MAX_DIM, Metric, bf16, f16};
pub use omendb_storage::{Durability, IdKind, IdRef, Lock, StorageError};
pub use options::{OpenOptions, Options};
pub use progress::{Phase, Progress};
pub use search::options::{Hit, SearchOptions, SearchStats};
pub use search::plan::Plan;
pub use search::recall::RecallEstimate;
pub use upkeep::problem::Problem;
pub use upkeep::repair::Repaired;
pub use upkeep::stats::{GraphStats, Part, Stats};
pub use upkeep::verify::VerifyReport;
pub use write::write_batch::{WriteBatch, Written};

/// How to do what programs do, each with a program that the tests run.
#[doc = include_str!("../docs/guide.md")]
pub mod guide {}

/// The README's program, compiled by the tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
