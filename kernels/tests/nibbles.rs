//! 4-bit codes, against sums in `i64`.

mod rows;

use omendb_kernels::{Isa, KernelError, Metric, NibbleDistance, NibbleQuery, RowTable};
use rows::Random;

const METRICS: [Metric; 2] = [Metric::L2, Metric::InnerProduct];

fn exact(metric: Metric, query: &[i8], codes: &[u8]) -> f32 {
    let terms = query.iter().zip(codes).map(|(&q, &c)| match metric {
        Metric::L2 => (i64::from(q) - 8 * i64::from(c)).pow(2),
        _ => -i64::from(q) * i64::from(c),
    });
    terms.sum::<i64>() as f32
}

/// Compares one query and all rows with the sums, in both shapes, on every instruction set. Rows end where memory that
/// belongs to them ends, and lie at any offset.
fn check(metric: Metric, query: &[i8], rows: &[Vec<u8>]) {
    let dim = query.len();
    let expected: Vec<f32> = rows.iter().map(|row| exact(metric, query, row)).collect();
    for isa in Isa::available() {
        let handle = NibbleDistance::with_isa(metric, dim, isa).unwrap();
        let mut packed = vec![0xff; rows.len() * handle.row_bytes()];
        for (row, out) in rows.iter().zip(packed.chunks_exact_mut(handle.row_bytes())) {
            handle.pack(row, out).unwrap();
        }
        // What a query was before must not matter.
        let mut prepared = NibbleQuery::default();
        NibbleDistance::with_isa(metric, dim / 2 + 1, isa)
            .unwrap()
            .prepare(&vec![99; dim / 2 + 1], &mut prepared)
            .unwrap();
        handle.prepare(query, &mut prepared).unwrap();
        let pairs: Vec<f32> =
            packed.chunks_exact(handle.row_bytes()).map(|row| handle.pair(&prepared, row).unwrap()).collect();
        assert_eq!(pairs, expected, "{}", handle.name());
        let table = RowTable::new(packed.chunks(4 * handle.row_bytes()).collect(), handle.row_bytes()).unwrap();
        let slots: Vec<u32> = (0..rows.len() as u32).rev().collect();
        let mut picked = vec![f32::NAN; rows.len()];
        handle.picked(&prepared, &table, &slots, &mut picked).unwrap();
        picked.reverse();
        assert_eq!(picked, expected, "{}", handle.name());
    }
}

fn random_codes(random: &mut Random, dim: usize) -> Vec<u8> {
    (0..dim).map(|_| (random.next() >> 40) as u8 & 15).collect()
}

#[test]
fn sums_are_exact_at_every_length() {
    let mut random = Random(7);
    for dim in (1..=600).chain([768, 1023, 1536, 4097]) {
        for metric in METRICS {
            let least = if metric == Metric::L2 { 0 } else { -127 };
            let query: Vec<i8> = (0..dim).map(|_| (random.next() >> 40) as i8).map(|q| q.max(-127)).collect();
            let query: Vec<i8> = query.into_iter().map(|q| if q < least { q.abs() } else { q }).collect();
            let rows: Vec<_> = (0..13).map(|_| random_codes(&mut random, dim)).collect();
            check(metric, &query, &rows);
        }
    }
}

/// The largest terms of either sign: nothing saturates, nothing overflows.
#[test]
fn sums_of_the_largest_terms_are_exact() {
    for dim in [1, 2, 63, 64, 65, 127, 128, 129, 600, 4096, 65_536] {
        for (metric, values) in [(Metric::L2, [0, 127]), (Metric::InnerProduct, [-127, 127])] {
            for value in values {
                let rows: Vec<_> = [0, 15].into_iter().map(|code| vec![code; dim]).collect();
                check(metric, &vec![value; dim], &rows);
            }
        }
    }
}

#[test]
fn values_out_of_range_count_as_the_nearest_within() {
    let l2 = NibbleDistance::new(Metric::L2, 3).unwrap();
    let (mut query, mut row) = (NibbleQuery::default(), [0; 2]);
    l2.pack(&[255, 16, 0], &mut row).unwrap();
    assert_eq!(row, [0xff, 0]);
    l2.prepare(&[-128, -1, 127], &mut query).unwrap();
    assert_eq!(l2.pair(&query, &row).unwrap(), 2.0 * 120.0 * 120.0 + 127.0 * 127.0);
    let product = NibbleDistance::new(Metric::InnerProduct, 3).unwrap();
    product.prepare(&[-128, 0, 0], &mut query).unwrap();
    assert_eq!(product.pair(&query, &row).unwrap(), 127.0 * 15.0);
}

#[test]
fn what_does_not_fit_is_refused() {
    assert_eq!(NibbleDistance::new(Metric::L2, 0).unwrap_err(), KernelError::Empty);
    assert!(matches!(NibbleDistance::new(Metric::L2, usize::MAX).unwrap_err(), KernelError::TooLong { .. }));
    let handle = NibbleDistance::new(Metric::L2, 9).unwrap();
    let wrong_dim = KernelError::Dimension { expected: 9, found: 8, row: 0 };
    let wrong_row = KernelError::Length { expected: 5, found: 4, row: 0 };
    let mut query = NibbleQuery::default();
    assert_eq!(handle.pack(&[0; 8], &mut [0; 5]).unwrap_err(), wrong_dim);
    assert_eq!(handle.pack(&[0; 9], &mut [0; 4]).unwrap_err(), wrong_row);
    assert_eq!(handle.prepare(&[0; 8], &mut query).unwrap_err(), wrong_dim);
    assert!(handle.pair(&query, &[0; 5]).is_err(), "a query that was never prepared");
    handle.prepare(&[0; 9], &mut query).unwrap();
    assert_eq!(handle.pair(&query, &[0; 4]).unwrap_err(), wrong_row);
    let bytes = [0; 20];
    let table = RowTable::new(vec![&bytes], 5).unwrap();
    let mut out = [7.0; 2];
    assert_eq!(
        handle.picked(&query, &table, &[0], &mut out).unwrap_err(),
        KernelError::Output { expected: 1, found: 2 }
    );
    assert!(matches!(handle.picked(&query, &table, &[3, 4], &mut out).unwrap_err(), KernelError::Row { .. }));
    let narrow = RowTable::new(vec![&bytes], 4).unwrap();
    assert!(matches!(handle.picked(&query, &narrow, &[0, 1], &mut out).unwrap_err(), KernelError::Stride { .. }));
    assert_eq!(out, [7.0; 2], "a refused call writes nothing");
}
