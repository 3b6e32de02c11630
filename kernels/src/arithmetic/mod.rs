//! What is summed over a query and a row: by kind of arithmetic, and by metric.

pub(crate) mod accumulate;
pub(crate) mod as_f32;
#[cfg(target_arch = "x86_64")]
pub(crate) mod bf16_pairs;
pub(crate) mod bits;
#[cfg(target_arch = "x86_64")]
pub(crate) mod f32_by_bf16;
pub(crate) mod integers;
pub(crate) mod metric_sums;
pub(crate) mod nibbles;
pub(crate) mod number;
