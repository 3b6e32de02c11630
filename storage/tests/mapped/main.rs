//! What only files can suffer: torn tails, damage, failing and lying media, other processes.

#[path = "../conformance/kit.rs"]
mod kit;

mod damage;
mod fault;
mod image;
mod processes;
mod simulated;
mod torn;
