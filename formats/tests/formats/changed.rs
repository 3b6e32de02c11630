//! Files that change while they are read, or after.

use std::fs::{self, File};
use std::sync::atomic::{AtomicBool, Ordering};

use omendb_formats::{FormatError, NumberKind, VectorFile, VectorWriter, read_ids};

fn written(path: &std::path::Path, rows: usize) {
    let mut out = VectorWriter::create(path, 64, NumberKind::F32).unwrap();
    for row in 0..rows {
        out.push(None, &[row as f32; 64]).unwrap();
    }
    out.finish().unwrap();
}

#[test]
fn what_was_opened_stays_whatever_becomes_of_the_file() {
    for name in ["rows.fbin", "rows.npy", "rows.fvecs"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        written(&path, 5000);
        let file = VectorFile::open(&path).unwrap();
        // Reading a map behind the end of its file would end the process.
        File::options().write(true).open(&path).unwrap().set_len(100).unwrap();
        let mut row = Vec::new();
        for i in [0, 100, 4999] {
            file.view().row_f32(i, &mut row);
            assert_eq!(row, [i as f32; 64], "{name}");
        }
        fs::write(&path, vec![0xff; 2_000_000]).unwrap();
        file.view().row_f32(4999, &mut row);
        assert_eq!(row, [4999.0; 64], "{name}");
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_is_refused_or_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole) = (folder.path().join("rows.fbin"), folder.path().join("whole.fbin"));
    written(&whole, 20_000);
    fs::copy(&whole, &path).unwrap();
    let bytes = fs::read(&whole).unwrap();
    let done = AtomicBool::new(false);
    let (mut refused, mut opened) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let file = File::options().write(true).open(&path).unwrap();
            while !done.load(Ordering::Relaxed) {
                file.set_len(1000).unwrap();
                std::thread::sleep(std::time::Duration::from_micros(500));
                std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(15));
            }
        });
        scopeguard::defer! { done.store(true, Ordering::Relaxed) }
        let begun = std::time::Instant::now();
        while refused + opened < 200 || (refused.min(opened) == 0 && begun.elapsed().as_secs() < 30) {
            match VectorFile::open(&path) {
                Ok(file) => {
                    opened += 1;
                    let mut row = Vec::new();
                    for i in (0..20_000).step_by(997) {
                        file.view().row_f32(i, &mut row);
                        assert_eq!(row, [i as f32; 64]);
                    }
                }
                Err(FormatError::Changed { .. } | FormatError::Length { .. }) => refused += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
    });
    println!("{refused} refused, {opened} opened");
    assert!(refused > 0 && opened > 0);
}

/// One that grows for as long as it is read, as when another program writes to it.
#[test]
fn a_text_that_grows_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ids.txt");
    let done = AtomicBool::new(false);
    fs::write(&path, "1\n".repeat(3_000_000)).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            use std::io::Write;
            let mut file = File::options().append(true).open(&path).unwrap();
            while !done.load(Ordering::Relaxed) {
                file.write_all(b"2\n").unwrap();
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        let refused = read_ids(&path);
        done.store(true, Ordering::Relaxed);
        assert!(matches!(refused, Err(FormatError::Changed { .. })), "{:?}", refused.map(|ids| ids.len()));
    });
}

#[test]
fn a_file_of_the_other_byte_order_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        VectorFile::open(&path).unwrap_err().to_string()
    };
    let row = |dim: [u8; 4]| [&dim[..], &[0; 16]].concat();
    let found = refusal("be.fvecs", &row(4u32.to_be_bytes()).repeat(3));
    assert!(found.contains("dimension 4 in big-endian order") && found.contains("little-endian"), "{found}");
    let bin = [&3u32.to_be_bytes()[..], &4u32.to_be_bytes(), &[0; 48]].concat();
    let found = refusal("be.fbin", &bin);
    assert!(found.contains("3 rows × 4 in big-endian order"), "{found}");
    // A dimension that is none, whatever its bytes.
    for (name, bytes) in [
        ("neg.fvecs", row((-4i32).to_le_bytes())),
        ("zero.fvecs", row([0; 4])),
        ("zero.fbin", [&3u32.to_le_bytes()[..], &[0; 4]].concat()),
    ] {
        let found = refusal(name, &bytes);
        assert!(found.contains("expected 1 to 65,536"), "{found}");
    }
    let mut one = b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (8,), }".to_vec();
    one.resize(127, b' ');
    one.push(b'\n');
    one.extend([0; 32]);
    let found = refusal("n1d.npy", &one);
    assert!(found.contains("8 numbers") && found.contains("reshape(-1, D)"), "{found}");
}
