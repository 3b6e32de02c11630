//! Distances of some rows from some others, against `f64` and against a query's.

mod rows;

use omendb_kernels::{ElementKind, Isa, KernelError, Metric, RowDistance, RowTable, bf16, f16, oracle};
use rows::{Numbers, Random, Row, Sample};

const UNIT: f64 = 1.0 / (1 << 24) as f64;

/// Rows of every number up to two tiles and a part of one, of lengths with and without a part of a vector.
fn sizes() -> impl Iterator<Item = (usize, usize)> {
    let dims = [1, 3, 16, 31, 64, 100, 129, 384, 1000];
    dims.into_iter().flat_map(|dim| (0..=10).chain([33]).map(move |n| (dim, n)))
}

fn cells() -> impl Iterator<Item = (Metric, Isa)> {
    Metric::ALL.into_iter().flat_map(|metric| Isa::available().into_iter().map(move |isa| (metric, isa)))
}

/// Numbers of queries, and of rows.
type Lists = (Vec<u32>, Vec<u32>);

/// Sixteen rows, and the numbers of `n` of them, some twice, as rows and as queries: the same, and others.
fn rows<T: Sample>(random: &mut Random, numbers: Numbers, dim: usize, n: usize) -> (Row<T>, [Lists; 2]) {
    let all = Row::<T>::new(random, numbers, 16 * dim, 0);
    let named = |n: usize, step: u32| (0..n as u32).map(|i| (i * step + 3) % 16).collect();
    (all, [(named(n, 5), named(n, 5)), (named((n * 7 + 2) % 10, 3), named(n, 5))])
}

fn is_right<T: Sample>(largest: f64) {
    let mut random = Random(21);
    let mut scratch = Vec::new();
    for (dim, n) in sizes() {
        let (all, lists) = rows::<T>(&mut random, Numbers::Usual, dim, n);
        let row = |i: u32| &all.slice()[i as usize * dim..][..dim];
        let bytes: &[u8] = bytemuck::cast_slice(all.slice());
        let table = RowTable::new(vec![bytes], dim * size_of::<T>()).unwrap();
        for (metric, isa) in cells() {
            let handle = RowDistance::with_isa(metric, ElementKind::F32, T::KIND, dim, isa).unwrap();
            for (queries, rows) in &lists {
                let mut out = vec![f32::NAN; queries.len() * n];
                handle.between(&table, queries, rows, &mut scratch, &mut out).unwrap();
                for (place, &got) in out.iter().enumerate() {
                    let (a, b) = (row(queries[place / n]), row(rows[place % n]));
                    let exact = oracle::distance(metric, a, b);
                    let norm = |row: &[T]| row.iter().map(|x| x.to_f64().powi(2)).sum::<f64>().sqrt();
                    // Squared L2 is Σ a² − 2 Σ a·b + Σ b² of numbers that are twice as large, less the first row's.
                    let terms = dim as f64 * largest.powi(2);
                    let scale = match metric {
                        Metric::L2 => 16.0 * terms,
                        Metric::InnerProduct => terms,
                        Metric::Cosine => 1.0 + terms / (norm(a) * norm(b)).max(1e-30),
                    };
                    let allowed = (dim as f64 / 4.0 + 16.0) * UNIT * scale;
                    let near = (f64::from(got) - exact).abs() <= allowed;
                    assert!(near, "{metric} {} {dim} {isa}, {place} of {n} rows: {got} for {exact}", T::KIND);
                }
            }
        }
    }
}

#[test]
fn floats_are_right() {
    is_right::<f32>(1.0);
    is_right::<f16>(1.0);
    is_right::<bf16>(1.0);
}

/// Every addition rounds upward: as bad as a matrix product gets, which has one accumulator for each result.
#[test]
fn products_of_the_worst_rows_are_as_good_as_it_says() {
    let dim = 384;
    let mut rows = vec![2f32.powi(-24) + 2f32.powi(-30); 16 * dim];
    rows.chunks_mut(dim).for_each(|row| row[0] = 1.0);
    let exact = rows[..dim].iter().map(|&x| f64::from(x)).sum::<f64>();
    rows.resize(33 * dim, 1.0);
    let table = RowTable::new(vec![bytemuck::cast_slice(&rows)], 4 * dim).unwrap();
    let (rows, queries): (Vec<u32>, Vec<u32>) = ((0..16).collect(), (16..33).collect());
    for isa in Isa::available() {
        let handle = RowDistance::with_isa(Metric::InnerProduct, ElementKind::F32, ElementKind::F32, dim, isa).unwrap();
        let mut out = vec![f32::NAN; 17 * 16];
        handle.between(&table, &queries, &rows, &mut Vec::new(), &mut out).unwrap();
        for got in out {
            assert!((-f64::from(got) - exact).abs() <= (dim + 12) as f64 * UNIT * exact, "{isa}: {got} for {exact}");
        }
    }
}

#[test]
fn bytes_are_right() {
    is_right::<u8>(255.0);
    is_right::<i8>(128.0);
}

