//! Every kernel under criterion: `cargo bench -p omendb-benches --bench kernels -- FILTER`. A
//! benchmark is named `place/types/metric/dim/shape`, and one iteration is 32 distances (of `between`, 10,000).
//! The run `--bin kernels` compares all of these but `between` with the machine's limit and with peers.
#![forbid(unsafe_code)]

#[path = "../src/bin/kernels/rows.rs"]
#[allow(dead_code, reason = "the run uses the rest")]
mod rows;

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use omendb_kernels::{CodeBits, CodeDistance, Distance, Hamming, Metric, RowTable, bf16, f16};
use rows::{Parts, Place, Rows, Sample};
use std::hint::black_box;

const DIMS: [usize; 6] = [100, 128, 384, 768, 960, 1536];
const GROUP: usize = 32;

fn cells<Q: Sample, R: Sample>(criterion: &mut Criterion, place: Place) {
    for dim in DIMS {
        let rows = Rows::<R>::new(place, dim, 1);
        let query = Rows::<Q>::new(Place::L1, dim, 2);
        for metric in Metric::ALL {
            let handle = Distance::<Q, R>::new(metric, dim).expect("a kernel of these types");
            let types = format!("{}x{}", Q::KIND, R::KIND);
            let mut group = criterion.benchmark_group(format!("{}/{types}/{metric}/{dim}", place.name()));
            group.throughput(Throughput::Bytes((GROUP * dim * size_of::<R>()) as u64));
            shapes(&mut group, place, &handle, query.row(0), &rows);
            group.finish();
        }
    }
}

fn shapes<Q: Sample, R: Sample>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    place: Place,
    handle: &Distance<Q, R>,
    query: &[Q],
    rows: &Rows<R>,
) {
    let bytes = handle.bytes();
    let q_bytes: &[u8] = bytemuck::cast_slice(query);
    let mut out = [0.0; GROUP];
    let order = rows.order(rows.len().next_multiple_of(GROUP).min(1 << 19));
    let list = rows.list(&order);
    let views: Vec<&[u8]> = list.iter().map(|row| bytemuck::cast_slice(row)).collect();
    let numbers: Vec<u32> = order.iter().map(|&row| row as u32).collect();
    let (flat, stride) = rows.flat();
    let (flat, stride) = (bytemuck::cast_slice::<R, u8>(flat), stride * size_of::<R>());
    let table = RowTable::new(vec![flat], stride).expect("whole rows");
    let mut parts = Parts::new(&list, GROUP);
    group.bench_function("pair", |b| {
        b.iter(|| parts.next().iter().map(|row| handle.pair(query, row).unwrap_or(0.0)).sum::<f32>());
    });
    let mut parts = Parts::new(&views, GROUP);
    group.bench_function("gathered", |b| {
        b.iter(|| bytes.gathered_near(q_bytes, black_box(parts.next()), &mut out));
    });
    let mut parts = Parts::new(&views, GROUP);
    group.bench_function("ahead", |b| b.iter(|| bytes.gathered(q_bytes, black_box(parts.next()), &mut out)));
    let mut parts = Parts::new(&numbers, GROUP);
    group.bench_function("picked", |b| b.iter(|| bytes.picked(q_bytes, &table, black_box(parts.next()), &mut out)));
    if place != Place::Dram {
        let mut out = vec![0.0; GROUP.min(rows.len())];
        group.bench_function("scan", |b| b.iter(|| bytes.scan(q_bytes, black_box(flat), stride, &mut out)));
    }
}

fn codes(criterion: &mut Criterion) {
    for dim in DIMS {
        let rows = Rows::<f32>::new(Place::L1, dim, 1);
        for bits in CodeBits::ALL {
            for metric in Metric::ALL {
                let handle = CodeDistance::new(metric, bits, dim).expect("a kernel of codes");
                let (query, stride) = (handle.query(rows.row(0)).expect("of the dimension"), handle.row_bytes());
                let mut memory = vec![0; GROUP * stride];
                for (i, codes) in memory.chunks_exact_mut(stride).enumerate() {
                    handle.encode(rows.row(i % rows.len()), codes).expect("a row of the dimension");
                }
                let views: Vec<&[u8]> = memory.chunks_exact(stride).collect();
                let mut out = [0.0; GROUP];
                let mut group = criterion.benchmark_group(format!("L1/f32xcode{}/{metric}/{dim}", bits.bits()));
                group.throughput(Throughput::Bytes(memory.len() as u64));
                group.bench_function("ahead", |b| b.iter(|| handle.gathered(&query, black_box(&views), &mut out)));
                group.bench_function("scan", |b| b.iter(|| handle.scan(&query, black_box(&memory), stride, &mut out)));
                group.finish();
            }
        }
        let bits = Rows::<u8>::new(Place::L1, dim.div_ceil(8), 3);
        let hamming = Hamming::new(dim).expect("a kernel of bits");
        let views: Vec<&[u8]> = (0..GROUP).map(|i| bits.row(i % bits.len())).collect();
        let mut out = [0.0; GROUP];
        let mut group = criterion.benchmark_group(format!("L1/bits/hamming/{dim}"));
        group.throughput(Throughput::Bytes((GROUP * dim.div_ceil(8)) as u64));
        group.bench_function("ahead", |b| b.iter(|| hamming.gathered(views[0], black_box(&views), &mut out)));
        group.finish();
    }
}

/// A hundred rows from a hundred others: an iteration is ten thousand distances.
fn betweens<T: Sample>(criterion: &mut Criterion) {
    for dim in DIMS {
        let rows = Rows::<T>::new(Place::L2, dim, 1);
        let contiguous: Vec<T> = (0..200).flat_map(|i| rows.row(i % rows.len()).to_vec()).collect();
        let table = RowTable::new(vec![bytemuck::cast_slice(&contiguous)], dim * size_of::<T>()).expect("whole rows");
        let (queries, rows): (Vec<u32>, Vec<u32>) = ((0..100).collect(), (100..200).collect());
        for metric in Metric::ALL {
            let handle = Distance::<T>::new(metric, dim).expect("a kernel of this type");
            let (mut scratch, mut out) = (Vec::new(), vec![0.0; 100 * 100]);
            let mut group = criterion.benchmark_group(format!("L2/{0}x{0}/{metric}/{dim}", T::KIND));
            group.throughput(Throughput::Elements(100 * 100));
            group.bench_function("between", |b| {
                b.iter(|| handle.bytes().between(&table, &queries, black_box(&rows), &mut scratch, &mut out));
            });
            group.finish();
        }
    }
}

fn kernels(criterion: &mut Criterion) {
    for place in Place::ALL {
        cells::<f32, f32>(criterion, place);
        cells::<f16, f16>(criterion, place);
        cells::<bf16, bf16>(criterion, place);
        cells::<u8, u8>(criterion, place);
        cells::<i8, i8>(criterion, place);
        cells::<f32, f16>(criterion, place);
        cells::<f32, bf16>(criterion, place);
        cells::<f32, u8>(criterion, place);
        cells::<f32, i8>(criterion, place);
    }
    codes(criterion);
    betweens::<f32>(criterion);
    betweens::<f16>(criterion);
    betweens::<bf16>(criterion);
    betweens::<u8>(criterion);
    betweens::<i8>(criterion);
}

criterion_group! {
    name = all;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(std::time::Duration::from_millis(100))
        .measurement_time(std::time::Duration::from_millis(300));
    targets = kernels
}
criterion_main!(all);
