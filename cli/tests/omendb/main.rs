//! The real binary, from the outside: JSON fields, exit codes, messages, files.

mod damaged;
mod ended;
mod journey;
mod limits;
mod output;
mod refused;
mod replaced;
mod run;
mod upkeep;
mod usage;
