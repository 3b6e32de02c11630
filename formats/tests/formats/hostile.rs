//! Files that are cut, lengthened, changed or noise: an error or a file that reads whole, and
//! never a panic, a wait or an allocation by what a header claims.

use std::path::Path;

use omendb_formats::{FileKind, FormatError, VectorFile, read_ids, read_truth};
use proptest::prelude::*;

use crate::samples::{all, numpy, put};

/// Opens `path` in every way and, if it opens, reads all of it.
fn read_all(path: &Path) -> Result<usize, FormatError> {
    let mut row = Vec::new();
    let _ = read_ids(path);
    if let Ok(truth) = read_truth(path) {
        (0..truth.rows()).for_each(|i| row.extend(truth.row(i).iter().map(|&x| x as f32)));
    }
    let file = VectorFile::open(path)?;
    let view = file.view();
    for i in 0..view.rows {
        view.row_f32(i, &mut row);
        assert_eq!(row.len(), file.dim());
    }
    if let Some(ids) = file.ids() {
        assert_eq!(ids.len(), file.rows());
    }
    Ok(file.rows())
}

#[test]
fn every_truncation_is_an_error_or_fewer_rows() {
    let folder = tempfile::tempdir().unwrap();
    for sample in all() {
        // Formats without a count are whole after every row.
        let by_row = sample.name.ends_with("vecs") || sample.name.ends_with("jsonl");
        for length in 0..sample.bytes.len() {
            let path = put(folder.path(), sample.name, &sample.bytes[..length]);
            match read_all(&path) {
                Ok(rows) => {
                    let unfinished_line =
                        sample.name.ends_with("jsonl") && length == sample.bytes.len() - 1 && rows == sample.rows.len();
                    assert!(by_row && (rows < sample.rows.len() || unfinished_line));
                }
                Err(e) => {
                    assert_eq!(e.file(), path);
                    if length == 0 {
                        assert!(matches!(e, FormatError::Empty { .. }), "{e:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_longer_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for sample in all() {
        for extra in 1..4 {
            let mut bytes = sample.bytes.clone();
            bytes.extend(vec![b' '; extra]);
            let error = read_all(&put(folder.path(), sample.name, &bytes)).unwrap_err();
            assert_eq!(error.file(), folder.path().join(sample.name));
        }
    }
}

#[test]
fn a_truncated_row_is_named_with_its_place_and_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let samples = all();
    let fvecs = put(folder.path(), "a.fvecs", &samples[0].bytes[..20]);
    match VectorFile::open(fvecs) {
        Err(FormatError::Truncated { row: 1, offset: 12, found: 8, expected: 12, .. }) => {}
        other => panic!("{other:?}"),
    }
    let fbin = put(folder.path(), "a.fbin", &samples[3].bytes[..15]);
    let error = VectorFile::open(&fbin).unwrap_err();
    match error {
        FormatError::Length { rows: 2, dim: 1, expected: 16, found: 15, .. } => {}
        ref other => panic!("{other:?}"),
    }
    assert_eq!(
        error.to_string(),
        format!("{}: the header says 2 rows × 1 f32 from byte 8: expected 16 bytes, found 15", fbin.display())
    );
    let mut bytes = samples[0].bytes.clone();
    bytes[12] = 3;
    match VectorFile::open(put(folder.path(), "a.fvecs", &bytes)) {
        Err(FormatError::Dimension { row: 1, found: 3, expected: 2, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn headers_that_claim_the_moon_allocate_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let moon = [0xff; 16];
    for kind in FileKind::VECTORS {
        let name = format!("a.{}", kind.ending());
        assert!(read_all(&put(folder.path(), &name, &moon)).is_err());
    }
    for shape in [
        "(18446744073709551615, 18446744073709551615)",
        "(18446744073709551616, 1)",
        "(4294967296, 4294967296)",
        "(1, 0)",
        "(-1, 2)",
        "(2, 3, 1)",
        "()",
        "(2 3)",
        "2",
    ] {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}");
        let bytes = numpy(&header, &[0; 24]);
        assert!(read_all(&put(folder.path(), "a.npy", &bytes)).is_err(), "{shape}");
    }
    // A dictionary that nests without end, and one of four gigabytes.
    let mut nested = b"\x93NUMPY\x01\x00\xff\xff".to_vec();
    nested.extend([b'('; 65535]);
    assert!(read_all(&put(folder.path(), "a.npy", &nested)).is_err());
    assert!(read_all(&put(folder.path(), "a.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{")).is_err());
}

#[test]
fn a_folder_or_a_pipe_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    for kind in FileKind::VECTORS {
        let path = folder.path().join(format!("folder.{}", kind.ending()));
        std::fs::create_dir(&path).unwrap();
        assert!(VectorFile::open(&path).is_err());
        let pipe = folder.path().join(format!("pipe.{}", kind.ending()));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for error in [VectorFile::open(&pipe).err(), read_ids(&pipe).err()] {
            assert!(matches!(error, Some(FormatError::NotAFile { .. } | FormatError::Ending { .. })));
        }
    }
    let missing = VectorFile::open(folder.path().join("missing.fbin"));
    assert!(matches!(missing, Err(FormatError::Io { operation: "open it", .. })));
}

#[test]
fn unknown_endings_name_the_known_ones() {
    for name in ["a.csv", "a", "a.txt", ".fbin"] {
        let error = VectorFile::open(name).unwrap_err();
        assert!(matches!(error, FormatError::Ending { .. }), "{error:?}");
        assert!(error.to_string().contains(".fbin"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn noise_is_an_error_or_reads_whole(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let folder = tempfile::tempdir().unwrap();
        for kind in FileKind::VECTORS {
            let _ = read_all(&put(folder.path(), &format!("a.{}", kind.ending()), &noise));
        }
    }

    #[test]
    fn changed_bytes_are_an_error_or_read_whole(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        for sample in all() {
            let mut bytes = sample.bytes.clone();
            for (place, byte) in &changes {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            let _ = read_all(&put(folder.path(), sample.name, &bytes));
        }
    }

    #[test]
    fn npy_dictionaries_of_any_text(text in "[{}()\\[\\],:' a-z0-9<|\\\\\"TF-]{0,118}") {
        let folder = tempfile::tempdir().unwrap();
        let _ = read_all(&put(folder.path(), "a.npy", &numpy(&text, &[0; 24])));
    }
}
