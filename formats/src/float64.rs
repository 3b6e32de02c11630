//! Converts rows of f64, NumPy's default type, to the type that they are stored in.

use std::io::{BufWriter, Write};
use std::path::Path;

use half::{bf16, f16};

use crate::map::Map;
use crate::strided::{Layout, Strided};
use crate::{FormatError, NumberKind};

/// Writes the rows of `view`, which are f64, as `kind` to an unnamed temporary file (in `TMPDIR`).
pub(crate) fn spool(path: &Path, view: &Strided<'_>, kind: NumberKind) -> Result<(Map, Layout), FormatError> {
    let failed = || FormatError::io(path, "copy its rows to a temporary file");
    let mut spool = BufWriter::new(tempfile::tempfile().map_err(failed())?);
    let mut bytes = Vec::with_capacity(view.dim * kind.size());
    for row in 0..view.rows {
        bytes.clear();
        let (numbers, _) = view.row(row).as_chunks();
        for (column, &number) in numbers.iter().enumerate() {
            let found = f64::from_le_bytes(number);
            store(found, kind, &mut bytes).map_err(|expected| FormatError::Number {
                file: path.into(),
                row: row as u64,
                column,
                found,
                expected,
            })?;
        }
        spool.write_all(&bytes).map_err(failed())?;
    }
    let spool = spool.into_inner().map_err(|error| failed()(error.into_error()))?;
    let map = Map::of(&spool, path, "rows of numbers")?;
    let stride = view.dim * kind.size();
    Ok((map, Layout { offset: 0, rows: view.rows, dim: view.dim, kind, stride }))
}

/// Appends `x` as `kind`, rounded once to the nearest. The error says which numbers `kind` holds.
fn store(x: f64, kind: NumberKind, out: &mut Vec<u8>) -> Result<(), &'static str> {
    let (fits, expected) = match kind {
        NumberKind::F32 => {
            out.extend((x as f32).to_le_bytes());
            ((x as f32).is_finite(), "a finite f32")
        }
        NumberKind::F16 => {
            let near = f16::from_f32(to_odd(x));
            out.extend(near.to_le_bytes());
            (near.is_finite(), "a finite f16")
        }
        NumberKind::Bf16 => {
            let near = bf16::from_f32(to_odd(x));
            out.extend(near.to_le_bytes());
            (near.is_finite(), "a finite bf16")
        }
        NumberKind::U8 => {
            out.push(x as u8);
            (f64::from(x as u8) == x, "a whole number from 0 to 255")
        }
        NumberKind::I8 => {
            out.push((x as i8).cast_unsigned());
            (f64::from(x as i8) == x, "a whole number from -128 to 127")
        }
        NumberKind::I32 => {
            out.extend((x as i32).to_le_bytes());
            (f64::from(x as i32) == x, "a whole number of 32 bits")
        }
        NumberKind::F64 => {
            out.extend(x.to_le_bytes());
            (x.is_finite(), "a finite f64")
        }
    };
    if fits { Ok(()) } else { Err(expected) }
}

/// `x` as an f32 that is exact or has its lowest bit set. Such a number is never halfway between two f16 or bf16, so
/// rounding it once more gives what rounding `x` gives.
fn to_odd(x: f64) -> f32 {
    let near = x as f32;
    if f64::from(near) == x {
        return near;
    }
    let beyond = f64::from(near).abs() > x.abs();
    f32::from_bits((near.to_bits() - u32::from(beyond)) | 1)
}

#[cfg(test)]
mod tests {
    use super::store;
    use crate::NumberKind::{self, Bf16, F16, F32, I8, U8};

    fn stored(x: f64, kind: NumberKind) -> Result<Vec<u8>, &'static str> {
        let mut out = Vec::new();
        store(x, kind, &mut out).map(|()| out)
    }

    #[test]
    fn numbers_are_rounded_once() {
        // Just above the middle of 1 and the next number, by less than an f32 tells.
        let above = |step: i32| 1.0 + 2f64.powi(step - 1) + 2f64.powi(-50);
        assert_eq!(stored(above(-10), F16), Ok(0x3c01u16.to_le_bytes().to_vec()));
        assert_eq!(stored(-above(-10), F16), Ok(0xbc01u16.to_le_bytes().to_vec()));
        assert_eq!(stored(above(-7), Bf16), Ok(0x3f81u16.to_le_bytes().to_vec()));
        // Just below the middle of the next two, and in the middle itself.
        let below = |step: i32| 1.0 + 1.5 * 2f64.powi(step) - 2f64.powi(-50);
        assert_eq!(stored(below(-10), F16), Ok(0x3c01u16.to_le_bytes().to_vec()));
        assert_eq!(stored(below(-7), Bf16), Ok(0x3f81u16.to_le_bytes().to_vec()));
        assert_eq!(stored(1.0 + 2f64.powi(-11), F16), Ok(0x3c00u16.to_le_bytes().to_vec()));
        assert_eq!(stored(0.1, F32), Ok(0.1f32.to_le_bytes().to_vec()));
        assert_eq!(stored(1e-300, F16), Ok(vec![0, 0]));
    }

    #[test]
    fn numbers_beyond_a_type_are_refused() {
        for (kind, most, beyond) in [
            (F32, f64::from(f32::MAX), 1e39),
            (F16, 65_519.999_999_999, 65_520.0),
            (Bf16, 3.389e38, f64::from(f32::MAX)),
            (U8, 255.0, 256.0),
            (U8, 0.0, -1.0),
            (U8, 1.0, 1.5),
            (I8, 127.0, 128.0),
            (I8, -128.0, -129.0),
        ] {
            assert!(stored(most, kind).is_ok(), "{most} as {kind}");
            for refused in [beyond, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert!(stored(refused, kind).is_err(), "{refused} as {kind}");
            }
        }
    }
}
