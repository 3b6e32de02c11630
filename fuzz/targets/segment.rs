//! The header of a row segment, with a checksum that holds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omendb_fuzz::{Patient, forge, plant};
use omendb_storage::IdKind;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::sync::LazyLock;

const HEADER: usize = 44;

static CASE: LazyLock<(Patient, File)> = LazyLock::new(|| {
    let patient = Patient::new(IdKind::U64);
    let open = OpenOptions::new().read(true).write(true).open(patient.file("rows."));
    (patient, open.expect("a segment"))
});

fuzz_target!(
    init: {
        let mut header = vec![0; HEADER];
        CASE.1.read_exact_at(&mut header, 0).expect("a header");
        plant([header]);
    },
    |bytes: &[u8]| {
        let mut header = bytes.to_vec();
        header.resize(HEADER, 0);
        forge::sum(&mut header, HEADER - 4, 0..HEADER - 4);
        CASE.1.write_all_at(&header, 0).expect("a header can be written");
        CASE.0.examine();
    }
);
