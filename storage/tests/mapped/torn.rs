//! A log that ends anywhere: what was whole is there, what was not is gone, nothing else happens.

use omendb_storage::mapped::Mapped;
use omendb_storage::{Commit, Durability, IdColumn, IdKind, Packed, Storage};

use crate::image::{Image, scratch};
use crate::kit::{Contents, Model, contents, schema};

/// A database that was never closed, with its state after each commit and where the log's records
/// end then.
fn unclosed(kind: IdKind, durability: Durability) -> (Image, Vec<(u64, Contents)>) {
    let dir = scratch();
    let path = dir.path().join("db");
    let db = Mapped::create(&path, &schema(12, kind), durability).unwrap();
    let mut model = Model::new(12);
    let log = |path: &std::path::Path| {
        let image = Image::take(path);
        records_end(&image.0[&image.named("commits.")].bytes())
    };
    model.commit(&db, 3, &[]).unwrap();
    db.checkpoint(&db.view(), &[]).unwrap();
    let mut states = vec![(log(&path), contents(&db.view()))];
    for (rows, dead) in [(1, &[][..]), (4, &[0]), (0, &[5, 2]), (2, &[]), (0, &[]), (3, &[1])] {
        model.commit(&db, rows, dead).unwrap();
        states.push((log(&path), contents(&db.view())));
    }
    (Image::take(&path), states)
}

/// Behind the last record of a log; zeros may follow.
fn records_end(log: &[u8]) -> u64 {
    let mut end = 64;
    while let Some([b'R', b'E', b'C', b'D', rest @ ..]) = log.get(end..) {
        end += u64::from_le_bytes(rest[4..12].try_into().unwrap()) as usize;
    }
    end as u64
}

/// What is written ahead of the commits to come is no part of a database at rest.
#[test]
fn a_closed_log_ends_with_its_last_record() {
    let dir = scratch();
    let path = dir.path().join("db");
    let log = || {
        let image = Image::take(&path);
        image.0[&image.named("commits.")].bytes()
    };
    let mut db = Mapped::create(&path, &schema(12, IdKind::U64), Durability::Sync).unwrap();
    let mut model = Model::new(12);
    for round in 0..3 {
        model.commit(&db, 3, &[]).unwrap();
        let open = log();
        assert!(open.len() as u64 > records_end(&open), "round {round}: nothing was written ahead");
        drop(db);
        let closed = log();
        assert_eq!(closed.len() as u64, records_end(&closed), "round {round}");
        assert_eq!(closed, open[..closed.len()], "round {round}");
        db = Mapped::open(&path, Durability::Sync).unwrap();
        if round == 1 {
            db.checkpoint(&db.view(), &[]).unwrap();
        }
    }
}

#[test]
fn a_torn_tail_is_cut_at_the_last_whole_commit() {
    let dir = scratch();
    for kind in [IdKind::U64, IdKind::Text] {
        for durability in [Durability::Sync, Durability::Os] {
            let (image, states) = unclosed(kind, durability);
            let log = image.named("commits.");
            let whole = image.0[&log].bytes();
            let (first, last) = (states[0].0, states.last().unwrap().0);
            for length in first..=last {
                // Nothing behind the tear, a block that was never written, and garbage.
                for tail in [&[][..], &[0; 700], &[0xA5; 700]] {
                    let mut torn = image.clone();
                    let content = torn.0.get_mut(&log).unwrap();
                    content.set_len(length);
                    content.write(tail, length);
                    // Zeros may be the very bytes that were torn off.
                    let bytes = content.bytes();
                    let is_whole = |end: &u64| bytes.get(..*end as usize) == Some(&whole[..*end as usize]);
                    let expected = &states.iter().rev().find(|(end, _)| is_whole(end)).unwrap().1;
                    let path = torn.put(&dir);
                    let reader = Mapped::open_read_only(&path).unwrap();
                    assert_eq!(contents(&reader.view()), *expected, "read only, {length} of {last}");
                    let db = Mapped::open(&path, durability).unwrap();
                    assert_eq!(contents(&db.view()), *expected, "{length} of {last}");
                    assert_eq!(db.verify(), []);
                    if tail.is_empty() && length % 5 == 0 {
                        Model::of(contents(&db.view()), 12).commit(&db, 2, &[]).unwrap();
                        let after = contents(&db.view());
                        drop(db);
                        let db = Mapped::open(&path, durability).unwrap();
                        assert_eq!(contents(&db.view()), after);
                    }
                }
            }
        }
    }
}

