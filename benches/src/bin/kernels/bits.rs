//! The cells of Hamming distances: packed bits on both sides. A dimension is a bit; the limit
//! is that of loading them.

use crate::cell::{Cell, GROUP, Settings, order, worst};
use crate::clock::Contender;
use crate::rows::{Place, Rows};
use omendb_kernels::Hamming;
use std::hint::black_box;

pub(crate) fn measure(settings: &Settings, place: Place, dim: usize) -> Result<Cell, String> {
    let refused = |e: omendb_kernels::KernelError| e.to_string();
    let hamming = Hamming::with_isa(dim, settings.isa).map_err(refused)?;
    let row_bytes = hamming.row_bytes();
    let (rows, query) = (Rows::<u8>::new(place, row_bytes, 1), Rows::<u8>::new(Place::L1, row_bytes, 2));
    let order = order(place, &rows);
    // Eight bits are one byte of the same bits.
    #[cfg(feature = "peers")]
    let numkong = (query.map(numkong::u1x8), rows.map(numkong::u1x8));
    let (list, query, visits) = (rows.list(&order), query.row(0), order.len());
    let (list, mut out) = (list.as_slice(), [0.0; GROUP]);
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
    #[cfg_attr(not(feature = "peers"), expect(unused_mut, reason = "peers come after ours"))]
    let mut contenders = vec![
        Contender::new("load", visits, || omendb_kernels::limits::load(settings.isa, list).unwrap_or(0.0)),
        Contender::new("pair", visits, || list.iter().map(|row| pair(query, row)).sum()),
        Contender::new("ahead", visits, || {
            for group in list.chunks_exact(GROUP) {
                black_box(hamming.gathered(query, group, &mut out)).ok();
            }
            out[0]
        }),
    ];
    let mut gathered = vec![0.0; list.len().min(64)];
    hamming.gathered(query, &list[..gathered.len()], &mut gathered).map_err(refused)?;
    errors.extend([error(&pair), error_of(&gathered)]);
    #[cfg(feature = "peers")]
    {
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
