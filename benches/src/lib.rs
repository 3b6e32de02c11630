//! What the runs share with the tests: the difficult data.
#![forbid(unsafe_code)]

pub mod robust;

/// Whatever a run stumbles over; it is printed with its message and ends the run.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
