//! What only files can suffer: torn tails, damage, failing and lying media, other processes.

#[path = "../conformance/kit.rs"]
mod kit;

mod damage;
mod disturbed;
mod fault;
mod files;
mod flight;
mod foreign;
mod fork;
mod format;
mod hostile;
mod image;
mod kill;
mod limit;
mod place;
mod processes;
#[cfg(feature = "rocksdb")]
mod rocks;
#[cfg(feature = "rocksdb")]
mod rocks_format;
#[cfg(feature = "rocksdb")]
mod rocks_hostile;
#[cfg(feature = "rocksdb")]
mod rocks_salvage;
mod salvage;
mod simulated;
mod space;
mod torn;
