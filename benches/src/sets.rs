//! The known data sets: the files of their rows, queries and ground truth.

use crate::Failure;
use omendb_engine::{ElementKind, Metric};
use omendb_formats::{NumberKind, Truth, VectorFile, read_truth};
use std::path::Path;

/// A set with one metric.
pub(crate) struct Set {
    pub(crate) name: &'static str,
    base: &'static str,
    query: &'static str,
    truth: &'static str,
    pub(crate) metric: Metric,
}

pub(crate) const SETS: [Set; 5] = [
    set("sift10k", "sift10k.base.fbin", "sift10k.query.fbin", "sift10k.truth.ibin", Metric::L2),
    set("mnist784", "mnist784.base.u8bin", "mnist784.query.u8bin", "mnist784.truth.ibin", Metric::L2),
    set(
        "wordnet384",
        "wordnet384.base.f16bin",
        "wordnet384.query.f16bin",
        "wordnet384.truth.cosine.ibin",
        Metric::Cosine,
    ),
    set(
        "wordnet384",
        "wordnet384.base.f16bin",
        "wordnet384.query.f16bin",
        "wordnet384.truth.ibin",
        Metric::InnerProduct,
    ),
    set("sift500k", "sift500k.base.u8bin", "sift500k.query.u8bin", "sift500k.truth.ibin", Metric::L2),
];

const fn set(name: &'static str, base: &'static str, query: &'static str, truth: &'static str, metric: Metric) -> Set {
    Set { name, base, query, truth, metric }
}

impl Set {
    /// The first set of this name.
    pub(crate) fn named(name: &str) -> Result<&'static Set, Failure> {
        let known = || SETS.iter().map(|set| set.name).collect::<Vec<_>>().join(", ");
        SETS.iter().find(|set| set.name == name).ok_or_else(|| format!("unknown set {name}: {}", known()).into())
    }

    pub(crate) fn base(&self, data: &Path) -> Result<VectorFile, Failure> {
        Ok(VectorFile::open(data.join(self.base))?)
    }

    pub(crate) fn queries(&self, data: &Path) -> Result<VectorFile, Failure> {
        Ok(VectorFile::open(data.join(self.query))?)
    }

    pub(crate) fn truth(&self, data: &Path) -> Result<Truth, Failure> {
        Ok(read_truth(data.join(self.truth))?)
    }
}

/// The engine's type of a file's numbers.
pub(crate) fn element(kind: NumberKind) -> Result<ElementKind, Failure> {
    match kind {
        NumberKind::F32 => Ok(ElementKind::F32),
        NumberKind::F16 => Ok(ElementKind::F16),
        NumberKind::U8 => Ok(ElementKind::U8),
        other => Err(format!("unsupported type {other:?}").into()),
    }
}
