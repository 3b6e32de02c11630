//! The instruction sets: which exist, which this machine has, and which is used.

#[cfg(target_arch = "aarch64")]
use super::neon;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::KernelError;
use core::{fmt, str::FromStr};

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

/// The environment variable that forces an instruction set by name.
pub const ISA_VARIABLE: &str = "OMENDB_ISA";

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

    /// Whether this machine has it.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::Features::is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2Vnni => avx2::Features::is_available() && std::arch::is_x86_feature_detected!("avxvnni"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => avx512::is_available() && std::arch::is_x86_feature_detected!("avx512vnni"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Popcnt => {
                Self::Avx512Vnni.is_available() && std::arch::is_x86_feature_detected!("avx512vpopcntdq")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16 => Self::Avx512Popcnt.is_available() && std::arch::is_x86_feature_detected!("avx512bf16"),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => neon::Features::is_available(),
            #[cfg(target_arch = "aarch64")]
            Self::NeonDotprod => neon::DotprodFeatures::is_available(),
            #[allow(unreachable_patterns, reason = "all are listed on some targets")]
            _ => false,
        }
    }

    /// Those this machine has, the portable one first, the best one last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        Self::ALL.into_iter().filter(|isa| isa.is_available()).collect()
    }

    /// The best one this machine has.
    #[must_use]
    pub fn best() -> Self {
        Self::ALL.into_iter().rev().find(|isa| isa.is_available()).unwrap_or(Self::Portable)
    }

    /// The one that `OMENDB_ISA` names, or the best.
    ///
    /// # Errors
    /// [`KernelError::UnknownIsa`] and [`KernelError::MissingIsa`] if the variable names what this library or this
    /// machine does not have. There is no silent fallback.
    pub fn chosen() -> Result<Self, KernelError> {
        match std::env::var_os(ISA_VARIABLE) {
            None => Ok(Self::best()),
            Some(name) => name.to_string_lossy().parse::<Self>()?.required(),
        }
    }

    /// Itself, if this machine has it.
    ///
    /// # Errors
    /// [`KernelError::MissingIsa`] if not.
    pub fn required(self) -> Result<Self, KernelError> {
        if self.is_available() {
            return Ok(self);
        }
        Err(KernelError::MissingIsa { isa: self, available: names(&Self::available()) })
    }
}

fn names(list: &[Isa]) -> String {
    list.iter().map(|isa| isa.name()).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Isa {
    type Err = KernelError;

    fn from_str(name: &str) -> Result<Self, KernelError> {
        Self::ALL
            .into_iter()
            .find(|isa| isa.name() == name)
            .ok_or_else(|| KernelError::UnknownIsa { name: name.to_owned(), known: names(&Self::ALL) })
    }
}
