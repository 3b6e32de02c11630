//! Which instruction sets this machine has, and which is used.

use super::name::Isa;
#[cfg(target_arch = "aarch64")]
use super::neon;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::KernelError;

/// The environment variable that forces an instruction set by name.
pub const ISA_VARIABLE: &str = "OMENDB_ISA";

impl Isa {
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
        Err(KernelError::MissingIsa { isa: self, available: Self::list(&Self::available()) })
    }
}