fn is_what_a_query_finds<T: Sample>() {
    let mut random = Random(22);
    for (dim, n) in sizes() {
        for numbers in [Numbers::Usual, Numbers::Huge] {
            let (all, lists) = rows::<T>(&mut random, numbers, dim, n);
            let bytes: &[u8] = bytemuck::cast_slice(all.slice());
            let table = RowTable::new(vec![bytes], dim).unwrap();
            for (metric, isa) in cells() {
                let handle = RowDistance::with_isa(metric, T::KIND, T::KIND, dim, isa).unwrap();
                for (queries, rows) in &lists {
                    let (mut out, mut line) = (vec![0.0; queries.len() * n], vec![0.0; n]);
                    handle.between(&table, queries, rows, &mut Vec::new(), &mut out).unwrap();
                    for (&query, out) in queries.iter().zip(out.chunks(n.max(1))) {
                        handle.picked(&bytes[query as usize * dim..][..dim], &table, rows, &mut line).unwrap();
                        assert_eq!(out, line, "{metric} {} {dim} {isa} {numbers:?}", T::KIND);
                    }
                }
            }
        }
    }
}

#[test]
fn of_bytes_they_are_what_a_query_finds() {
    is_what_a_query_finds::<u8>();
    is_what_a_query_finds::<i8>();
}

#[test]
fn rows_far_from_the_origin_are_told_apart() {
    // At a million, squares of an f32 are known to 65,536; the distances are 0 to 100.
    let dim = 40;
    let values: Vec<f32> = (0..8 * dim).map(|i| 1e6 + (i / dim * i % 3) as f32).collect();
    let table = RowTable::new(vec![bytemuck::cast_slice(&values)], 4 * dim).unwrap();
    let named: Vec<u32> = (0..8).collect();
    for isa in Isa::available() {
        let handle = RowDistance::with_isa(Metric::L2, ElementKind::F32, ElementKind::F32, dim, isa).unwrap();
        let mut out = [0.0; 64];
        handle.between(&table, &named, &named, &mut Vec::new(), &mut out).unwrap();
        for (place, got) in out.into_iter().enumerate() {
            let row = |i: usize| &values[i * dim..][..dim];
            assert_eq!(f64::from(got), oracle::distance(Metric::L2, row(place / 8), row(place % 8)), "{isa} {place}");
        }
    }
}

#[test]
fn a_first_row_far_from_all_others_does_not_blur_them() {
    let (dim, n) = (16, 20);
    let mut random = Random(23);
    let row = Row::<f32>::new(&mut random, Numbers::Usual, n * dim, 0);
    let mut values = row.slice().to_vec();
    values[..dim].fill(1e8);
    let table = RowTable::new(vec![bytemuck::cast_slice(&values)], 4 * dim).unwrap();
    let named: Vec<u32> = (0..n as u32).collect();
    for isa in Isa::available() {
        let handle = RowDistance::with_isa(Metric::L2, ElementKind::F32, ElementKind::F32, dim, isa).unwrap();
        let mut out = vec![0.0; n * n];
        handle.between(&table, &named, &named, &mut Vec::new(), &mut out).unwrap();
        for (place, got) in out.into_iter().enumerate() {
            let row = |i: usize| &values[i * dim..][..dim];
            let exact = oracle::distance(Metric::L2, row(place / n), row(place % n));
            // What is not measured anew is a thousandth of the squares at least, whose errors are 2⁻²⁴ of them.
            assert!((f64::from(got) - exact).abs() <= exact / 4096.0, "{isa} {place}: {got} for {exact}");
        }
    }
}

#[test]
fn squares_beyond_f32_do_not_hide_a_distance_that_is_not() {
    // Less the first row, the others' squares are infinite, and their differences are not.
    let values = [0.0_f32, 3e19, 3e19, f32::NAN];
    let table = RowTable::new(vec![bytemuck::cast_slice(&values)], 4).unwrap();
    for isa in Isa::available() {
        let handle = RowDistance::with_isa(Metric::L2, ElementKind::F32, ElementKind::F32, 1, isa).unwrap();
        let mut out = [0.0; 16];
        handle.between(&table, &[0, 1, 2, 3], &[0, 1, 2, 3], &mut Vec::new(), &mut out).unwrap();
        assert_eq!((out[1], out[6], out[9]), (f32::INFINITY, 0.0, 0.0), "{isa}: {out:?}");
        assert!(out[3].is_nan() && out[13].is_nan(), "{isa}: {out:?}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let line = [0u64; 8];
    let bytes: &[u8] = bytemuck::cast_slice(&line);
    let handle = RowDistance::new(Metric::L2, ElementKind::F32, ElementKind::F32, 4).unwrap();
    let ask = |table: &RowTable<'_>, rows: &[u32], room: usize| {
        let mut out = vec![7.0; room];
        let error = handle.between(table, rows, rows, &mut Vec::new(), &mut out).unwrap_err();
        assert_eq!(out, vec![7.0; room], "nothing is written");
        error
    };
    let table = RowTable::new(vec![bytes], 16).unwrap();
    assert_eq!(ask(&table, &[0, 1], 3), KernelError::Output { expected: 4, found: 3 });
    assert_eq!(ask(&table, &[0, 4], 4), KernelError::Row { found: 4, rows: 4 });
    let short = RowTable::new(vec![bytes], 8).unwrap();
    assert_eq!(ask(&short, &[0], 1), KernelError::Stride { stride: 8, row_bytes: 16 });
    let misaligned = RowTable::new(vec![&bytes[1..33]], 16).unwrap();
    let address = bytes[1..].as_ptr().addr();
    assert_eq!(ask(&misaligned, &[0], 1), KernelError::Misaligned { required: 4, address });
}
