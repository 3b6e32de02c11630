//! One suite over every backend: what the contract promises, whoever keeps it.

mod backends;
mod contract;
mod kit;
mod model;
