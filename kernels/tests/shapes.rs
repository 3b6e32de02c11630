//! Codes and bits, against what they stand for in `f64`.

mod rows;

use omendb_kernels::{
    CodeBits, CodeDistance, ElementKind, Hamming, Isa, KernelError, Metric, RowDistance, RowTable, oracle,
};
use rows::{Numbers, Random, Row};

const UNIT: f64 = 1.0 / (1 << 24) as f64;

fn lengths() -> impl Iterator<Item = usize> {
    (1..=300).chain([768, 1536, 4097])
}

/// Thirteen rows, from the last on.
const BACKWARDS: [u32; 13] = [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];

/// Rows four to a piece.
fn table(flat: &[u8], row_bytes: usize) -> RowTable<'_> {
    RowTable::new(flat.chunks(4 * row_bytes).collect(), row_bytes).unwrap()
}

/// The sums over codes are as good as those over floats (see `exactness`); what is made of them
/// adds a few roundings, relative to the terms Σ q², Σ x², 2 Σ |q·x| and |low| · Σ |q|.
#[test]
fn codes_are_as_near_as_what_they_stand_for() {
    let mut random = Random(4);
    for dim in lengths() {
        let query = Row::<f32>::new(&mut random, Numbers::Usual, dim, dim % 16);
        let rows: Vec<_> = (0..13).map(|i| Row::<f32>::new(&mut random, Numbers::Usual, dim, i)).collect();
        for bits in CodeBits::ALL {
            for metric in Metric::ALL {
                for isa in Isa::available() {
                    let handle = CodeDistance::with_isa(metric, bits, dim, isa).unwrap();
                    let codes: Vec<Vec<u8>> = rows
                        .iter()
                        .map(|row| {
                            let mut codes = vec![0xff; handle.row_bytes()];
                            handle.encode(row.slice(), &mut codes).unwrap();
                            codes
                        })
                        .collect();
                    let views: Vec<&[u8]> = codes.iter().map(Vec::as_slice).collect();
                    let prepared = handle.query(query.slice()).unwrap();
                    let mut out = [0.0; 13];
                    handle.gathered(&prepared, &views, &mut out).unwrap();
                    let flat = codes.concat();
                    let mut scanned = [0.0; 13];
                    handle.scan(&prepared, &flat, handle.row_bytes(), &mut scanned).unwrap();
                    let mut picked = [0.0; 13];
                    handle.picked(&prepared, &table(&flat, handle.row_bytes()), &BACKWARDS, &mut picked).unwrap();
                    picked.reverse();
                    for (i, got) in out.into_iter().enumerate() {
                        let decoded = handle.decode(&codes[i]).unwrap();
                        let exact = oracle::distance(metric, query.slice(), &decoded);
                        let size: f64 = query.slice().iter().map(|q| f64::from(q.abs())).sum();
                        let scale = match metric {
                            Metric::L2 => 8.0 * size,
                            Metric::InnerProduct => 4.0 * size,
                            Metric::Cosine => {
                                let norm = |row: &[f32]| oracle::distance(Metric::L2, row, &vec![0f32; dim]).sqrt();
                                1.0 + 4.0 * size / (norm(query.slice()) * norm(&decoded)).max(1e-30)
                            }
                        };
                        let allowed = (dim as f64 / 4.0 + 24.0) * UNIT * scale;
                        let pair = handle.pair(&prepared, &codes[i]).unwrap();
                        for got in [got, pair, scanned[i], picked[i]] {
                            let error = (f64::from(got) - exact).abs();
                            assert!(error <= allowed, "{bits:?} {metric} {dim} {isa} row {i}: {got} for {exact}");
                        }
                    }
                }
            }
        }
    }
}

/// Codes are on the row's own line, half a step from its numbers at most.
#[test]
fn codes_keep_the_row() {
    let mut random = Random(5);
    for dim in [1, 2, 7, 100, 333] {
        let row = Row::<f32>::new(&mut random, Numbers::Usual, dim, 0);
        for (bits, steps) in [(CodeBits::Eight, 255.0), (CodeBits::Four, 15.0)] {
            let handle = CodeDistance::new(Metric::L2, bits, dim).unwrap();
            let mut codes = vec![0; handle.row_bytes()];
            handle.encode(row.slice(), &mut codes).unwrap();
            for (x, decoded) in row.slice().iter().zip(handle.decode(&codes).unwrap()) {
                // The row spans at most 2; a rounding more than half of one of the steps.
                assert!((x - decoded).abs() <= 2.0 / steps * 0.5001 + 1e-6, "{bits:?} {dim}: {decoded} for {x}");
            }
        }
    }
}

