//! Every kernel under criterion: `cargo bench -p omendb-benches --bench kernels -- FILTER`. A
//! benchmark is named `place/types/metric/dim/shape`, and one iteration is 32 distances.
//! The run `--bin kernels` compares the same cells with the machine's limit and with peers.
#![forbid(unsafe_code)]

#[path = "../src/bin/kernels/rows.rs"]
#[allow(dead_code, reason = "the run uses the rest")]
mod rows;

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use omendb_kernels::{CodeBits, CodeDistance, Distance, Hamming, Metric, bf16, f16};
use rows::{Place, Rows, Sample};
use std::hint::black_box;

const DIMS: [usize; 6] = [100, 128, 384, 768, 960, 1536];
const GROUP: usize = 32;

/// Visits the rows of a place in random order, a group an iteration.
struct Visits {
    order: Vec<usize>,
    next: usize,
}

impl Visits {
    fn new<T: Sample>(rows: &Rows<T>) -> Self {
        Self { order: rows.order(rows.len().next_multiple_of(GROUP).min(1 << 16)), next: 0 }
    }

    fn group(&mut self) -> &[usize] {
        let start = self.next;
        self.next = (start + GROUP) % self.order.len();
        &self.order[start..start + GROUP]
    }
}

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
    let mut visits = Visits::new(rows);
    group.bench_function("pair", |b| {
        b.iter(|| visits.group().iter().map(|&i| handle.pair(query, rows.row(i)).unwrap_or(0.0)).sum::<f32>());
    });
    let mut visits = Visits::new(rows);
    let mut views: Vec<&[u8]> = Vec::with_capacity(GROUP);
    group.bench_function("gathered", |b| {
        b.iter(|| {
            views.clear();
            views.extend(visits.group().iter().map(|&i| bytemuck::cast_slice::<R, u8>(rows.row(i))));
            bytes.gathered_near(q_bytes, black_box(&views), &mut out)
        });
    });
    let mut visits = Visits::new(rows);
    let mut views: Vec<&[u8]> = Vec::with_capacity(GROUP);
    group.bench_function("ahead", |b| {
        b.iter(|| {
            views.clear();
            views.extend(visits.group().iter().map(|&i| bytemuck::cast_slice::<R, u8>(rows.row(i))));
            bytes.gathered(q_bytes, black_box(&views), &mut out)
        });
    });
    if place != Place::Dram {
        let (flat, stride) = rows.flat();
        let stride = stride * size_of::<R>();
        let flat: &[u8] = bytemuck::cast_slice(flat);
        let mut out = vec![0.0; GROUP.min(rows.len())];
        group.bench_function("scan", |b| b.iter(|| bytes.scan(q_bytes, black_box(flat), stride, &mut out)));
    }
}

fn codes(criterion: &mut Criterion) {
    for dim in DIMS {
        let rows = Rows::<f32>::new(Place::L1, dim, 1);
        for bits in CodeBits::ALL {
            let handle = CodeDistance::new(Metric::L2, bits, dim).expect("a kernel of codes");
            let query = handle.query(rows.row(0)).expect("a query of the dimension");
            let mut memory = vec![0; GROUP * handle.row_bytes()];
            for (i, codes) in memory.chunks_exact_mut(handle.row_bytes()).enumerate() {
                handle.encode(rows.row(i % rows.len()), codes).expect("a row of the dimension");
            }
            let views: Vec<&[u8]> = memory.chunks_exact(handle.row_bytes()).collect();
            let mut out = [0.0; GROUP];
            let mut group = criterion.benchmark_group(format!("L1/f32xcodes{}/l2/{dim}", bits.bits()));
            group.throughput(Throughput::Bytes(memory.len() as u64));
            group.bench_function("gathered", |b| b.iter(|| handle.gathered(&query, black_box(&views), &mut out)));
            group.finish();
        }
        let bits = Rows::<u8>::new(Place::L1, dim.div_ceil(8), 3);
        let hamming = Hamming::new(dim).expect("a kernel of bits");
        let views: Vec<&[u8]> = (0..GROUP).map(|i| bits.row(i % bits.len())).collect();
        let mut out = [0.0; GROUP];
        let mut group = criterion.benchmark_group(format!("L1/bits/hamming/{dim}"));
        group.throughput(Throughput::Bytes((GROUP * dim.div_ceil(8)) as u64));
        group.bench_function("gathered", |b| b.iter(|| hamming.gathered(views[0], black_box(&views), &mut out)));
        group.finish();
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
