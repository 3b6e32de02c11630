//! One small whole file of every kind, as bytes written by hand.

use std::path::{Path, PathBuf};

use omendb_formats::NumberKind;

/// A file: its name, its bytes, and what it holds.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) kind: NumberKind,
    pub(crate) rows: Vec<Vec<f32>>,
}

impl Sample {
    pub(crate) fn put(&self, folder: &Path) -> PathBuf {
        put(folder, self.name, &self.bytes)
    }
}

pub(crate) fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

pub(crate) fn numpy(descr_shape: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00v\x00".to_vec();
    bytes.extend(descr_shape.as_bytes());
    bytes.resize(127, b' ');
    bytes.push(b'\n');
    bytes.extend(values);
    bytes
}

pub(crate) fn all() -> Vec<Sample> {
    use NumberKind::{Bf16, F16, F32, I8, I32, U8};
    let sample = |name, kind, bytes: &[u8], rows: &[&[f32]]| Sample {
        name,
        bytes: bytes.to_vec(),
        kind,
        rows: rows.iter().map(|r| r.to_vec()).collect(),
    };
    vec![
        sample(
            "a.fvecs",
            F32,
            b"\x02\0\0\0\0\0\x80\x3f\0\0\0\xc0\x02\0\0\0\0\0\0\0\0\0\x20\x41",
            &[&[1.0, -2.0], &[0.0, 10.0]],
        ),
        sample("a.bvecs", U8, b"\x03\0\0\0\x01\x02\xff\x03\0\0\0\x00\x07\x09", &[&[1.0, 2.0, 255.0], &[0.0, 7.0, 9.0]]),
        sample(
            "a.ivecs",
            I32,
            b"\x02\0\0\0\x05\0\0\0\xff\xff\xff\xff\x02\0\0\0\0\x01\0\0\x01\0\0\0",
            &[&[5.0, -1.0], &[256.0, 1.0]],
        ),
        sample("a.fbin", F32, b"\x02\0\0\0\x01\0\0\0\0\0\x80\x3f\0\0\0\xc0", &[&[1.0], &[-2.0]]),
        sample("a.f16bin", F16, b"\x02\0\0\0\x02\0\0\0\0\x3c\0\xc0\0\0\x01\x3c", &[&[1.0, -2.0], &[0.0, 1.000_976_6]]),
        sample("a.bf16bin", Bf16, b"\x01\0\0\0\x03\0\0\0\x80\x3f\0\xc0\x81\x3f", &[&[1.0, -2.0, 1.007_812_5]]),
        sample(
            "a.u8bin",
            U8,
            b"\x03\0\0\0\x02\0\0\0\x01\x02\x80\xff\0\x07",
            &[&[1.0, 2.0], &[128.0, 255.0], &[0.0, 7.0]],
        ),
        sample("a.i8bin", I8, b"\x01\0\0\0\x03\0\0\0\xff\x7f\x80", &[&[-1.0, 127.0, -128.0]]),
        sample("a.ibin", I32, b"\x01\0\0\0\x02\0\0\0\x05\0\0\0\0\x01\0\0", &[&[5.0, 256.0]]),
        Sample {
            name: "a.npy",
            bytes: numpy(
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
                b"\x00\x00\xc0?\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00@@\x00\x00\x88@\xf9\x02\x15P",
            ),
            kind: F32,
            rows: vec![vec![1.5, -2.0, 0.0], vec![3.0, 4.25, 1e10]],
        },
        sample(
            "a.jsonl",
            F32,
            b"{\"id\": 7, \"vector\": [0.5, -1]}\n{\"vector\":[1e2,0.1],\"text\":\"x\",\"id\":9}\n",
            &[&[0.5, -1.0], &[100.0, 0.1]],
        ),
    ]
}
