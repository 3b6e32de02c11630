//! The manifest, with checksums that hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omendb_fuzz::{Patient, forge, plant};
use omendb_storage::IdKind;
use std::sync::LazyLock;

static PATIENT: LazyLock<Patient> = LazyLock::new(|| Patient::new(IdKind::Text));

fuzz_target!(
    init: plant([PATIENT.manifest().to_vec(), Vec::new()]),
    |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        forge::manifest(&mut bytes);
        PATIENT.set_manifest(&bytes);
        let opened = PATIENT.examine();
        assert!(opened || bytes != PATIENT.manifest(), "what was written is refused");
    }
);