#[test]
fn codes_of_another_size_are_refused() {
    let handle = CodeDistance::new(Metric::L2, CodeBits::Four, 9).unwrap();
    assert_eq!(handle.row_bytes(), 5 + 12);
    let query = handle.query(&[0.0; 9]).unwrap();
    let wrong = KernelError::Length { expected: 17, found: 16, row: 0 };
    assert_eq!(handle.pair(&query, &[0; 16]).unwrap_err(), wrong);
    assert_eq!(handle.encode(&[0.0; 9], &mut [0; 16]).unwrap_err(), wrong);
    assert!(matches!(handle.query(&[0.0; 8]), Err(KernelError::Dimension { .. })));
    assert!(matches!(handle.gathered(&query, &[&[0; 17]], &mut []), Err(KernelError::Output { .. })));
    let mut out = [7.0; 2];
    let short = handle.scan(&query, &[0; 35], 18, &mut out[..2]);
    assert_eq!(short, Ok(()), "what lies behind the last row may be missing");
    out = [7.0; 2];
    let wrong = KernelError::Length { expected: 35, found: 34, row: 1 };
    assert_eq!(handle.scan(&query, &[0; 34], 18, &mut out).unwrap_err(), wrong);
    let wrong = KernelError::Stride { stride: 16, row_bytes: 17 };
    assert_eq!(handle.scan(&query, &[0; 64], 16, &mut out).unwrap_err(), wrong);
    let rows = [0; 34];
    let ask = |stride, named: &[u32], out: &mut [f32]| {
        handle.picked(&query, &RowTable::new(vec![&rows[..2 * stride]], stride).unwrap(), named, out).unwrap_err()
    };
    assert_eq!(ask(16, &[0, 1], &mut out), wrong);
    assert_eq!(ask(17, &[0, 2], &mut out), KernelError::Row { found: 2, rows: 2 });
    assert_eq!(ask(17, &[0], &mut out), KernelError::Output { expected: 1, found: 2 });
    let other = CodeDistance::new(Metric::L2, CodeBits::Four, 8).unwrap().query(&[0.0; 8]).unwrap();
    assert!(matches!(handle.scan(&other, &[0; 34], 17, &mut out), Err(KernelError::Dimension { .. })));
    assert_eq!(out, [7.0; 2], "a refused call writes nothing");
    let bits = Hamming::new(17 * 8).unwrap();
    assert_eq!(bits.scan(&[0; 17], &[0; 64], 16, &mut out).unwrap_err(), wrong);
    let wrong = KernelError::Length { expected: 17, found: 16, row: 0 };
    assert_eq!(bits.scan(&[0; 16], &[0; 64], 17, &mut out).unwrap_err(), wrong);
}

/// Wherever the row of another length stands among the others, and however many are compared at a time.
#[test]
fn a_list_with_a_row_of_another_length_is_refused() {
    let (whole, short) = ([0_u8; 17], [0_u8; 16]);
    let refused = |at| KernelError::Length { expected: 17, found: 16, row: at };
    for isa in Isa::available() {
        let codes = CodeDistance::with_isa(Metric::L2, CodeBits::Four, 9, isa).unwrap();
        let query = codes.query(&[0.0; 9]).unwrap();
        let bits = Hamming::with_isa(17 * 8, isa).unwrap();
        let rows = RowDistance::with_isa(Metric::L2, ElementKind::U8, ElementKind::U8, 17, isa).unwrap();
        for n in (1..=40).chain([64, 67]) {
            for at in 0..n {
                let mut list = vec![&whole[..]; n];
                list[at] = &short;
                let mut out = vec![7.0; n];
                assert_eq!(codes.gathered(&query, &list, &mut out).unwrap_err(), refused(at), "{isa} {n}");
                assert_eq!(bits.gathered(&whole, &list, &mut out).unwrap_err(), refused(at), "{isa} {n}");
                assert_eq!(rows.gathered(&whole, &list, &mut out).unwrap_err(), refused(at), "{isa} {n}");
                assert!(out.iter().all(|&distance| distance == 7.0), "a refused call writes nothing");
            }
        }
    }
}

