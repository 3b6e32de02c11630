//! The cells of Hamming distances: packed bits on both sides. A dimension is a bit; the limit
//! is that of loading them.

use crate::cell::{Cell, GROUP, Settings, order, worst};
use crate::clock::Contender;
use crate::rows::{Parts, Place, Rows};
use omendb_kernels::{Hamming, RowTable};
use std::hint::black_box;

pub(crate) fn measure(settings: &Settings, place: Place, dim: usize) -> Result<Cell, String> {
    let refused = |e: omendb_kernels::KernelError| e.to_string();
    let hamming = Hamming::with_isa(dim, settings.isa).map_err(refused)?;
    let row_bytes = hamming.row_bytes();
    let (rows, query) = (Rows::<u8>::new(place, row_bytes, 1), Rows::<u8>::new(Place::L1, row_bytes, 2));
    let (order, visits) = order(place, &rows);
    // Eight bits are one byte of the same bits. A gigabyte more would be too much: in memory, ours alone.
    #[cfg(feature = "peers")]
    let numkong = (place != Place::Dram).then(|| (query.map(numkong::u1x8), rows.map(numkong::u1x8)));
    let (list, query) = (rows.list(&order), query.row(0));
    let (list, mut near, mut named) = (list.as_slice(), [0.0; GROUP], [0.0; GROUP]);
    let (flat, stride) = rows.flat();
    let table = RowTable::new(vec![flat], stride).map_err(refused)?;
    let numbers: Vec<u32> = order.iter().map(|&row| row as u32).collect();
    let mut scanned = vec![0.0; rows.len()];
    let mut errors = vec![None];
    let error_of = |got: &[f32]| {
        let wrong = |(&got, row): (&f32, &&[u8])| {
            let bits: u32 = query.iter().zip(row.iter()).map(|(q, x)| (q ^ x).count_ones()).sum();
            (f64::from(got) - f64::from(bits)).abs() / f64::from(bits.max(1))
        };
        Some(worst(got.iter().zip(list).map(wrong)))
    };
    let error = |kernel: &dyn Fn(&[u8], &[u8]) -> f32| {
        error_of(&list.iter().take(64).map(|row| kernel(query, row)).collect::<Vec<_>>())
    };
    let pair = |q: &[u8], x: &[u8]| hamming.pair(q, x).unwrap_or(f32::NAN);
    let (rows_of, numbers_of) = (Parts::new(list, visits), Parts::new(&numbers, visits));
    let (mut loads, mut pairs, mut aheads, mut picks) = (rows_of, rows_of, rows_of, numbers_of);
    let mut got = vec![0.0; list.len().min(64)];
    hamming.gathered(query, &list[..got.len()], &mut got).map_err(refused)?;
    errors.extend([error(&pair), error_of(&got)]);
    hamming.picked(query, &table, &numbers[..got.len()], &mut got).map_err(refused)?;
    errors.push(error_of(&got));
    let mut contenders = vec![
        Contender::new("load", visits, move || omendb_kernels::limits::load(settings.isa, loads.next()).unwrap_or(0.0)),
        Contender::new("pair", visits, move || {
            // In registers, as a loop of a user's has it.
            let (hamming, query) = (hamming, query);
            pairs.next().iter().map(|row| hamming.pair(query, row).unwrap_or(f32::NAN)).sum()
        }),
        Contender::new("ahead", visits, || {
            for group in aheads.next().chunks_exact(GROUP) {
                black_box(hamming.gathered(query, group, &mut near)).ok();
            }
            near[0]
        }),
        Contender::new("picked", visits, || {
            for group in picks.next().chunks_exact(GROUP) {
                black_box(hamming.picked(query, &table, group, &mut named)).ok();
            }
            named[0]
        }),
    ];
    if place != Place::Dram {
        hamming.scan(query, flat, stride, &mut scanned).map_err(refused)?;
        let wrong = (0..rows.len().min(64)).map(|i| f64::from(scanned[i] - pair(query, rows.row(i))).abs());
        errors.push(Some(worst(wrong)));
        contenders.push(Contender::new("scan", rows.len(), || {
            black_box(hamming.scan(query, flat, stride, &mut scanned)).ok();
            scanned[0]
        }));
    }
    #[cfg(feature = "peers")]
    if let Some(numkong) = &numkong {
        use numkong::{Hamming as _, u1x8};
        let simsimd = |q: &[u8], x: &[u8]| simsimd::BinarySimilarity::hamming(q, x).map_or(f32::NAN, |d| d as f32);
        contenders.push(Contender::new("simsimd", visits, move || list.iter().map(|row| simsimd(query, row)).sum()));
        errors.push(error(&simsimd));
        let kernel = |q: &[u1x8], x: &[u1x8]| u1x8::hamming(q, x).map_or(f32::NAN, |d| d as f32);
        let (q, rows) = (numkong.0.row(0), numkong.1.list(&order));
        contenders.push(Contender::new("numkong", visits, move || rows.iter().map(|row| kernel(q, row)).sum()));
        errors.push(error(&|q, x| {
            let bits = |bytes: &[u8]| bytes.iter().map(|&byte| u1x8(byte)).collect::<Vec<_>>();
            kernel(&bits(q), &bits(x))
        }));
    }
    let (load_ns, entries) = settings.entries(place, contenders, &errors);
    Ok(Cell {
        origin: settings.origin.clone(),
        place,
        metric: "hamming".into(),
        types: "bit×bit".into(),
        dim,
        row_bytes,
        entries,
        load_ns,
        multiply_ns: 0.0,
    })
}
