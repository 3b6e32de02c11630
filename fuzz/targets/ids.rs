//! The file of ids, with checksums that hold; the first byte says of which ids.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omendb_fuzz::{Case, forge, plant};
use std::sync::LazyLock;

const HEADER: usize = 64;

static CASES: LazyLock<[Case; 2]> = LazyLock::new(|| Case::both("ids."));

fuzz_target!(
    init: plant(CASES.iter().zip([0, 1]).map(|(case, first)| [&[first], &case.whole[..]].concat())),
    |bytes: &[u8]| {
        let Some((&first, ids)) = bytes.split_first() else { return };
        let case = &CASES[usize::from(first & 1)];
        let mut ids = ids.to_vec();
        if first & 2 == 0 {
            forge::sum(&mut ids, HEADER - 4, 0..HEADER - 4);
            forge::blocks(&mut ids, HEADER);
        }
        case.replace(&ids);
        case.patient.set_manifest(&case.patient.manifest_with("ids", &ids));
        let opened = case.patient.examine();
        assert!(opened || ids != case.whole, "what was written is refused");
    }
);
