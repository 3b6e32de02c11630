//! What only files can suffer: torn tails, damage, failing and lying media, other processes.

#[path = "../conformance/kit.rs"]
mod kit;

mod damage;
mod fault;
mod format;
mod hostile;
mod image;
mod kill;
mod processes;
#[cfg(feature = "rocksdb")]
mod rocks;
mod salvage;
mod simulated;
mod torn;
