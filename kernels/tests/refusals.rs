//! What the safe entry points refuse, and that they say why.

use omendb_kernels::{Distance, ElementKind, Isa, KernelError, MAX_DIM, Metric, RowDistance, RowTable, distance};

fn handle(query: ElementKind, row: ElementKind, dim: usize) -> RowDistance {
    RowDistance::with_isa(Metric::L2, query, row, dim, Isa::best()).unwrap()
}

#[test]
fn no_elements() {
    assert_eq!(Distance::<f32>::new(Metric::L2, 0).unwrap_err(), KernelError::Empty);
    let refused = RowDistance::new(Metric::Cosine, ElementKind::U8, ElementKind::U8, 0);
    assert_eq!(refused.unwrap_err(), KernelError::Empty);
}

#[test]
fn too_many_elements() {
    let found = MAX_DIM + 1;
    let refused = Distance::<u8>::new(Metric::L2, found).unwrap_err();
    assert_eq!(refused, KernelError::TooLong { found });
    assert!(Distance::<u8>::new(Metric::L2, MAX_DIM).is_ok());
}

#[test]
fn another_dimension() {
    let l2 = Distance::<f32>::new(Metric::L2, 4).unwrap();
    let expected = 4;
    let wrong = |found, row| KernelError::Dimension { expected, found, row };
    assert_eq!(l2.pair(&[0.0; 3], &[0.0; 4]).unwrap_err(), wrong(3, 0));
    assert_eq!(l2.pair(&[0.0; 4], &[0.0; 5]).unwrap_err(), wrong(5, 0));
    assert_eq!(l2.pair(&[], &[0.0; 4]).unwrap_err(), wrong(0, 0));
    let mut out = [7.0; 2];
    let refused = l2.gathered(&[0.0; 4], &[&[0.0; 4], &[]], &mut out).unwrap_err();
    assert_eq!(refused, wrong(0, 1));
    assert_eq!(out, [7.0; 2], "a refused call writes nothing");
}

#[test]
fn without_a_handle() {
    let none: [f32; 0] = [];
    assert_eq!(distance(Metric::L2, &none, &none).unwrap_err(), KernelError::Empty);
    let refused = distance(Metric::L2, &[0.0_f32; 4], &[0.0_f32; 3]).unwrap_err();
    assert_eq!(refused, KernelError::Dimension { expected: 4, found: 3, row: 0 });
    let (query, row) = (ElementKind::U8, ElementKind::F32);
    assert_eq!(distance(Metric::L2, &[0_u8], &[0.0_f32]).unwrap_err(), KernelError::Unsupported { query, row });
    assert_eq!(distance(Metric::L2, &[3.0_f32, 0.0], &[1_u8, 2]), Ok(8.0));
}

#[test]
fn another_number_of_results() {
    let l2 = Distance::<f32>::new(Metric::L2, 4).unwrap();
    let refused = l2.gathered(&[0.0; 4], &[&[0.0; 4]], &mut [0.0; 2]).unwrap_err();
    assert_eq!(refused, KernelError::Output { expected: 1, found: 2 });
    let refused = l2.scan(&[0.0; 4], &[0.0; 9], &mut [0.0; 2]).unwrap_err();
    assert_eq!(refused, KernelError::Length { expected: 32, found: 36, row: 2 });
}

#[test]
fn misaligned_bytes() {
    let memory = [0u32; 9];
    let bytes: &[u8] = bytemuck::cast_slice(&memory);
    for (kind, required) in [(ElementKind::F32, 4), (ElementKind::F16, 2), (ElementKind::Bf16, 2)] {
        let handle = handle(kind, kind, 8);
        let good = &bytes[..handle.row_bytes()];
        let bad = &bytes[1..=handle.row_bytes()];
        let address = bad.as_ptr().addr();
        let wrong = KernelError::Misaligned { required, address };
        assert_eq!(handle.pair(bad, good).unwrap_err(), wrong);
        assert_eq!(handle.pair(good, bad).unwrap_err(), wrong);
        assert_eq!(handle.gathered(good, &[good, bad], &mut [0.0; 2]).unwrap_err(), wrong);
        let stride = handle.row_bytes();
        assert_eq!(handle.scan(good, bad, stride, &mut [0.0; 1]).unwrap_err(), wrong);
        assert_eq!(handle.exact(good, bad).unwrap_err(), wrong);
    }
}

