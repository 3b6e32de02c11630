//! What the targets share: a database to damage, checksums put right, and the seeds to begin with.

mod case;
pub mod forge;
mod patient;
mod seeds;

pub use case::Case;
pub use patient::Patient;
pub use seeds::plant;
