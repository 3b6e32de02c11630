//! Reads values of any row type as f32, and writes f32 as any row type.
//!
//! Every value of every row type is exactly an f32, so f32 stands between any two of them.

use half::slice::HalfFloatSliceExt;
use omendb_kernels::{ElementKind, bf16, f16};

/// Appends the numbers in `bytes`, which start where numbers of `kind` may start.
pub(crate) fn read(kind: ElementKind, bytes: &[u8], out: &mut Vec<f32>) {
    let start = out.len();
    out.resize(start + bytes.len() / kind.size(), 0.0);
    kind.read(bytes, &mut out[start..]).expect("numbers of that kind");
}

/// Writes `values` as numbers of `kind`; each is representable, or is rounded (f16, bf16).
pub(crate) fn write(kind: ElementKind, values: &[f32], out: &mut [u8]) {
    match kind {
        ElementKind::F32 => out.copy_from_slice(bytemuck::cast_slice(values)),
        ElementKind::F16 => bytemuck::cast_slice_mut::<u8, f16>(out).convert_from_f32_slice(values),
        ElementKind::Bf16 => bytemuck::cast_slice_mut::<u8, bf16>(out).convert_from_f32_slice(values),
        ElementKind::U8 => out.iter_mut().zip(values).for_each(|(out, value)| *out = *value as u8),
        ElementKind::I8 => out.iter_mut().zip(values).for_each(|(out, value)| *out = (*value as i8) as u8),
    }
}

/// Whether `kind` has `value`, up to rounding where it rounds.
pub(crate) enum Fit {
    Fits,
    NotFinite,
    NotWhole,
}

pub(crate) fn fit(kind: ElementKind, value: f32) -> Fit {
    let whole = |least: f32, most: f32| {
        if value.is_finite() && value.fract() == 0.0 && (least..=most).contains(&value) {
            Fit::Fits
        } else if value.is_finite() {
            Fit::NotWhole
        } else {
            Fit::NotFinite
        }
    };
    let finite = |finite: bool| if finite { Fit::Fits } else { Fit::NotFinite };
    match kind {
        ElementKind::F32 => finite(value.is_finite()),
        ElementKind::F16 => finite(f16::from_f32(value).is_finite()),
        ElementKind::Bf16 => finite(bf16::from_f32(value).is_finite()),
        ElementKind::U8 => whole(0.0, 255.0),
        ElementKind::I8 => whole(-128.0, 127.0),
    }
}

/// The sum of squares, in f64: eight sums side by side, so that the compiler uses vectors.
pub(crate) fn squared_length(values: &[f32]) -> f64 {
    let mut sums = [0.0f64; 8];
    let (eights, rest) = values.as_chunks::<8>();
    for eight in eights {
        for (sum, value) in sums.iter_mut().zip(eight) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    }
    let rest: f64 = rest.iter().map(|value| f64::from(*value) * f64::from(*value)).sum();
    sums.iter().sum::<f64>() + rest
}

/// 1 / length, from the squared length, as it is kept beside the rows.
pub(crate) fn inverse_norm(squared: f64) -> f32 {
    squared.sqrt().recip() as f32
}

/// The longest squared length whose distances stay finite in f32: |a − b|² ≤ 4 max(|a|², |b|²).
pub(crate) const MAX_SQUARED: f64 = f32::MAX as f64 / 4.0;

/// The shortest squared length, beside 0, that is told from 0 in f32 arithmetic.
pub(crate) const MIN_SQUARED: f64 = f32::MIN_POSITIVE as f64;

/// Whether a squared length is too short for something.
pub(crate) enum Shortness {
    /// For nothing.
    None,
    /// It is 0: there is no direction.
    Zero,
    /// It is not 0, and f32 would take it for 0, or keep a few digits of it: neither differences nor products say what
    /// is nearest.
    Lost,
}

pub(crate) fn shortness(squared: f64) -> Shortness {
    match squared {
        0.0 => Shortness::Zero,
        squared if squared < MIN_SQUARED => Shortness::Lost,
        _ => Shortness::None,
    }
}
