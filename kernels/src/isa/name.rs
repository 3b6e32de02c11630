//! The instruction sets by name. `detect` says which this machine has.

use core::fmt;

/// An instruction set that kernels are compiled for. Of one processor family, each is better than those before it and
/// includes them. The exception is AVX-VNNI, in 256 bits: AVX-512 has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Isa {
    /// What every processor of the target has: SSE2 on x86-64.
    Portable,
    /// x86-64 with AVX2, FMA and F16C.
    Avx2,
    /// The same with AVX-VNNI.
    Avx2Vnni,
    /// x86-64 with AVX-512 F, BW, CD, DQ and VL.
    Avx512,
    /// The same with AVX-512 VNNI.
    Avx512Vnni,
    /// The same with AVX-512 VPOPCNTDQ: Ice Lake and later.
    Avx512Popcnt,
    /// The same with AVX-512 BF16: Zen 4, Sapphire Rapids and later.
    Avx512Bf16,
    /// AArch64 with NEON.
    Neon,
    /// The same with the dot product instructions.
    NeonDotprod,
}

impl Isa {
    /// All instruction sets this library knows, on whatever machine.
    pub const ALL: [Self; 9] = [
        Self::Portable,
        Self::Avx2,
        Self::Avx2Vnni,
        Self::Avx512,
        Self::Avx512Vnni,
        Self::Avx512Popcnt,
        Self::Avx512Bf16,
        Self::Neon,
        Self::NeonDotprod,
    ];

    /// The name in options and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx2Vnni => "avx2vnni",
            Self::Avx512 => "avx512",
            Self::Avx512Vnni => "avx512vnni",
            Self::Avx512Popcnt => "avx512popcnt",
            Self::Avx512Bf16 => "avx512bf16",
            Self::Neon => "neon",
            Self::NeonDotprod => "neondotprod",
        }
    }

    /// Names, separated by commas.
    pub(crate) fn list(isas: &[Self]) -> String {
        isas.iter().map(|isa| isa.name()).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