/// Bytes of a commit that a later, synced commit proves to have been whole are damage: cutting
/// there would lose the later ones.
#[test]
fn damage_before_a_synced_commit_is_no_torn_tail() {
    let dir = scratch();
    let (image, states) = unclosed(IdKind::U64, Durability::Sync);
    let log = image.named("commits.");
    for at in states[0].0..states[states.len() - 2].0 {
        let mut damaged = image.clone();
        damaged.0.get_mut(&log).unwrap().flip(at, 0x10);
        let opened = Mapped::open(damaged.put(&dir), Durability::Sync);
        match opened {
            Err(omendb_storage::StorageError::Corrupt { file, .. }) => {
                assert!(file.ends_with(&log));
            }
            other => panic!("byte {at}: {:?}", other.map(|db| contents(&db.view()))),
        }
    }
}

/// With `Os`, rows that did not reach the medium take their commit and all later ones with them;
/// rows that travel in the log are put back.
#[test]
fn rows_that_did_not_arrive_are_noticed() {
    let dir = scratch();
    for durability in [Durability::Sync, Durability::Os] {
        let (image, states) = unclosed(IdKind::U64, durability);
        let rows = image.named("rows.");
        for slot in 0..states.last().unwrap().1.len() as u64 {
            let mut lost = image.clone();
            let content = lost.0.get_mut(&rows).unwrap();
            content.write(&[0; 12], 4096 + 64 * slot);
            let path = lost.put(&dir);
            let db = Mapped::open(&path, durability).unwrap();
            let found = contents(&db.view());
            if slot < 3 {
                assert_eq!(db.verify().len(), 1, "rows before the checkpoint are known to have been there");
            } else if durability == Durability::Sync {
                assert_eq!(found, states.last().unwrap().1);
                assert_eq!(db.verify(), []);
            } else {
                let expected = states.iter().rev().find(|(_, state)| state.len() as u64 <= slot).unwrap();
                assert_eq!(found, expected.1, "slot {slot}");
                assert_eq!(db.verify(), []);
            }
        }
    }
}

#[test]
fn a_reader_says_that_rows_have_to_be_put_back() {
    let dir = scratch();
    let (mut image, _) = unclosed(IdKind::U64, Durability::Sync);
    let rows = image.named("rows.");
    image.0.get_mut(&rows).unwrap().write(&[0; 12], 4096 + 64 * 4);
    let path = image.put(&dir);
    let refused = Mapped::open_read_only(&path).err().expect("rows are missing");
    assert!(matches!(refused, omendb_storage::StorageError::NeedsRecovery { .. }), "{refused}");
    drop(Mapped::open(&path, Durability::Sync).unwrap());
    Mapped::open_read_only(&path).unwrap();
}

/// Ids, and rows, may look like the beginning of a record.
#[test]
fn a_torn_commit_is_cut_whatever_its_ids_look_like() {
    for durability in [Durability::Sync, Durability::Os] {
        let dir = scratch();
        let path = dir.path().join("db");
        let db = Mapped::create(&path, &schema(8, IdKind::Text), durability).unwrap();
        let ids: Vec<String> = (0..2000).map(|i| format!("RECD-{i:07}-xxxx")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let rows = b"RECDRECD".repeat(1000);
        let commit = |ids| db.commit(Commit { rows: &Packed::new(&rows, 8), ids: IdColumn::Text(ids), dead: &[] });
        let expected = contents(&commit(&ids[..1000]).unwrap());
        let end = records_end(&Image::take(&path).0["commits.000000"].bytes());
        commit(&ids[1000..]).unwrap();
        let mut image = Image::take(&path);
        // Its first sector did not arrive.
        image.0.get_mut("commits.000000").unwrap().write(&[0; 64], end);
        let dir = scratch();
        let path = image.put(&dir);
        assert_eq!(contents(&Mapped::open_read_only(&path).unwrap().view()), expected);
        assert_eq!(contents(&Mapped::open(&path, durability).unwrap().view()), expected);
    }
}

/// With `Os` many commits may be on their way at once, and of each only a part arrive.
#[test]
fn many_torn_commits_that_were_not_synced_are_no_damage() {
    let dir = scratch();
    let path = dir.path().join("db");
    let db = Mapped::create(&path, &schema(12, IdKind::U64), Durability::Os).unwrap();
    let mut model = Model::new(12);
    model.commit(&db, 3, &[]).unwrap();
    let (expected, mut ends) = (contents(&db.view()), Vec::new());
    for _ in 0..100 {
        ends.push(records_end(&Image::take(&path).0["commits.000000"].bytes()));
        model.commit(&db, 2, &[]).unwrap();
    }
    let mut image = Image::take(&path);
    for end in ends {
        image.0.get_mut("commits.000000").unwrap().flip(end + 64, 1);
    }
    let dir = scratch();
    let path = image.put(&dir);
    assert_eq!(contents(&Mapped::open(&path, Durability::Os).unwrap().view()), expected);
}
