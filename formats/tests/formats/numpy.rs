//! `.npy`: bytes that NumPy 2 wrote, and the npyz crate as a second reader of what we write.

use omendb_formats::{FormatError, NumberKind, VectorFile, VectorWriter};

use crate::samples::put;

/// `numpy.save(f, numpy.array([[1.5, -2]], dtype='<f2'))`
const F2: &[u8] = b"\x93NUMPY\x01\x00v\x00{'descr': '<f2', 'fortran_order': False, 'shape': (1, 2), }                                                          \n\x00>\x00\xc0";
/// `numpy.save(f, numpy.array([[1, 2], [3, 255], [0, 7]], dtype='u1'))`
const U1: &[u8] = b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2), }                                                          \n\x01\x02\x03\xff\x00\x07";
/// `numpy.save(f, numpy.array([[-1, 2], [3, -128]], dtype='i1'))`
const I1: &[u8] = b"\x93NUMPY\x01\x00v\x00{'descr': '|i1', 'fortran_order': False, 'shape': (2, 2), }                                                          \n\xff\x02\x03\x80";
/// `numpy.save(f, numpy.asfortranarray(numpy.array([[1.5, -2, 0], [3, 4.25, 1e10]], dtype='<f4')))`
const FORTRAN: &[u8] = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }                                                           \n\x00\x00\xc0?\x00\x00@@\x00\x00\x00\xc0\x00\x00\x88@\x00\x00\x00\x00\xf9\x02\x15P";
/// `numpy.save(f, numpy.zeros(3, dtype='f4'))`
const ONE_DIMENSION: &[u8] = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }                                                            \n\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
/// `numpy.save(f, numpy.zeros((1, 2), dtype='>f4'))`
const BIG_ENDIAN: &[u8] = b"\x93NUMPY\x01\x00v\x00{'descr': '>f4', 'fortran_order': False, 'shape': (1, 2), }                                                          \n\x00\x00\x00\x00\x00\x00\x00\x00";
/// `numpy.save(f, numpy.array([[1.5, -2]]))`: the default type, f8
const F8: &[u8] = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }                                                          \n\x00\x00\x00\x00\x00\x00\xf8?\x00\x00\x00\x00\x00\x00\x00\xc0";
/// `numpy.save(f, numpy.zeros((1, 1), dtype='c8'))`
const COMPLEX: &[u8] = b"\x93NUMPY\x01\x00v\x00{'descr': '<c8', 'fortran_order': False, 'shape': (1, 1), }                                                          \n\x00\x00\x00\x00\x00\x00\x00\x00";

#[test]
fn what_numpy_writes_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for (bytes, kind, rows) in [
        (F8, NumberKind::F64, vec![[1.5, -2.0]]),
        (F2, NumberKind::F16, vec![[1.5, -2.0]]),
        (U1, NumberKind::U8, vec![[1.0, 2.0], [3.0, 255.0], [0.0, 7.0]]),
        (I1, NumberKind::I8, vec![[-1.0, 2.0], [3.0, -128.0]]),
    ] {
        let file = VectorFile::open(put(folder.path(), "a.npy", bytes)).unwrap();
        assert_eq!((file.kind(), file.rows(), file.dim()), (kind, rows.len(), 2));
        let mut row = Vec::new();
        for (i, expected) in rows.iter().enumerate() {
            file.view().row_f32(i, &mut row);
            assert_eq!(row, expected);
        }
    }
}

#[test]
fn what_cannot_be_read_is_refused_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (bytes, found, remedy) in [
        (FORTRAN, "Fortran order", "ascontiguousarray"),
        (ONE_DIMENSION, "an array of 1 dimension,", "2 dimensions"),
        (BIG_ENDIAN, "'>f4'", "astype('<f4')"),
        (COMPLEX, "'<c8'", "astype('<f4')"),
    ] {
        let error = VectorFile::open(put(folder.path(), "a.npy", bytes)).unwrap_err();
        assert!(matches!(error, FormatError::Header { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(found) && message.contains(remedy), "{message}");
    }
}

#[test]
fn float64_is_converted_to_each_type() {
    use NumberKind::{Bf16, F16, F32, F64, I8, U8};
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "a.npy", F8);
    let mut row = Vec::new();
    for kind in [F64, F32, F16, Bf16] {
        let file = VectorFile::open(&path).unwrap().converted(kind).unwrap();
        assert_eq!((file.kind(), file.rows(), file.dim()), (kind, 1, 2));
        file.view().row_f32(0, &mut row);
        assert_eq!(row, [1.5, -2.0], "{kind}");
    }
    for (kind, expected) in [(U8, "0 to 255"), (I8, "-128 to 127")] {
        let error = VectorFile::open(&path).unwrap().converted(kind).unwrap_err();
        assert!(matches!(error, FormatError::Number { row: 0, column: 0, .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains("row 0, column 0: 1.5 is not") && message.contains(expected), "{message}");
    }
}

#[test]
fn a_float64_beyond_the_type_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = F8.to_vec();
    bytes[136..].copy_from_slice(&1e300f64.to_le_bytes());
    let path = put(folder.path(), "a.npy", &bytes);
    let error = VectorFile::open(&path).unwrap().converted(NumberKind::F32).unwrap_err();
    assert!(error.to_string().ends_with("row 0, column 1: 1e300 is not a finite f32"), "{error}");
    let none = [&F8[..61], b"0, 2), }", &F8[69..128]].concat();
    let none = VectorFile::open(put(folder.path(), "n.npy", &none)).unwrap().converted(NumberKind::F16).unwrap();
    assert_eq!((none.kind(), none.rows(), none.dim(), none.view().bytes.len()), (NumberKind::F16, 0, 2, 0));
    // Other types are as they are, whatever is asked.
    let bytes = VectorFile::open(put(folder.path(), "u.npy", U1)).unwrap().converted(NumberKind::F16).unwrap();
    assert_eq!(bytes.kind(), NumberKind::U8);
}

#[test]
fn versions_2_and_3_have_a_longer_length() {
    let folder = tempfile::tempdir().unwrap();
    for version in [2, 3] {
        let mut bytes = U1.to_vec();
        bytes[6] = version;
        bytes[8] = 116;
        bytes.splice(10..10, [0, 0]);
        bytes.drain(126..128); // two of the spaces
        let file = VectorFile::open(put(folder.path(), "a.npy", &bytes)).unwrap();
        assert_eq!(file.view().row(1), [3, 255]);
    }
}

#[test]
fn other_writers_headers_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let header = b"{\"shape\":(2,1),\"fortran_order\":False,\"descr\":\"<u1\"}";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header);
    bytes.extend([8, 9]);
    let file = VectorFile::open(put(folder.path(), "a.npy", &bytes)).unwrap();
    assert_eq!((file.rows(), file.view().row(1)), (2, &[9u8][..]));
}

#[test]
fn npyz_reads_what_we_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let mut out = VectorWriter::create(&path, 3, NumberKind::F32).unwrap();
    for row in [[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.5]] {
        out.push(None, &row).unwrap();
    }
    out.finish().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let array = npyz::NpyFile::new(&bytes[..]).unwrap();
    assert_eq!(array.shape(), [2, 3]);
    assert_eq!(array.order(), npyz::Order::C);
    assert_eq!(array.into_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.5]);
}
