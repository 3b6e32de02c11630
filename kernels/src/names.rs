//! Metrics, element types and instruction sets from their names.

use crate::{ElementKind, Isa, KernelError, Metric};
use core::str::FromStr;

impl FromStr for Metric {
    type Err = KernelError;

    fn from_str(name: &str) -> Result<Self, KernelError> {
        Self::ALL.into_iter().find(|m| m.name() == name).ok_or_else(|| KernelError::UnknownName {
            what: "metric",
            name: name.to_owned(),
            known: "l2, ip, cosine",
        })
    }
}

impl FromStr for ElementKind {
    type Err = KernelError;

    fn from_str(name: &str) -> Result<Self, KernelError> {
        Self::ALL.into_iter().find(|k| k.name() == name).ok_or_else(|| KernelError::UnknownName {
            what: "element type",
            name: name.to_owned(),
            known: "f32, f16, bf16, u8, i8",
        })
    }
}

impl FromStr for Isa {
    type Err = KernelError;

    fn from_str(name: &str) -> Result<Self, KernelError> {
        Self::ALL
            .into_iter()
            .find(|isa| isa.name() == name)
            .ok_or_else(|| KernelError::UnknownIsa { name: name.to_owned(), known: Self::list(&Self::ALL) })
    }
}
