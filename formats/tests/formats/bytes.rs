//! Files written by hand are read as what they hold, and written back byte for byte.

use omendb_formats::{VectorFile, VectorWriter};

use crate::samples::all;

#[test]
fn every_kind_is_read_as_written_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    for sample in all() {
        let file = VectorFile::open(sample.put(folder.path())).unwrap();
        assert_eq!(file.kind(), sample.kind, "{}", sample.name);
        assert_eq!(file.rows(), sample.rows.len(), "{}", sample.name);
        assert_eq!(file.dim(), sample.rows[0].len(), "{}", sample.name);
        let view = file.view();
        assert_eq!(view.bytes.as_ptr().align_offset(file.kind().size()), 0, "{}", sample.name);
        assert_eq!(view.stride % file.kind().size(), 0, "{}", sample.name);
        let mut row = Vec::new();
        for (i, expected) in sample.rows.iter().enumerate() {
            view.row_f32(i, &mut row);
            assert_eq!(&row, expected, "{} row {i}", sample.name);
        }
        let last = (view.rows - 1) * view.stride + view.dim * view.kind.size();
        assert_eq!(view.bytes.len(), last, "{}", sample.name);
    }
}

#[test]
fn every_kind_is_written_as_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    for sample in all().iter().filter(|s| s.name != "a.jsonl") {
        let path = folder.path().join(sample.name);
        let mut out = VectorWriter::create(&path, sample.rows[0].len(), sample.kind).unwrap();
        for row in &sample.rows {
            out.push(None, row.as_slice()).unwrap();
        }
        assert!(!path.exists(), "{}: visible before it is whole", sample.name);
        assert_eq!(out.finish().unwrap(), sample.rows.len() as u64);
        assert_eq!(std::fs::read(&path).unwrap(), sample.bytes, "{}", sample.name);
    }
}

#[test]
fn a_header_of_no_rows_is_a_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    for sample in all() {
        if sample.name.ends_with("vecs") || sample.name.ends_with("jsonl") {
            continue;
        }
        let path = folder.path().join(sample.name);
        VectorWriter::create(&path, 5, sample.kind).unwrap().finish().unwrap();
        let file = VectorFile::open(&path).unwrap();
        assert_eq!((file.rows(), file.dim(), file.view().bytes.len()), (0, 5, 0));
    }
}
