//! A Vamana proximity graph over anything that yields distances.
//!
//! The graph (Subramanya et al., *DiskANN: Fast Accurate Billion-point Nearest Neighbor Search on
//! a Single Node*, NeurIPS 2019) knows rows only by their number, the **slot**. The owner of the rows implements
//! [`Space`], which returns the distances of slots from a probe. The main items:
//!
//! * [`Csr`]: the adjacency, bounded at R neighbours a row. It grows in chunks that never move.
//! * [`Graph`]: an adjacency with its entry points and upper levels. [`Graph::search`] searches it.
//! * [`link`]: adds rows in parallel, with the same result for any number of threads. Few rows are linked with
//!   searches, many rows with a bulk build.
//! * [`Graph::check`]: checks every edge and every row.
//! * [`Graph::write_to`] and [`Graph::read_from`]: a graph as bytes.
//!
//! ```
//! use omendb_graph::{BuildOptions, Graph, Scratch, Space, link};
//! use std::ops::ControlFlow::Continue;
//!
//! /// Points on a line: the distance is the squared difference.
//! struct Line(Vec<f32>);
//! impl Space for Line {
//!     type Probe = f32;
//!     fn probe(&self) -> f32 {
//!         0.0
//!     }
//!     fn load(&self, slot: u32, probe: &mut f32) {
//!         *probe = self.0[slot as usize];
//!     }
//!     fn distances(&self, probe: &f32, slots: &[u32], out: &mut [f32]) {
//!         for (slot, out) in slots.iter().zip(out) {
//!             *out = (self.0[*slot as usize] - probe).powi(2);
//!         }
//!     }
//! }
//!
//! let space = Line((0..1000).map(|i| i as f32).collect());
//! let options = BuildOptions::default();
//! let empty = Graph::empty(32)?;
//! let graph = link(&empty, &space, 1000u32, &options, &mut |_| Continue(()))?.graph;
//! let mut scratch = Scratch::new();
//! graph.search(&space, &41.7, 10, &mut scratch);
//! assert_eq!(scratch.nearest().next().unwrap().slot, 42);
//! # Ok::<(), omendb_graph::GraphError>(())
//! ```
#![forbid(unsafe_code)]

mod absent;
mod csr;
mod error;
mod graph;
mod level;
mod link;
mod prune;
mod search;
mod space;
mod upkeep;

pub use absent::RowCopy;
pub use csr::{Csr, MAX_DEGREE, MIN_DEGREE};
pub use error::GraphError;
pub use graph::Graph;
pub use link::{BuildOptions, Linked, NewRows, Observe, link};
pub use search::candidates::{Neighbour, Width};
pub use search::count::SearchCount;
pub use search::held_out::HeldOut;
pub use search::scratch::Scratch;
pub use space::Space;
pub use upkeep::check::Defect;

/// The largest number of rows in a graph. In a list, the highest bit of a u32 marks a late edge, and the last value ends
/// the list.
pub const MAX_ROWS: u32 = (1 << 31) - 1;
