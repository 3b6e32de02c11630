//! Every file of a database cut, emptied, filled with noise, lengthened or missing: an error or a
//! right answer, never a panic, a signal or a wrong count; and a repair knows what it lost.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::journey::built;
use crate::run::names_in;

/// Bytes that are overwritten at most, so that files which are mostly holes stay so.
const OVERWRITTEN: u64 = 64 << 10;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Damage {
    Missing,
    Longer,
    CutTo { of_1000: u64 },
    CutBy(u64),
    Noise,
    Filled(u8),
    OneBit,
}

const ALL: [Damage; 11] = [
    Damage::Missing,
    Damage::Longer,
    Damage::CutTo { of_1000: 0 },
    Damage::CutTo { of_1000: 1 },
    Damage::CutTo { of_1000: 500 },
    Damage::CutBy(1),
    Damage::CutBy(8),
    Damage::Noise,
    Damage::Filled(0xff),
    Damage::Filled(0),
    Damage::OneBit,
];

impl Damage {
    fn done_to(self, path: &Path) {
        if self == Self::Missing {
            return fs::remove_file(path).unwrap();
        }
        let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let length = file.metadata().unwrap().len();
        let head = length.min(OVERWRITTEN) as usize;
        match self {
            Self::Missing => {}
            Self::Longer => file.write_all_at(&noise(4096), length).unwrap(),
            Self::CutTo { of_1000 } => file.set_len(length * of_1000 / 1000).unwrap(),
            Self::CutBy(bytes) => file.set_len(length.saturating_sub(bytes)).unwrap(),
            Self::Noise => file.write_all_at(&noise(head), 0).unwrap(),
            Self::Filled(byte) => file.write_all_at(&vec![byte; head], 0).unwrap(),
            Self::OneBit => {
                // Of the second row in a file of rows, else of the middle.
                let place = if length > OVERWRITTEN * 2 { 4096 + 64 } else { length / 2 };
                let mut byte = [0];
                if file.read_at(&mut byte, place).unwrap() == 1 {
                    file.write_all_at(&[byte[0] ^ 0x40], place).unwrap();
                }
            }
        }
    }
}

fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i.wrapping_mul(2_654_435_761) >> 7) as u8).collect()
}

/// Keeps holes: a file of rows is as long as all rows that it may ever hold.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").args(["-r", "--sparse=always"]).arg(from).arg(to).status();
    assert!(status.unwrap().success());
}

#[test]
fn r9_damaged_files_are_errors_or_right_answers() {
    let (folder, ..) = built();
    let (original, damaged) = (folder.path("a.omen"), folder.path("d.omen"));
    let ids = folder.json("ids a.omen");
    let hits = folder.json("search a.omen query.fbin --exact")["hits"].clone();
    for name in names_in(&original) {
        for damage in ALL {
            copy(&original, &damaged);
            damage.done_to(&damaged.join(&name));
            let case = format!("{name} {damage:?}");
            // `run` refuses panics and signals.
            let verified = folder.run("verify d.omen --json");
            let listed = folder.run("ids d.omen --json");
            if listed.code == 0 {
                let found: Value = serde_json::from_str(&listed.stdout).unwrap();
                assert!(found == ids || verified.code != 0, "{case}: {found}");
            }
            let searched = folder.run("search d.omen query.fbin --json");
            assert!(searched.code == 0 || searched.code == 3, "{case}: {searched:?}");
            if searched.code == 3 {
                assert!(searched.stderr.contains("d.omen"), "{case}: {searched:?}");
                assert_ne!(verified.code, 0, "{case}: {verified:?}");
            }
            if verified.code == 0 {
                assert_eq!(folder.json("search d.omen query.fbin --exact")["hits"], hits, "{case}");
            }
            // The end of a file of rows is room for rows to come.
            if name.starts_with("rows") && !matches!(damage, Damage::Longer | Damage::CutBy(_)) {
                assert_ne!(verified.code, 0, "{case}: damage not seen: {verified:?}");
            }
            let repaired = folder.run("repair d.omen saved.omen --json");
            assert_eq!(repaired.code < 2, folder.path("saved.omen").exists(), "{case}: {repaired:?}");
            if repaired.code == 0 {
                assert_eq!(folder.json("search saved.omen query.fbin --exact")["hits"], hits, "{case}");
            }
            if repaired.code < 2 {
                assert_eq!(folder.run("verify saved.omen").code, 0, "{case}: {repaired:?}");
                fs::remove_dir_all(folder.path("saved.omen")).unwrap();
            }
            let added = folder.run("add d.omen query.fbin --json");
            assert!(added.code == 0 || added.code == 3, "{case}: {added:?}");
            fs::remove_dir_all(&damaged).unwrap();
        }
    }
}
