//! Other libraries' kernels, through their own safe interfaces.

use super::{Cell, Peers, Receiver};
use crate::cell::worst;
use crate::clock::Contender;
use crate::rows::Rows;
use diskann_vector::distance::{DistanceProvider, Metric as DiskannMetric};
use numkong::{Angular, Dot, Euclidean};
use omendb_kernels::{Element, Metric, bf16, f16, oracle};
use simsimd::SpatialSimilarity;

/// A kernel of one query to one row, timed over the rows and held to the oracle.
fn contender<'a, Q: Element, R: Element, U: Copy, V: Copy>(
    name: &'static str,
    exact: (Metric, &Rows<Q>, &Rows<R>),
    order: &[usize],
    (query, rows): (&'a Rows<U>, &'a Rows<V>),
    kernel: impl Fn(&[U], &[V]) -> f32 + 'a,
) -> (Contender<'a>, f64) {
    let (metric, exact_query, exact_rows) = exact;
    let q = query.row(0);
    let error = worst(order.iter().take(64).map(|&i| {
        let exact = oracle::exact(metric, exact_query.row(0), exact_rows.row(i));
        (f64::from(kernel(q, rows.row(i))) - exact.distance).abs() / exact.scale
    }));
    let list = rows.list(order);
    let run = move || list.iter().map(|row| kernel(q, row)).sum();
    (Contender::new(name, order.len(), run), error)
}

/// The one library with distances between f32 and f16.
fn of_halves<'a>(
    metric: Metric,
    dim: usize,
    query: &'a Rows<f32>,
    rows: &'a Rows<f16>,
    order: &[usize],
) -> Vec<(Contender<'a>, f64)> {
    if is_too_much(rows, dim) {
        return Vec::new();
    }
    let known = <f32 as DistanceProvider<f16>>::distance_comparer(diskann_metric(metric), Some(dim));
    vec![contender("diskann", (metric, query, rows), order, (query, rows), move |q, x| known.call(q, x))]
}

/// A gigabyte each would be too much: in memory, ours alone.
fn is_too_much<T: Copy>(rows: &Rows<T>, dim: usize) -> bool {
    rows.len() > 1 << 17 || size_of::<T>() * dim * rows.len() > 1 << 24
}

fn diskann_metric(metric: Metric) -> DiskannMetric {
    match metric {
        Metric::L2 => DiskannMetric::L2,
        Metric::InnerProduct => DiskannMetric::InnerProduct,
        Metric::Cosine => DiskannMetric::Cosine,
    }
}

/// The contenders that call a library's functions by metric: dispatched outside the loop.
macro_rules! by_metric {
    ($name:literal, $list:ident, $exact:expr, $order:expr, $rows:expr, $type:ty,
     $l2:expr, $dot:expr, $cosine:expr) => {
        $list.push(match $exact.0 {
            Metric::L2 => contender($name, $exact, $order, $rows, $l2),
            Metric::InnerProduct => contender($name, $exact, $order, $rows, $dot),
            Metric::Cosine => contender($name, $exact, $order, $rows, $cosine),
        })
    };
}

macro_rules! peers {
    ($($type:ty: $(simsimd $simsimd:ty, $to_simsimd:expr,)? numkong $numkong:ty, $to_numkong:expr
        $(, diskann $diskann:ty)? $(, of_f32 $f32:path)?;)*) => {$(
        impl Peers for $type {
            fn with_peers(
                metric: Metric,
                dim: usize,
                query: &Rows<Self>,
                rows: &Rows<Self>,
                order: &[usize],
                then: Receiver<'_, '_>,
            ) -> Result<Cell, String> {
                if is_too_much(rows, dim) {
                    return then(Vec::new());
                }
                let exact = (metric, query, rows);
                let numkong = (query.map($to_numkong), rows.map($to_numkong));
                $(let simsimd = (query.map($to_simsimd), rows.map($to_simsimd));)?
                let mut list = Vec::new();
                $(by_metric!(
                    "simsimd", list, exact, order, (&simsimd.0, &simsimd.1), $simsimd,
                    |q: &[$simsimd], x: &[$simsimd]| {
                        <$simsimd>::l2sq(q, x).map_or(f32::NAN, |d| d as f32)
                    },
                    |q: &[$simsimd], x: &[$simsimd]| {
                        SpatialSimilarity::dot(q, x).map_or(f32::NAN, |d| -d as f32)
                    },
                    |q: &[$simsimd], x: &[$simsimd]| {
                        SpatialSimilarity::cos(q, x).map_or(f32::NAN, |d| d as f32)
                    }
                );)?
                by_metric!(
                    "numkong", list, exact, order, (&numkong.0, &numkong.1), $numkong,
                    |q: &[$numkong], x: &[$numkong]| {
                        <$numkong as Euclidean>::sqeuclidean(q, x).map_or(f32::NAN, |d| d as f32)
                    },
                    |q: &[$numkong], x: &[$numkong]| {
                        <$numkong as Dot>::dot(q, x).map_or(f32::NAN, |d| -(d as f32))
                    },
                    |q: &[$numkong], x: &[$numkong]| {
                        <$numkong as Angular>::angular(q, x).map_or(f32::NAN, |d| d as f32)
                    }
                );
                $(
                    let ours = (query, rows);
                    let known = <$diskann>::distance_comparer(diskann_metric(metric), Some(dim));
                    list.push(contender("diskann", exact, order, ours, move |q, x| known.call(q, x)));
                )?
                then(list)
            }

            $(
                fn for_f32<'a>(
                    metric: Metric,
                    dim: usize,
                    query: &'a Rows<f32>,
                    rows: &'a Rows<Self>,
                    order: &[usize],
                ) -> Vec<(Contender<'a>, f64)> {
                    $f32(metric, dim, query, rows, order)
                }
            )?
        }
    )*};
}

peers! {
    f32: simsimd f32, |x| x, numkong f32, |x| x, diskann f32;
    f16: simsimd simsimd::f16, |x: f16| simsimd::f16(x.to_bits()),
        numkong numkong::f16, |x: f16| numkong::f16(x.to_bits()), diskann f16, of_f32 of_halves;
    bf16: simsimd simsimd::bf16, |x: bf16| simsimd::bf16(x.to_bits()),
        numkong numkong::bf16, |x: bf16| numkong::bf16(x.to_bits());
    u8: numkong u8, |x| x, diskann u8;
    i8: simsimd i8, |x| x, numkong i8, |x| x, diskann i8;
}
