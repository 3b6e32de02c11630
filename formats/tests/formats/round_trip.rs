//! What is written is read back, for any rows.

use omendb_formats::{FormatError, Ids, NumberKind, RowId, VectorFile, VectorWriter};
use proptest::prelude::*;

const NAMES: [(&str, NumberKind); 15] = [
    ("r.fvecs", NumberKind::F32),
    ("r.bvecs", NumberKind::U8),
    ("r.ivecs", NumberKind::I32),
    ("r.fbin", NumberKind::F32),
    ("r.f16bin", NumberKind::F16),
    ("r.bf16bin", NumberKind::Bf16),
    ("r.u8bin", NumberKind::U8),
    ("r.i8bin", NumberKind::I8),
    ("r.ibin", NumberKind::I32),
    ("f8.npy", NumberKind::F64),
    ("f4.npy", NumberKind::F32),
    ("f2.npy", NumberKind::F16),
    ("u1.npy", NumberKind::U8),
    ("i1.npy", NumberKind::I8),
    ("R.FBIN", NumberKind::F32),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_come_back_as_bytes(
        dim in 1usize..40,
        rows in 1usize..12,
        seed in prop::collection::vec(any::<u8>(), 12 * 40 * 8),
    ) {
        let folder = tempfile::tempdir().unwrap();
        for (name, kind) in NAMES {
            let path = folder.path().join(name);
            let bytes = dim * kind.size();
            let mut out = VectorWriter::create(&path, dim, kind).unwrap();
            for row in seed.chunks(bytes).take(rows) {
                out.push(None, row).unwrap();
            }
            out.finish().unwrap();
            let file = VectorFile::open(&path).unwrap();
            prop_assert_eq!((file.rows(), file.dim(), file.kind()), (rows, dim, kind));
            prop_assert!(file.ids().is_none());
            for (i, row) in seed.chunks(bytes).take(rows).enumerate() {
                prop_assert_eq!(file.view().row(i), row);
            }
        }
    }

    #[test]
    fn jsonl_keeps_every_f32_and_id(
        rows in prop::collection::vec((any::<u64>(), ".{1,40}", any::<[f32; 3]>()), 1..8),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.jsonl");
        for text in [false, true] {
            let mut out = VectorWriter::create(&path, 3, NumberKind::F32).unwrap();
            let mut kept = Vec::new();
            for (number, name, row) in &rows {
                let id = if text { RowId::Text(name) } else { RowId::U64(*number) };
                let pushed = out.push(Some(id), row);
                if row.iter().all(|x| x.is_finite()) {
                    pushed.unwrap();
                    kept.push((number, name, row));
                } else {
                    let refused = matches!(pushed, Err(FormatError::Number { .. }));
                    prop_assert!(refused);
                }
            }
            out.finish().unwrap();
            if kept.is_empty() {
                let empty = matches!(VectorFile::open(&path), Err(FormatError::Empty { .. }));
                prop_assert!(empty);
                continue;
            }
            let file = VectorFile::open(&path).unwrap();
            let ids = if text {
                Ids::Text(kept.iter().map(|(_, name, _)| (*name).clone()).collect())
            } else {
                Ids::U64(kept.iter().map(|(number, ..)| **number).collect())
            };
            prop_assert_eq!(file.ids(), Some(&ids));
            let mut found = Vec::new();
            for (i, (.., row)) in kept.iter().enumerate() {
                file.view().row_f32(i, &mut found);
                for (a, b) in found.iter().zip(*row) {
                    prop_assert_eq!(a.to_bits(), b.to_bits());
                }
            }
        }
    }
}

#[test]
fn numbers_that_do_not_fit_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("n.u8bin", NumberKind::U8, 256.0),
        ("n.u8bin", NumberKind::U8, -1.0),
        ("n.u8bin", NumberKind::U8, 1.5),
        ("n.i8bin", NumberKind::I8, 128.0),
        ("n.ibin", NumberKind::I32, 2_147_483_648.0),
        ("n.f16bin", NumberKind::F16, 65_520.0),
        ("n.bf16bin", NumberKind::Bf16, f32::MAX),
        ("n.jsonl", NumberKind::F32, f32::NAN),
    ];
    for (name, kind, number) in cases {
        let path = folder.path().join(name);
        let mut out = VectorWriter::create(&path, 2, kind).unwrap();
        out.push(None, &[1.0f32, 2.0]).unwrap();
        match out.push(None, &[3.0f32, number]) {
            Err(FormatError::Number { row: 1, column: 1, .. }) => {}
            other => panic!("{name}: {other:?}"),
        }
        // The refused row is not in the file.
        assert_eq!(out.finish().unwrap(), 1);
        assert_eq!(VectorFile::open(&path).unwrap().rows(), 1);
    }
}

#[test]
fn a_writer_that_is_not_finished_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut out = VectorWriter::create(folder.path().join("gone.fbin"), 2, NumberKind::F32).unwrap();
    out.push(None, &[1.0f32, 2.0]).unwrap();
    drop(out);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_writer_refuses_what_the_ending_cannot_hold() {
    let folder = tempfile::tempdir().unwrap();
    let create = |name, dim, kind| VectorWriter::create(folder.path().join(name), dim, kind);
    assert!(matches!(create("a.fbin", 2, NumberKind::U8), Err(FormatError::Kind { .. })));
    assert!(matches!(create("a.npy", 2, NumberKind::Bf16), Err(FormatError::Kind { .. })));
    assert!(matches!(create("a.txt", 2, NumberKind::F32), Err(FormatError::Ending { .. })));
    assert!(matches!(create("a.csv", 2, NumberKind::F32), Err(FormatError::Ending { .. })));
    assert!(matches!(create("a.fbin", 0, NumberKind::F32), Err(FormatError::Dimension { .. })));
    let wide = create("a.fbin", 1 << 31, NumberKind::F32);
    assert!(matches!(wide, Err(FormatError::Capacity { .. })));
    let nowhere = VectorWriter::create(folder.path().join("no/a.fbin"), 2, NumberKind::F32);
    assert!(matches!(nowhere, Err(FormatError::Io { .. })));
    let mut out = create("a.fbin", 2, NumberKind::F32).unwrap();
    match out.push(None, &[1.0f32, 2.0, 3.0]) {
        Err(FormatError::Dimension { row: 0, found: 3, expected: 2, .. }) => {}
        other => panic!("{other:?}"),
    }
}
