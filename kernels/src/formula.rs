//! What each metric adds up, and what it makes of the sums. Adding a metric is adding an
//! implementation of [`Formula`] here and a name in `metric`.

use crate::sums::Sums;

/// A metric over an arithmetic `D` on instruction set `S`.
pub(crate) trait Formula<S: Copy, D: Sums<S>>: 'static {
    /// A row's running sums.
    type Sum: Copy;
    /// What the query alone contributes.
    type Seed: Copy;

    fn zero(s: S) -> Self::Sum;
    fn no_seed(s: S) -> Self::Seed;
    fn seed(s: S, seed: Self::Seed, q: D::Q) -> Self::Seed;
    fn step(s: S, sum: Self::Sum, q: D::Q, x: D::X) -> Self::Sum;
    fn add(s: S, a: Self::Sum, b: Self::Sum) -> Self::Sum;
    fn finish<const N: usize>(s: S, seed: Self::Seed, sums: [Self::Sum; N]) -> [f32; N];
}

/// Squared Euclidean distance.
pub(crate) struct L2;

impl<S: Copy, D: Sums<S>> Formula<S, D> for L2 {
    type Sum = D::Sum;
    type Seed = D::Seed;

    #[inline(always)]
    fn zero(s: S) -> D::Sum {
        D::zero(s)
    }
    #[inline(always)]
    fn no_seed(s: S) -> D::Seed {
        D::no_seed(s)
    }
    #[inline(always)]
    fn seed(s: S, seed: D::Seed, q: D::Q) -> D::Seed {
        D::diff_seed(s, seed, q)
    }
    #[inline(always)]
    fn step(s: S, sum: D::Sum, q: D::Q, x: D::X) -> D::Sum {
        D::diff(s, sum, q, x)
    }
    #[inline(always)]
    fn add(s: S, a: D::Sum, b: D::Sum) -> D::Sum {
        D::add(s, a, b)
    }
    #[inline(always)]
    fn finish<const N: usize>(s: S, seed: D::Seed, sums: [D::Sum; N]) -> [f32; N] {
        let mut totals = [D::norm_total(s, D::zero(s)); N];
        for i in 0..N {
            totals[i] = D::diff_total(s, seed, sums[i]);
        }
        D::unsigned(s, totals)
    }
}

/// Negated inner product.
pub(crate) struct InnerProduct;

impl<S: Copy, D: Sums<S>> Formula<S, D> for InnerProduct {
    type Sum = D::Sum;
    type Seed = D::Seed;

    #[inline(always)]
    fn zero(s: S) -> D::Sum {
        D::zero(s)
    }
    #[inline(always)]
    fn no_seed(s: S) -> D::Seed {
        D::no_seed(s)
    }
    #[inline(always)]
    fn seed(s: S, seed: D::Seed, q: D::Q) -> D::Seed {
        D::dot_seed(s, seed, q)
    }
    #[inline(always)]
    fn step(s: S, sum: D::Sum, q: D::Q, x: D::X) -> D::Sum {
        D::dot(s, sum, q, x)
    }
    #[inline(always)]
    fn add(s: S, a: D::Sum, b: D::Sum) -> D::Sum {
        D::add(s, a, b)
    }
    #[inline(always)]
    fn finish<const N: usize>(s: S, seed: D::Seed, sums: [D::Sum; N]) -> [f32; N] {
        let mut totals = [D::norm_total(s, D::zero(s)); N];
        for i in 0..N {
            totals[i] = D::dot_total(s, seed, sums[i]);
        }
        let mut out = D::signed(s, totals);
        for distance in &mut out {
            *distance = -*distance;
        }
        out
    }
}

/// One minus the cosine of the angle.
pub(crate) struct Cosine;

impl<S: Copy, D: Sums<S>> Formula<S, D> for Cosine {
    /// `Σ q·x` and `Σ x²`.
    type Sum = (D::Sum, D::Sum);
    /// The seed of `Σ q·x`, and `Σ q²`.
    type Seed = (D::Seed, D::Sum);

    #[inline(always)]
    fn zero(s: S) -> Self::Sum {
        (D::zero(s), D::zero(s))
    }
    #[inline(always)]
    fn no_seed(s: S) -> Self::Seed {
        (D::no_seed(s), D::zero(s))
    }
    #[inline(always)]
    fn seed(s: S, seed: Self::Seed, q: D::Q) -> Self::Seed {
        (D::dot_seed(s, seed.0, q), D::query_norm(s, seed.1, q))
    }
    #[inline(always)]
    fn step(s: S, sum: Self::Sum, q: D::Q, x: D::X) -> Self::Sum {
        (D::dot(s, sum.0, q, x), D::norm(s, sum.1, x))
    }
    #[inline(always)]
    fn add(s: S, a: Self::Sum, b: Self::Sum) -> Self::Sum {
        (D::add(s, a.0, b.0), D::add(s, a.1, b.1))
    }
    #[inline(always)]
    fn finish<const N: usize>(s: S, seed: Self::Seed, sums: [Self::Sum; N]) -> [f32; N] {
        let query = D::norm_total(s, seed.1);
        let mut dots = [query; N];
        let mut norms = [query; N];
        for i in 0..N {
            dots[i] = D::dot_total(s, seed.0, sums[i].0);
            norms[i] = D::norm_total(s, sums[i].1);
        }
        let [query] = D::unsigned(s, [query]);
        let dots = D::signed(s, dots);
        let norms = D::unsigned(s, norms);
        let mut out = [0.0; N];
        for i in 0..N {
            // Two roots, as the product of the squares leaves the range of f32 too early.
            let norm = query.sqrt() * norms[i].sqrt();
            out[i] = if norm == 0.0 {
                1.0
            } else {
                1.0 - dots[i] / norm
            };
        }
        out
    }
}
