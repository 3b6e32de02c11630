//! The instruction sets: the operations that each must offer, one file a set, and the entries that enable it.

pub(crate) mod detect;
pub(crate) mod entry;
pub(crate) mod name;
pub(crate) mod operations;
pub(crate) mod portable;

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512_half_width;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512_popcnt;
#[cfg(target_arch = "x86_64")]
pub(crate) mod nibbles;
#[cfg(target_arch = "x86_64")]
pub(crate) mod popcnt;
#[cfg(target_arch = "x86_64")]
pub(crate) mod vnni;

#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
