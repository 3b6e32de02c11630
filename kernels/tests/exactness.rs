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
//! an accumulator of at most dim / 4 additions (the narrowest vectors have four lanes), joined by
//! fewer than 12 more: (dim / 4 + 12) · 2⁻²⁴ of the sum of the terms' absolute values. Terms
//! below 2⁻¹²⁶ may lose what they have below 2⁻¹⁴⁹. Cosine divides by such sums: where
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

/// Rows as each shape takes them.
struct Laid<'a, R> {
    rows: Vec<&'a [R]>,
    flat: Vec<R>,
    /// Four rows each, in memory of its own.
    pieces: Vec<Vec<R>>,
}

impl<'a, R: Sample> Laid<'a, R> {
    fn new(rows: &'a [Row<R>]) -> Self {
        let rows: Vec<&[R]> = rows.iter().map(Row::slice).collect();
        Laid { flat: rows.concat(), pieces: rows.chunks(4).map(<[&[R]]>::concat).collect(), rows }
    }

    /// What every shape answers, in the rows' order.
    fn ask<Q: Sample>(&self, distance: &Distance<Q, R>, query: &[Q]) -> [(&'static str, Vec<f32>); 5] {
        let (bytes, q): (_, &[u8]) = (distance.bytes(), bytemuck::cast_slice(query));
        let mut near = vec![f32::NEG_INFINITY; self.rows.len()];
        let [mut gathered, mut scanned, mut picked] = [near.clone(), near.clone(), near.clone()];
        let views: Vec<&[u8]> = self.rows.iter().map(|r| bytemuck::cast_slice(r)).collect();
        bytes.gathered_near(q, &views, &mut near).unwrap();
        distance.gathered(query, &self.rows, &mut gathered).unwrap();
        distance.scan(query, &self.flat, &mut scanned).unwrap();
        let pieces = self.pieces.iter().map(|piece| bytemuck::cast_slice(piece)).collect();
        let table = RowTable::new(pieces, bytes.row_bytes()).unwrap();
        // Asked for from the last on.
        let numbers: Vec<u32> = (0..table.rows()).rev().collect();
        bytes.picked(q, &table, &numbers, &mut picked).unwrap();
        picked.reverse();
        let pair = self.rows.iter().map(|row| distance.pair(query, row).unwrap()).collect();
        [("pair", pair), ("gathered", gathered), ("near", near), ("picked", picked), ("scan", scanned)]
    }
}

/// Runs all shapes on all instruction sets.
fn compare<Q: Sample, R: Sample>(case: &Case<'_, Q, R>) {
    let dim = case.query.len();
    let laid = Laid::new(case.rows);
    let rows = &laid.rows;
    let exact: Vec<_> = rows.iter().map(|r| oracle::exact(case.metric, case.query, r)).collect();
    let faint: Vec<bool> = rows.iter().map(|r| faint(case.query) || faint(r)).collect();
    for isa in Isa::available() {
        let distance = Distance::<Q, R>::with_isa(case.metric, dim, isa).unwrap();
        for (shape, got) in laid.ask(&distance, case.query) {
            for (i, (exact, got)) in exact.iter().zip(got).enumerate() {
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
            // Row counts vary too: none, one alone, groups of 4 and 8 and rows after them.
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

/// A NaN anywhere in a row makes every shape's answer for it NaN, and no other row's; one in the query, every
/// row's.
fn nan_shows<Q: Sample, R: Sample>(in_query: Option<Q>, in_row: Option<R>) {
    let mut random = Random(3);
    for dim in [1, 7, 16, 33, 100, 128, 300] {
        for at in 0..dim {
            let mut query = Row::<Q>::new(&mut random, Numbers::Usual, dim, 1);
            let mut rows: Vec<_> = (0..13).map(|i| Row::<R>::new(&mut random, Numbers::Usual, dim, i)).collect();
            if let Some(nan) = in_row {
                rows[at % 13].set(at, nan);
                nan_is(&query, &rows, |i| i == at % 13);
            }
            if let Some(nan) = in_query {
                query.set(at, nan);
                nan_is(&query, &rows, |_| true);
            }
        }
    }
}

fn nan_is<Q: Sample, R: Sample>(query: &Row<Q>, rows: &[Row<R>], expected: impl Fn(usize) -> bool) {
    let laid = Laid::new(rows);
    for isa in Isa::available() {
        for metric in Metric::ALL {
            let distance = Distance::<Q, R>::with_isa(metric, query.slice().len(), isa).unwrap();
            for (shape, got) in laid.ask(&distance, query.slice()) {
                for (i, got) in got.into_iter().enumerate() {
                    assert_eq!(got.is_nan(), expected(i), "{} {shape}, row {i}: {got}", distance.bytes().name());
                }
            }
        }
    }
}

macro_rules! suite {
    ($($name:ident: $query:ty, $row:ty $(, $in_query:expr, $in_row:expr)?;)*) => {$(
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

            $(#[test]
            fn a_nan_shows_where_it_is() {
                nan_shows::<$query, $row>($in_query, $in_row);
            })?
        }
    )*};
}

suite! {
    f32_f32: f32, f32, Some(f32::NAN), Some(f32::NAN);
    f32_f16: f32, f16, Some(f32::NAN), Some(f16::NAN);
    f32_bf16: f32, bf16, Some(f32::NAN), Some(bf16::NAN);
    f32_u8: f32, u8, Some(f32::NAN), None;
    f32_i8: f32, i8, Some(f32::NAN), None;
    f16_f16: f16, f16, Some(f16::NAN), Some(f16::NAN);
    bf16_bf16: bf16, bf16, Some(bf16::NAN), Some(bf16::NAN);
    u8_u8: u8, u8;
    i8_i8: i8, i8;
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

/// As a pair, and as each row of a group of eight, of a group of four, and alone after them.
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
            let f16s = Distance::<f32, f16>::with_isa(Metric::L2, dim, isa).unwrap();
            let infinite = vec![f16::INFINITY; dim];
            assert_eq!(f16s.pair(&zero, &infinite).unwrap(), f32::INFINITY, "{isa} {dim}");
        }
    }
}

/// Every f16 and every bf16 is read as the number it is.
#[test]
fn every_sixteen_bits_convert() {
    for isa in Isa::available() {
        let f16s = Distance::<f32, f16>::with_isa(Metric::InnerProduct, 1, isa).unwrap();
        let bf16s = Distance::<f32, bf16>::with_isa(Metric::InnerProduct, 1, isa).unwrap();
        for bits in 0..=u16::MAX {
            let (f16, bf16) = (f16::from_bits(bits), bf16::from_bits(bits));
            let got = -f16s.pair(&[1.0], &[f16]).unwrap();
            assert!(got == f16.to_f32() || (got.is_nan() && f16.is_nan()), "{isa} {bits:#x}");
            let got = -bf16s.pair(&[1.0], &[bf16]).unwrap();
            assert!(got == bf16.to_f32() || (got.is_nan() && bf16.is_nan()), "{isa} {bits:#x}");
        }
    }
}

/// The same in groups, which other instructions may read: each row has one number, and zeros.
fn many_convert<T: Sample>(of: fn(u16) -> T, to_f32: fn(T) -> f32) {
    for isa in Isa::available() {
        for dim in [32, 33] {
            let handle = Distance::<f32, T>::with_isa(Metric::InnerProduct, dim, isa).unwrap();
            let (ones, mut got) = (vec![1.0; dim], [f32::NAN; 16]);
            for first in (0..=u16::MAX).step_by(got.len()) {
                let mut rows = vec![of(0); got.len() * dim];
                let place = |i: usize| i * dim + (usize::from(first) / 16 + i) % dim;
                (0..got.len()).for_each(|i| rows[place(i)] = of(first + i as u16));
                handle.scan(&ones, &rows, &mut got).unwrap();
                for (i, got) in got.iter().enumerate() {
                    let expected = to_f32(rows[place(i)]);
                    assert!(-got == expected || (got.is_nan() && expected.is_nan()), "{isa} {dim} {first} {i}: {got}");
                }
            }
        }
    }
}

#[test]
fn every_sixteen_bits_convert_in_groups() {
    many_convert(f16::from_bits, f16::to_f32);
    many_convert(bf16::from_bits, bf16::to_f32);
}

/// Subnormal products of bf16: one instruction set may take their sum for 0, in every step.
#[test]
fn products_below_the_usual_numbers_are_lost_where_it_says_so() {
    for isa in Isa::available() {
        for dim in [1, 2, 33, 100, 300] {
            let row = vec![bf16::from_f64(1e-20); dim];
            let expected = -row[0].to_f64().powi(2) * dim as f64;
            let handle = Distance::<bf16>::with_isa(Metric::InnerProduct, dim, isa).unwrap();
            let mut got = [f32::NAN; 13];
            handle.scan(&row, &row.repeat(13), &mut got).unwrap();
            let least = if isa == Isa::Avx512Bf16 { -126 } else { -149 };
            let allowed = -expected * (dim as f64 / 4.0 + 12.0) * UNIT + dim as f64 * 2f64.powi(least);
            for got in got.into_iter().chain([handle.pair(&row, &row).unwrap()]) {
                assert!((f64::from(got) - expected).abs() <= allowed, "{isa} {dim}: {got:e} for {expected:e}");
            }
        }
    }
}