#[test]
fn bytes_that_are_no_rows() {
    let handle = handle(ElementKind::F32, ElementKind::F16, 8);
    let memory = [0u32; 64];
    let bytes: &[u8] = bytemuck::cast_slice(&memory);
    let wrong = |expected, found, row| KernelError::Length { expected, found, row };
    assert_eq!(handle.pair(&bytes[..31], &bytes[..16]).unwrap_err(), wrong(32, 31, 0));
    assert_eq!(handle.pair(&bytes[..32], &bytes[..13]).unwrap_err(), wrong(16, 13, 0));
    assert_eq!(handle.pair(&bytes[..32], &[]).unwrap_err(), wrong(16, 0, 0));
    let rows: [&[u8]; 2] = [&bytes[..16], &bytes[..18]];
    assert_eq!(handle.gathered(&bytes[..32], &rows, &mut [0.0; 2]).unwrap_err(), wrong(16, 18, 1));
    // Three rows twenty bytes apart end at 56; the last one's padding may be missing.
    let mut out = [0.0; 3];
    assert!(handle.scan(&bytes[..32], &bytes[..56], 20, &mut out).is_ok());
    assert_eq!(handle.scan(&bytes[..32], &bytes[..55], 20, &mut out).unwrap_err(), wrong(56, 55, 2));
    let refused = handle.scan(&bytes[..32], bytes, usize::MAX - 1, &mut out).unwrap_err();
    assert!(matches!(refused, KernelError::Length { .. }), "{refused}");
    for stride in [0, 14, 17] {
        let refused = handle.scan(&bytes[..32], bytes, stride, &mut out).unwrap_err();
        assert_eq!(refused, KernelError::Stride { stride, row_bytes: 16 });
    }
}

#[test]
fn tables_that_are_none() {
    let memory = [0u32; 64];
    let bytes: &[u8] = bytemuck::cast_slice(&memory);
    let of = |lengths: &[usize]| RowTable::new(lengths.iter().map(|&n| &bytes[..n]).collect(), 16);
    assert_eq!(RowTable::new(vec![bytes], 0).unwrap_err(), KernelError::Stride { stride: 0, row_bytes: 1 });
    let wrong = |piece, found| KernelError::Piece { piece, found, stride: 16 };
    assert_eq!(of(&[33]).unwrap_err(), wrong(0, 33));
    // Pieces before the last are of as many rows, a power of two; the last has no more.
    assert_eq!(of(&[48, 48]).unwrap_err(), wrong(0, 48));
    assert_eq!(of(&[0, 16]).unwrap_err(), wrong(0, 0));
    assert_eq!(of(&[32, 16, 32]).unwrap_err(), wrong(1, 16));
    assert_eq!(of(&[32, 48]).unwrap_err(), wrong(1, 48));
    assert_eq!(of(&[32, 47]).unwrap_err(), wrong(1, 47));
    for (lengths, rows) in [(&[][..], 0), (&[0], 0), (&[48], 3), (&[16, 16], 2), (&[64, 64, 16], 9)] {
        assert_eq!(of(lengths).unwrap().rows(), rows);
    }
}

