//! Every metric, pair of element types, shape and instruction set against the `f64` oracle,
//! at every length and at every offset of query and rows.
//!
//! # The bounds
//!
//! *Bytes*: squared L2 and inner product are the exact integer, rounded once: compared for
//! equality. Cosine adds three square roots or products, a division and a subtraction, each
//! within 2⁻²⁴ of its result: 8 · 2⁻²⁴ of the scale.
//!
//! *Floats*: conversions are exact. A difference or product costs one rounding, and a lane is
//! a chain of at most dim / 4 additions (the narrowest vectors have four lanes), joined by
//! fewer than 12 more: (dim / 4 + 12) · 2⁻²⁴ of the sum of the terms' absolute values. Terms
//! below 2⁻¹²⁶ may lose all they have, at most 2⁻¹⁴⁹ each. Cosine divides by such sums: where
//! a row's Σ x² is below 2⁻¹⁰⁰, only a number is asked for.

mod rows;

use omendb_kernels::{Distance, Element, ElementKind, Isa, Metric, RowTable, bf16, f16, oracle};
use rows::{Numbers, Random, Row, Sample};

const UNIT: f64 = 1.0 / (1 << 24) as f64;

fn lengths() -> impl Iterator<Item = usize> {
    (1..=600).chain([768, 1536, 4097])
}

fn bound(metric: Metric, row: ElementKind, query: ElementKind, dim: usize, scale: f64) -> f64 {
    let whole = query == row && matches!(row, ElementKind::U8 | ElementKind::I8);
    match metric {
        Metric::Cosine if whole => 8.0 * UNIT * scale,
        _ if whole => 0.0,
        _ => (dim as f64 / 4.0 + 12.0) * UNIT * scale + dim as f64 * 2f64.powi(-149),
    }
}

/// Whether a row's squares are so small, and not all zero, that `f32` has few bits for them.
fn faint<T: Element>(row: &[T]) -> bool {
    let squares: f64 = row.iter().map(|x| x.to_f64().powi(2)).sum();
    squares > 0.0 && squares < 2f64.powi(-100)
}

struct Case<'a, Q, R> {
    metric: Metric,
    numbers: Numbers,
    query: &'a [Q],
    rows: &'a [Row<R>],
}

/// Runs all shapes on all instruction sets.
fn compare<Q: Sample, R: Sample>(case: &Case<'_, Q, R>) {
    let dim = case.query.len();
    let rows: Vec<&[R]> = case.rows.iter().map(Row::slice).collect();
    let flat: Vec<R> = rows.concat();
    // A table of four rows a piece, each in memory of its own; its rows are asked for from the last on.
    let pieces: Vec<Vec<R>> = rows.chunks(4).map(<[&[R]]>::concat).collect();
    let pieces = pieces.iter().map(|piece| bytemuck::cast_slice(piece)).collect();
    let table = RowTable::new(pieces, dim * size_of::<R>()).unwrap();
    let numbers: Vec<u32> = (0..table.rows()).rev().collect();
    let exact: Vec<_> = rows.iter().map(|r| oracle::exact(case.metric, case.query, r)).collect();
    let faint: Vec<bool> = rows.iter().map(|r| faint(case.query) || faint(r)).collect();
    for isa in Isa::available() {
        let distance = Distance::<Q, R>::with_isa(case.metric, dim, isa).unwrap();
        let mut near = vec![f32::NAN; rows.len()];
        let mut gathered = near.clone();
        let mut scanned = near.clone();
        let mut picked = near.clone();
        distance.gathered(case.query, &rows, &mut gathered).unwrap();
        let views: Vec<&[u8]> = rows.iter().map(|r| bytemuck::cast_slice(r)).collect();
        let query = bytemuck::cast_slice(case.query);
        distance.bytes().gathered_near(query, &views, &mut near).unwrap();
        distance.bytes().picked(query, &table, &numbers, &mut picked).unwrap();
        picked.reverse();
        distance.scan(case.query, &flat, &mut scanned).unwrap();
        for (i, exact) in exact.iter().enumerate() {
            let pair = distance.pair(case.query, rows[i]).unwrap();
            let many = [("gathered", gathered[i]), ("near", near[i]), ("picked", picked[i]), ("scan", scanned[i])];
            for (shape, got) in many.into_iter().chain([("pair", pair)]) {
                let rounded = exact.distance as f32;
                let allowed = bound(case.metric, R::KIND, Q::KIND, dim, exact.scale);
                let good = if case.metric == Metric::Cosine && faint[i] {
                    !got.is_nan()
                } else if allowed == 0.0 {
                    got == rounded
                } else {
                    (f64::from(got) - exact.distance).abs() <= allowed
                };
                assert!(
                    good,
                    "{} {shape}, {:?} numbers, row {i} of {}: got {got:e}, exact {:e}, \
                     allowed {allowed:e}",
                    distance.bytes().name(),
                    case.numbers,
                    rows.len(),
                    exact.distance,
                );
            }
        }
    }
}

