//! The difficult data, shared by the run and the tests.
#![forbid(unsafe_code)]

pub mod robust;

/// An error that ends a run.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
