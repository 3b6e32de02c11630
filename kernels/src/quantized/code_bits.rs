//! How many bits a code has.

/// Bits of an element's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodeBits {
    /// 256 steps between a row's least and greatest element.
    Eight,
    /// 16 steps.
    Four,
    /// Two values: the mean of the elements below the row's mean, and that of those above.
    One,
}

impl CodeBits {
    /// All widths.
    pub const ALL: [Self; 3] = [Self::Eight, Self::Four, Self::One];

    /// As a number.
    #[must_use]
    pub const fn bits(self) -> usize {
        match self {
            Self::Eight => 8,
            Self::Four => 4,
            Self::One => 1,
        }
    }
}
