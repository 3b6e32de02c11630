//! Files made to deceive: every field set to extreme values, with checksums that hold. What comes
//! is a typed error or a database that works; never a panic, a hang or a huge allocation.

use omendb_storage::mapped::{Mapped, salvage};
use omendb_storage::{Durability, IdKind, Storage, StorageError};

use crate::image::{Content, Image, scratch};
use crate::kit::{Model, contents, made_row, schema};

fn image(kind: IdKind) -> Image {
    checkpointed(kind, |db, model| model.commit(db, 3, &[2]).unwrap())
}

/// A closed database with a checkpoint, and what is done `after` it.
fn checkpointed(kind: IdKind, after: impl FnOnce(&Mapped, &mut Model)) -> Image {
    let dir = scratch();
    let path = dir.path().join("db");
    let db = Mapped::create(&path, &schema(24, kind), Durability::Sync).unwrap();
    let mut model = Model::new(24);
    model.commit(&db, 5, &[]).unwrap();
    model.commit(&db, 0, &[1]).unwrap();
    db.checkpoint(&db.view(), &[]).unwrap();
    after(&db, &mut model);
    drop(db);
    Image::take(&path)
}

/// Opens it in every way there is and goes on with it where it opens. True if it was refused.
fn survive(image: &Image, what: &str) -> bool {
    let dir = scratch();
    let path = image.put(&dir);
    let typed = |error: StorageError| match error {
        StorageError::Corrupt { .. } | StorageError::Version { .. } | StorageError::NeedsRecovery { .. } => {}
        other => panic!("{what}: {other:?}"),
    };
    let took = std::time::Instant::now();
    let mut refused = false;
    match Mapped::open_read_only(&path) {
        Ok(db) => drop(db.verify()),
        Err(error) => typed(error),
    }
    if let Err(error) = salvage(&path, |_, _, _| Ok::<_, StorageError>(())) {
        typed(error);
    }
    match Mapped::open(&path, Durability::Sync) {
        Ok(db) => {
            let row_bytes = db.schema().row_bytes;
            let view = db.view();
            assert!(view.slots() < 1000, "{what}: {view:?}");
            assert_eq!(view.living().count(), view.live() as usize, "{what}");
            let found = contents(&view);
            drop(db.verify());
            Model::of(found, row_bytes).commit(&db, 2, &[]).unwrap();
            db.checkpoint(&db.view(), &[]).unwrap();
            drop(db.compact(&db.view(), &db.view().living().collect::<Vec<_>>(), &[]));
            drop(db.clear().unwrap());
        }
        Err(error) => {
            typed(error);
            refused = true;
        }
    }
    assert!(took.elapsed().as_secs() < 20, "{what}: a hang");
    refused
}

/// Sets the bytes at `at` and puts right the checksums of what they lie in.
fn forge(content: &mut Content, at: usize, value: &[u8], sums: &[(usize, std::ops::Range<usize>)]) {
    content.write(value, at as u64);
    for (place, range) in sums {
        let crc = crc32c::crc32c(&content.bytes_at(range.clone()));
        content.write(&crc.to_le_bytes(), *place as u64);
    }
}

const EXTREMES: [u64; 6] = [0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 40, u64::MAX];

#[test]
fn every_field_at_its_extremes() {
    let (mut forged, mut refused) = (0, 0);
    for kind in [IdKind::U64, IdKind::Text] {
        let whole = image(kind);
        let manifest = whole.0["MANIFEST.a"].length as usize;
        let log = whole.named("commits.");
        let record = 64..whole.0[&log].length as usize;
        // (file, first and last byte of the fields, where their checksums are and over what)
        let headers = [
            ("MANIFEST", 8, manifest - 4, vec![(manifest - 4, 0..manifest - 4)]),
            ("ids.", 8, 60, vec![(60, 0..60)]),
            ("rows.", 8, 40, vec![(40, 0..40)]),
            ("commits.", 8, 60, vec![(60, 0..60)]),
            ("commits.", 64 + 8, 64 + 64, vec![(64 + 4, 64 + 8..64 + 64)]),
            ("commits.", 128, record.end, vec![(64 + 52, 128..record.end), (64 + 4, 64 + 8..64 + 64)]),
        ];
        for (prefix, begin, end, sums) in headers {
            for at in (begin..end).step_by(4) {
                for extreme in EXTREMES {
                    for width in [4, 8] {
                        let value = &extreme.to_le_bytes()[..width.min(end - at)];
                        let mut image = whole.clone();
                        for (name, content) in &mut image.0 {
                            if name.starts_with(prefix) {
                                forge(content, at, value, &sums);
                            }
                        }
                        forged += 1;
                        refused += usize::from(survive(&image, &format!("{prefix} at {at}: {value:?}")));
                    }
                }
            }
        }
    }
    println!("{forged} forgeries, {refused} refused");
}

/// Bodies of random bytes under checksums that hold.
#[test]
fn random_bytes_with_good_checksums() {
    for kind in [IdKind::U64, IdKind::Text] {
        let whole = image(kind);
        let log = whole.named("commits.");
        let end = whole.0[&log].length as usize;
        let manifest = whole.0["MANIFEST.a"].length as usize;
        for seed in 0..150 {
            let mut image = whole.clone();
            let sums = [(64 + 52, 128..end), (64 + 4, 64 + 8..64 + 64)];
            forge(image.0.get_mut(&log).unwrap(), 128, &made_row(seed, 5, end - 128), &sums);
            survive(&image, &format!("log body {seed}"));

            let mut image = whole.clone();
            let from = 88 + (seed as usize % 24);
            let value = made_row(seed, 6, manifest - 4 - from);
            for name in ["MANIFEST.a", "MANIFEST.b"] {
                forge(image.0.get_mut(name).unwrap(), from, &value, &[(manifest - 4, 0..manifest - 4)]);
            }
            assert!(survive(&image, &format!("manifest {seed}")));
        }
    }
}

/// The mark of a slot that died is the commit it died in; with 0 it would be alive, and not counted.
#[test]
fn slots_before_the_first_commit_are_refused() {
    let mut image = checkpointed(IdKind::U64, |_, _| ());
    let manifest = image.0["MANIFEST.a"].length as usize;
    for name in ["MANIFEST.a", "MANIFEST.b"] {
        forge(image.0.get_mut(name).unwrap(), 40, &[0; 8], &[(manifest - 4, 0..manifest - 4)]);
    }
    assert!(survive(&image, "base commit 0"));
}