fn every_length<Q: Sample, R: Sample>() {
    let mut random = Random(1);
    for dim in lengths() {
        for numbers in [Numbers::Usual, Numbers::Tiny, Numbers::Huge] {
            // Row counts go round too: none, a lone one, groups of 4 and 8 and what is left.
            let n = [dim % 14, 3, 9][numbers as usize];
            let query = Row::<Q>::new(&mut random, numbers, dim, dim % 16);
            let rows: Vec<_> = (0..n).map(|i| Row::<R>::new(&mut random, numbers, dim, (dim + i) % 16)).collect();
            for metric in Metric::ALL {
                compare(&Case { metric, numbers, query: query.slice(), rows: &rows });
            }
        }
    }
}

fn every_offset<Q: Sample, R: Sample>() {
    let mut random = Random(2);
    for dim in [1, 15, 31, 64, 100, 129] {
        for at in 0..64 / size_of::<R>().min(size_of::<Q>()) {
            let query = Row::<Q>::new(&mut random, Numbers::Usual, dim, at);
            let rows: Vec<_> = (0..64 / size_of::<R>())
                .map(|offset| Row::<R>::new(&mut random, Numbers::Usual, dim, offset))
                .collect();
            for metric in Metric::ALL {
                let numbers = Numbers::Usual;
                compare(&Case { metric, numbers, query: query.slice(), rows: &rows });
            }
        }
    }
}

/// A NaN anywhere in either row makes every shape's answer NaN, and no other row's.
fn nan_shows<Q: Sample, R: Sample>(nan: Option<R>) {
    let Some(nan) = nan else { return };
    let mut random = Random(3);
    for dim in [1, 7, 16, 33, 100, 128, 300] {
        let query = Row::<Q>::new(&mut random, Numbers::Usual, dim, 1);
        for at in 0..dim {
            let mut rows: Vec<_> = (0..13).map(|i| Row::<R>::new(&mut random, Numbers::Usual, dim, i)).collect();
            let wrong = at % 13;
            rows[wrong].set(at, nan);
            let rows: Vec<&[R]> = rows.iter().map(Row::slice).collect();
            for isa in Isa::available() {
                for metric in Metric::ALL {
                    let distance = Distance::<Q, R>::with_isa(metric, dim, isa).unwrap();
                    let mut out = [0.0; 13];
                    distance.gathered(query.slice(), &rows, &mut out).unwrap();
                    for (i, got) in out.into_iter().enumerate() {
                        assert_eq!(got.is_nan(), i == wrong, "{} at {at}", distance.bytes().name());
                    }
                    assert!(distance.pair(query.slice(), rows[wrong]).unwrap().is_nan());
                }
            }
        }
    }
}

macro_rules! suite {
    ($($name:ident: $query:ty, $row:ty, $nan:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn every_length_is_right() {
                every_length::<$query, $row>();
            }

            #[test]
            fn every_offset_is_right() {
                every_offset::<$query, $row>();
            }

            #[test]
            fn a_nan_shows_where_it_is() {
                nan_shows::<$query, $row>($nan);
            }
        }
    )*};
}

suite! {
    f32_f32: f32, f32, Some(f32::NAN);
    f32_f16: f32, f16, Some(f16::NAN);
    f32_bf16: f32, bf16, Some(bf16::NAN);
    f32_u8: f32, u8, None;
    f32_i8: f32, i8, None;
    f16_f16: f16, f16, Some(f16::NAN);
    bf16_bf16: bf16, bf16, Some(bf16::NAN);
    u8_u8: u8, u8, None;
    i8_i8: i8, i8, None;
}

