//! Vector files as rows of f32, and lists of true neighbours.

use std::path::Path;

/// Rows of a `.fbin`, `.f16bin` or `.u8bin` file, widened.
pub(crate) fn vectors(path: &str) -> Result<Vec<Vec<f32>>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let (dim, values) = header(path, &bytes)?;
    let wide: Vec<f32> = match Path::new(path).extension().and_then(|ending| ending.to_str()) {
        Some("u8bin") => values.iter().map(|&value| f32::from(value)).collect(),
        Some("f16bin") => values.as_chunks().0.iter().map(|&two| half(u16::from_le_bytes(two))).collect(),
        Some("fbin") => values.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect(),
        _ => return Err(format!("{path}: expected .fbin, .f16bin or .u8bin")),
    };
    Ok(wide.chunks_exact(dim).map(<[f32]>::to_vec).collect())
}

/// Row numbers of an `.ibin` file.
pub(crate) fn truth(path: &str) -> Result<Vec<Vec<usize>>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let (dim, values) = header(path, &bytes)?;
    let rows: Vec<usize> = values.as_chunks().0.iter().map(|&four| u32::from_le_bytes(four) as usize).collect();
    Ok(rows.chunks_exact(dim).map(<[usize]>::to_vec).collect())
}

fn header<'a>(path: &str, bytes: &'a [u8]) -> Result<(usize, &'a [u8]), String> {
    let (_rows, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| format!("{path}: too short"))?;
    let (dim, values) = rest.split_first_chunk::<4>().ok_or_else(|| format!("{path}: too short"))?;
    Ok((u32::from_le_bytes(*dim).max(1) as usize, values))
}

fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    match exponent {
        0 => sign * mantissa * (-24f32).exp2(),
        _ => sign * (1.0 + mantissa / 1024.0) * ((exponent - 15) as f32).exp2(),
    }
}
