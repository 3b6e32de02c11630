//! The records of the log, with checksums that hold; the first byte says of which ids.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omendb_fuzz::{Case, forge, plant};
use std::sync::LazyLock;

const HEADER: usize = 64;

static CASES: LazyLock<[Case; 2]> = LazyLock::new(|| Case::both("commits."));

fuzz_target!(
    init: plant(CASES.iter().zip([0, 1]).map(|(case, first)| [&[first], &case.whole[HEADER..]].concat())),
    |bytes: &[u8]| {
        let Some((&first, records)) = bytes.split_first() else { return };
        let case = &CASES[usize::from(first & 1)];
        let mut records = records.to_vec();
        if first & 2 == 0 {
            let mark = case.whole[HEADER + 56..HEADER + 64].try_into().expect("8 bytes");
            forge::records(&mut records, mark);
        }
        case.replace(&[&case.whole[..HEADER], &records].concat());
        let opened = case.patient.examine();
        assert!(opened || records != case.whole[HEADER..], "what was written is refused");
    }
);
