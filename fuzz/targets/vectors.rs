//! Files of vectors, ids and truth; the first byte says of which kind.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omendb_formats::{VectorFile, read_ids, read_truth};
use omendb_fuzz::plant;
use std::hint::black_box;
use std::path::Path;
use std::sync::LazyLock;
use tempfile::TempDir;

const VECTORS: [&str; 9] = ["fvecs", "bvecs", "fbin", "f16bin", "bf16bin", "u8bin", "i8bin", "npy", "jsonl"];
const OTHERS: [&str; 4] = ["txt", "ibin", "ivecs", "hidden"];

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

/// Two rows of two values, as each kind has them.
fn seeds() -> Vec<Vec<u8>> {
    let (two, zero) = (2u32.to_le_bytes(), [0; 16]);
    let npy = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
    let header = format!("{npy:<117}\n");
    let npy = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &zero].concat();
    let bodies: [Vec<u8>; 12] = [
        [&two[..], &zero[..8], &two, &zero[..8]].concat(),
        [&two[..], &zero[..2], &two, &zero[..2]].concat(),
        [&two[..], &two, &zero].concat(),
        [&two[..], &two, &zero[..8]].concat(),
        [&two[..], &two, &zero[..8]].concat(),
        [&two[..], &two, &zero[..4]].concat(),
        [&two[..], &two, &zero[..4]].concat(),
        npy,
        b"{\"id\": 1, \"vector\": [0.5, 1]}\n{\"id\": 2, \"vector\": [-1e3, 0]}\n".to_vec(),
        b"1\n2\nthree\n".to_vec(),
        [&two[..], &two, &zero].concat(),
        [&two[..], &zero[..8], &two, &zero[..8]].concat(),
    ];
    (0u8..).zip(bodies).map(|(kind, body)| [&[kind][..], &body].concat()).collect()
}

fn walk(path: &Path) {
    if let Ok(file) = VectorFile::open(path) {
        let view = file.view();
        let mut values = Vec::new();
        for row in 0..view.rows {
            black_box(view.row(row));
            view.row_f32(row, &mut values);
        }
        black_box(file.ids().map(omendb_formats::Ids::len));
    }
}

fuzz_target!(
    init: plant(seeds()),
    |bytes: &[u8]| {
        let Some((&kind, content)) = bytes.split_first() else { return };
        let kind = usize::from(kind) % (VECTORS.len() + OTHERS.len());
        let ending = VECTORS.iter().chain(&OTHERS).nth(kind).expect("a kind");
        let path = FOLDER.path().join("input").with_extension(ending);
        std::fs::write(&path, content).expect("a file can be written");
        match *ending {
            "txt" => black_box(read_ids(&path).is_ok()),
            "ibin" | "ivecs" => black_box(read_truth(&path).is_ok()),
            _ => {
                walk(&path);
                true
            }
        };
    }
);