/// The sums that need all of their 32 bits.
#[test]
fn the_largest_integers_are_exact() {
    let dim = omendb_kernels::MAX_DIM;
    let (low, high) = (vec![0u8; dim], vec![255u8; dim]);
    let (least, most) = (vec![-128i8; dim], vec![127i8; dim]);
    for isa in Isa::available() {
        largest(isa, Metric::L2, &low, &high, 4_261_478_400.0);
        largest(isa, Metric::InnerProduct, &high, &high, -4_261_478_400.0);
        largest(isa, Metric::L2, &least, &most, 4_261_478_400.0);
        largest(isa, Metric::InnerProduct, &least, &least, -1_073_741_824.0);
        largest(isa, Metric::InnerProduct, &least, &most, 1_065_353_216.0);
        largest(isa, Metric::Cosine, &high, &high, 0.0);
        largest(isa, Metric::Cosine, &least, &most, 2.0);
    }
}

/// By itself, and as each row of a group of eight, one of four, and what is left over.
fn largest<T: Sample>(isa: Isa, metric: Metric, query: &[T], row: &[T], expected: f32) {
    let distance = Distance::<T>::with_isa(metric, query.len(), isa).unwrap();
    let mut got = vec![distance.pair(query, row).unwrap()];
    let mut scanned = [f32::NAN; 13];
    distance.scan(query, &row.repeat(13), &mut scanned).unwrap();
    got.extend(scanned);
    // A cosine has two roots and a quotient to be rounded.
    let allowed = if metric == Metric::Cosine { 2f32.powi(-22) } else { 0.0 };
    assert!(got.iter().all(|got| (got - expected).abs() <= allowed), "{isa} {metric}: {got:?}, expected {expected}");
}

/// Products of numbers that have no leading bit, large enough to be told from 0.
#[test]
fn subnormal_numbers_count() {
    for isa in Isa::available() {
        for dim in [1, 9, 40, 300] {
            let (small, large) = (vec![f32::from_bits(0x0040_0000); dim], vec![1e30f32; dim]);
            let expected = -(f64::from(small[0]) * f64::from(large[0]) * dim as f64);
            let distance = Distance::<f32>::with_isa(Metric::InnerProduct, dim, isa).unwrap();
            let mut got = vec![distance.pair(&large, &small).unwrap(), distance.pair(&small, &large).unwrap()];
            let mut scanned = [f32::NAN; 13];
            distance.scan(&large, &small.repeat(13), &mut scanned).unwrap();
            got.extend(scanned);
            let allowed = -expected * (dim as f64 / 4.0 + 12.0) * UNIT;
            let good = got.iter().all(|&got| (f64::from(got) - expected).abs() <= allowed);
            assert!(good, "{isa} {dim}: {got:?}, expected {expected:e}");
        }
    }
}

/// Infinities, and sums that leave the range of `f32`.
#[test]
fn what_is_too_large_is_infinite() {
    for isa in Isa::available() {
        for dim in [1, 17, 100] {
            let (large, zero) = (vec![3.0e38f32; dim], vec![0.0f32; dim]);
            let l2 = Distance::<f32>::with_isa(Metric::L2, dim, isa).unwrap();
            assert_eq!(l2.pair(&large, &zero).unwrap(), f32::INFINITY, "{isa} {dim}");
            let infinite = vec![f32::INFINITY; dim];
            assert_eq!(l2.pair(&infinite, &zero).unwrap(), f32::INFINITY, "{isa} {dim}");
            assert!(l2.pair(&infinite, &infinite).unwrap().is_nan(), "{isa} {dim}");
            let half = Distance::<f32, f16>::with_isa(Metric::L2, dim, isa).unwrap();
            let infinite = vec![f16::INFINITY; dim];
            assert_eq!(half.pair(&zero, &infinite).unwrap(), f32::INFINITY, "{isa} {dim}");
        }
    }
}

/// Every half and every bfloat there is, read as the number it is.
#[test]
fn every_sixteen_bits_convert() {
    for isa in Isa::available() {
        let f16s = Distance::<f32, f16>::with_isa(Metric::InnerProduct, 1, isa).unwrap();
        let bf16s = Distance::<f32, bf16>::with_isa(Metric::InnerProduct, 1, isa).unwrap();
        for bits in 0..=u16::MAX {
            let (half, brain) = (f16::from_bits(bits), bf16::from_bits(bits));
            let got = -f16s.pair(&[1.0], &[half]).unwrap();
            assert!(got == half.to_f32() || (got.is_nan() && half.is_nan()), "{isa} {bits:#x}");
            let got = -bf16s.pair(&[1.0], &[brain]).unwrap();
            assert!(got == brain.to_f32() || (got.is_nan() && brain.is_nan()), "{isa} {bits:#x}");
        }
    }
}