#[test]
fn bits_are_counted_exactly() {
    let mut random = Random(6);
    for bytes in lengths() {
        let query = Row::<u8>::new(&mut random, Numbers::Usual, bytes, bytes % 64);
        let rows: Vec<_> = (0..13).map(|i| Row::<u8>::new(&mut random, Numbers::Usual, bytes, i)).collect();
        let views: Vec<&[u8]> = rows.iter().map(Row::slice).collect();
        for isa in Isa::available() {
            let hamming = Hamming::with_isa(bytes * 8, isa).unwrap();
            let mut out = [0.0; 13];
            hamming.gathered(query.slice(), &views, &mut out).unwrap();
            let flat = views.concat();
            let (mut scanned, mut picked) = ([0.0; 13], [0.0; 13]);
            hamming.scan(query.slice(), &flat, bytes, &mut scanned).unwrap();
            hamming.picked(query.slice(), &table(&flat, bytes), &BACKWARDS, &mut picked).unwrap();
            picked.reverse();
            for (i, row) in views.iter().enumerate() {
                let exact: u32 = query.slice().iter().zip(*row).map(|(a, b)| (a ^ b).count_ones()).sum();
                let pair = hamming.pair(query.slice(), row).unwrap();
                assert_eq!([out[i], scanned[i], picked[i], pair], [exact as f32; 4], "{isa} {bytes}");
            }
        }
    }
    let refused = Hamming::new(9).unwrap().pair(&[0; 2], &[0; 1]).unwrap_err();
    assert_eq!(refused, KernelError::Length { expected: 2, found: 1, row: 0 });
}

#[test]
fn what_has_no_code_is_refused() {
    for (bits, value) in CodeBits::ALL.into_iter().zip([f32::NAN, f32::INFINITY, f32::NEG_INFINITY]) {
        let handle = CodeDistance::new(Metric::L2, bits, 3).unwrap();
        let mut codes = vec![7; handle.row_bytes()];
        let refused = handle.encode(&[0.0, value, value], &mut codes).unwrap_err();
        assert_eq!(refused, KernelError::NotFinite { column: 1, value: value.to_string() });
        assert!(codes.iter().all(|&byte| byte == 7), "a refused call writes nothing");
    }
}

/// From one end of f32 to the other, where a difference is beyond f32.
#[test]
fn rows_of_the_largest_numbers_have_codes() {
    let row = [f32::MAX, f32::MIN, 0.0, f32::MAX / 2.0];
    for (bits, steps) in [(CodeBits::Eight, 255.0), (CodeBits::Four, 15.0)] {
        let handle = CodeDistance::new(Metric::InnerProduct, bits, 4).unwrap();
        let mut codes = vec![0; handle.row_bytes()];
        handle.encode(&row, &mut codes).unwrap();
        for (x, decoded) in row.iter().zip(handle.decode(&codes).unwrap()) {
            let step = 2.0 * f64::from(f32::MAX) / steps;
            assert!((f64::from(*x) - f64::from(decoded)).abs() <= 0.501 * step, "{bits:?}: {decoded} for {x}");
        }
    }
}

/// Made of norms and a product, the distance of a row from itself would be what rounding leaves, of either sign.
#[test]
fn no_squared_distance_of_codes_is_negative() {
    let mut random = Random(10);
    for dim in [3, 30, 300] {
        for bits in CodeBits::ALL {
            let handle = CodeDistance::new(Metric::L2, bits, dim).unwrap();
            for _ in 0..50 {
                let row = Row::<f32>::new(&mut random, Numbers::Usual, dim, 0);
                let mut codes = vec![0; handle.row_bytes()];
                handle.encode(row.slice(), &mut codes).unwrap();
                let query = handle.query(&handle.decode(&codes).unwrap()).unwrap();
                assert!(handle.pair(&query, &codes).unwrap() >= 0.0, "{bits:?} {dim}");
            }
        }
    }
}
