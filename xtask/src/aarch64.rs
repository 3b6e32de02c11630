//! `cargo xtask aarch64`: the kernels' suite for NEON, cross-compiled and run under emulation.

use crate::Outcome;

pub(crate) fn run(_arguments: &[String]) -> Outcome {
    Err("this version has no aarch64 run yet".into())
}
