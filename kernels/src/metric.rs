//! The metrics by name. `arithmetic::metric_sums` computes them.

use core::fmt;

/// How far two rows are apart. Smaller is nearer for every metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// Squared Euclidean distance, `Σ (q − x)²`.
    L2,
    /// Negated inner product, `−Σ q·x`.
    InnerProduct,
    /// `1 − Σ q·x / √(Σ q² · Σ x²)`; 1 if either row is all zeros.
    Cosine,
}

impl Metric {
    /// All metrics.
    pub const ALL: [Self; 3] = [Self::L2, Self::InnerProduct, Self::Cosine];

    /// The name in options, files and tables: `l2`, `ip`, `cosine`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::L2 => "l2",
            Self::InnerProduct => "ip",
            Self::Cosine => "cosine",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