#[test]
fn rows_that_a_table_does_not_have() {
    let memory = [0u32; 64];
    let bytes: &[u8] = bytemuck::cast_slice(&memory);
    let handle = handle(ElementKind::F32, ElementKind::F16, 8);
    let ask = |table: &RowTable<'_>, rows: &[u32]| {
        let mut out = [7.0; 3];
        let done = handle.picked(&bytes[..32], table, rows, &mut out[..rows.len()]);
        assert_eq!(done.is_err(), out[..rows.len()].contains(&7.0), "a refused call writes nothing");
        done
    };
    let table = RowTable::new(vec![&bytes[..64], &bytes[..16]], 16).unwrap();
    assert_eq!(ask(&table, &[4, 0, 3]), Ok(()));
    assert_eq!(ask(&table, &[4, 5, 3]), Err(KernelError::Row { found: 5, rows: 5 }));
    assert_eq!(ask(&table, &[u32::MAX]), Err(KernelError::Row { found: u32::MAX, rows: 5 }));
    let empty = RowTable::new(Vec::new(), 16).unwrap();
    assert_eq!(ask(&empty, &[0]), Err(KernelError::Row { found: 0, rows: 0 }));
    assert_eq!(handle.picked(&bytes[..32], &empty, &[], &mut []), Ok(()));
    // Where an empty piece lies does not matter.
    let ended = RowTable::new(vec![&bytes[..16], &bytes[..16], &bytes[1..1]], 16).unwrap();
    assert_eq!(ask(&ended, &[1]), Ok(()));
    let refused = handle.picked(&bytes[..32], &table, &[1], &mut [0.0; 2]).unwrap_err();
    assert_eq!(refused, KernelError::Output { expected: 1, found: 2 });
    let refused = handle.picked(&bytes[..16], &table, &[1], &mut [0.0; 1]).unwrap_err();
    assert_eq!(refused, KernelError::Length { expected: 32, found: 16, row: 0 });
    for stride in [8, 17] {
        let table = RowTable::new(vec![&bytes[..4 * stride]], stride).unwrap();
        let refused = handle.picked(&bytes[..32], &table, &[1], &mut [0.0; 1]).unwrap_err();
        assert_eq!(refused, KernelError::Stride { stride, row_bytes: 16 });
    }
    let table = RowTable::new(vec![&bytes[..32], &bytes[1..33]], 16).unwrap();
    let refused = handle.picked(&bytes[..32], &table, &[0], &mut [0.0; 1]).unwrap_err();
    assert_eq!(refused, KernelError::Misaligned { required: 2, address: bytes[1..].as_ptr().addr() });
}

#[test]
fn types_without_a_kernel() {
    let (query, row) = (ElementKind::U8, ElementKind::F32);
    let refused = RowDistance::new(Metric::L2, query, row, 8).unwrap_err();
    assert_eq!(refused, KernelError::Unsupported { query, row });
}

#[test]
fn an_instruction_set_this_machine_lacks() {
    let missing = Isa::ALL.into_iter().find(|isa| !isa.is_available());
    // No machine is both of the x86-64 and of the AArch64 family.
    let isa = missing.expect("every machine lacks another family's instruction sets");
    let refused = Distance::<f32>::with_isa(Metric::L2, 8, isa).unwrap_err();
    assert!(matches!(refused, KernelError::MissingIsa { isa: named, .. } if named == isa));
    assert!(refused.to_string().contains("portable"), "{refused}");
}

#[test]
fn names_that_mean_nothing() {
    assert!(matches!("avx1024".parse::<Isa>(), Err(KernelError::UnknownIsa { .. })));
    assert!(matches!("manhattan".parse::<Metric>(), Err(KernelError::UnknownName { .. })));
    assert!(matches!("f64".parse::<ElementKind>(), Err(KernelError::UnknownName { .. })));
    for isa in Isa::ALL {
        assert_eq!(isa.name().parse::<Isa>().unwrap(), isa);
    }
}

#[test]
fn numbers_that_cannot_be_read() {
    let memory = [0u32; 4];
    let bytes: &[u8] = bytemuck::cast_slice(&memory);
    for kind in ElementKind::ALL {
        let mut out = [7.0; 3];
        let refused = kind.read(&bytes[..2 * kind.size()], &mut out).unwrap_err();
        assert_eq!(refused, KernelError::Length { expected: 3 * kind.size(), found: 2 * kind.size(), row: 0 });
        if kind.size() > 1 {
            let bad = &bytes[1..=3 * kind.size()];
            let (required, address) = (kind.size(), bad.as_ptr().addr());
            assert_eq!(kind.read(bad, &mut out).unwrap_err(), KernelError::Misaligned { required, address });
        }
        assert_eq!(out, [7.0; 3], "a refused call writes nothing");
        assert_eq!(kind.read(&bytes[..3 * kind.size()], &mut out), Ok(()));
        assert_eq!(out, [0.0; 3]);
        assert_eq!(kind.read(&[], &mut []), Ok(()), "bytes that are none lie anywhere");
    }
}
