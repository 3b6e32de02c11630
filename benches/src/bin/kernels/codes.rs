//! The cells of packed codes: f32 against rows of 8, 4 or 1 bits an element, one line per width.

use crate::cell::{Cell, GROUP, Settings, multiply_ns, order, worst};
use crate::clock::Contender;
#[cfg(feature = "peers")]
use crate::minmax;
use crate::rows::{Parts, Place, Rows};
use omendb_kernels::{CodeBits, CodeDistance, ElementKind, KernelError, Metric, RowTable, limits, oracle};
use std::hint::black_box;

pub(crate) fn measure(
    settings: &Settings,
    place: Place,
    metric: Metric,
    bits: CodeBits,
    dim: usize,
) -> Result<Cell, String> {
    let refused = |e: KernelError| e.to_string();
    let handle = CodeDistance::with_isa(metric, bits, dim, settings.isa).map_err(refused)?;
    let mut rows = Rows::<u8>::new(place, handle.row_bytes(), 1);
    let numbers = Rows::<f32>::new(Place::L2, dim, 3);
    let mut codes = vec![vec![0; handle.row_bytes()]; numbers.len()];
    for (i, codes) in codes.iter_mut().enumerate() {
        handle.encode(numbers.row(i), codes).map_err(refused)?;
    }
    (0..rows.len()).for_each(|i| rows.row_mut(i).copy_from_slice(&codes[i % codes.len()]));
    let (order, visits) = order(place, &rows);
    let query = Rows::beside(numbers.row(order[0] % numbers.len()), 2);
    let (values, query) = (query.row(0), handle.query(query.row(0)).map_err(refused)?);
    let (list, (flat, stride)) = (rows.list(&order), rows.flat());
    let (list, numbers) = (list.as_slice(), order.iter().map(|&row| row as u32).collect::<Vec<_>>());
    let table = RowTable::new(vec![flat], stride).map_err(refused)?;
    let (mut near, mut named, mut scanned) = ([0.0; GROUP], [0.0; GROUP], vec![0.0; rows.len()]);

    let error_of = |got: &[f32], list: &[&[u8]]| -> Result<Option<f64>, String> {
        let mut errors = Vec::new();
        for (&got, codes) in got.iter().zip(list) {
            let exact = oracle::exact(metric, values, &handle.decode(codes).map_err(refused)?);
            errors.push((f64::from(got) - exact.distance).abs() / exact.scale);
        }
        Ok(Some(worst(errors.into_iter())))
    };
    let mut got = vec![0.0; list.len().min(64)];
    for (got, codes) in got.iter_mut().zip(list) {
        *got = handle.pair(&query, codes).map_err(refused)?;
    }
    let mut errors = vec![None, error_of(&got, list)?];
    handle.gathered(&query, &list[..got.len()], &mut got).map_err(refused)?;
    errors.push(error_of(&got, list)?);
    handle.picked(&query, &table, &numbers[..got.len()], &mut got).map_err(refused)?;
    errors.push(error_of(&got, list)?);

    let (rows_of, numbers_of) = (Parts::new(list, visits), Parts::new(&numbers, visits));
    let (mut loads, mut pairs, mut aheads, mut picks) = (rows_of, rows_of, rows_of, numbers_of);
    let mut contenders = vec![
        Contender::new("load", visits, move || limits::load(settings.isa, loads.next()).unwrap_or(0.0)),
        Contender::new("pair", visits, || {
            pairs.next().iter().map(|codes| handle.pair(&query, codes).unwrap_or(0.0)).sum()
        }),
        Contender::new("ahead", visits, || {
            for group in aheads.next().chunks_exact(GROUP) {
                black_box(handle.gathered(&query, group, &mut near)).ok();
            }
            near[0]
        }),
        Contender::new("picked", visits, || {
            for group in picks.next().chunks_exact(GROUP) {
                black_box(handle.picked(&query, &table, group, &mut named)).ok();
            }
            named[0]
        }),
    ];
    if place != Place::Dram {
        handle.scan(&query, flat, stride, &mut scanned).map_err(refused)?;
        let first: Vec<&[u8]> = (0..rows.len().min(64)).map(|i| rows.row(i)).collect();
        errors.push(error_of(&scanned, &first)?);
        contenders.push(Contender::new("scan", rows.len(), || {
            black_box(handle.scan(&query, flat, stride, &mut scanned)).ok();
            scanned[0]
        }));
    }
    #[cfg(feature = "peers")]
    if place != Place::Dram {
        let (peer, got) = minmax::contender((metric, bits), values, &rows, (&order, got.len()))?;
        contenders.push(peer);
        errors.push(error_of(&got, list)?);
    }
    let (load_ns, entries) = settings.entries(place, contenders, &errors);
    Ok(Cell {
        origin: settings.origin.clone(),
        place,
        metric: metric.to_string(),
        types: format!("f32×code{}", bits.bits()),
        dim,
        row_bytes: handle.row_bytes(),
        entries,
        load_ns,
        multiply_ns: multiply_ns(settings, dim, ElementKind::U8, ElementKind::F32),
    })
}
