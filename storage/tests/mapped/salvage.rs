//! Salvage gives every row that is not damaged, and no row that is.

use omendb_storage::mapped::{Mapped, salvage};
use omendb_storage::{Commit, Durability, IdColumn, IdKind, Packed, Storage, StorageError};

use crate::image::{Image, scratch};
use crate::kit::{Contents, Model, contents, schema};

/// Ids in several blocks, deaths, rows in segments and in the log.
fn database(kind: IdKind) -> (Image, Contents) {
    let dir = scratch();
    let path = dir.path().join("db");
    let db = Mapped::create(&path, &schema(33, kind), Durability::Sync).unwrap();
    let mut model = Model::new(33);
    model.commit(&db, 9000, &[]).unwrap();
    model.commit(&db, 0, &[1, 5000, 8999]).unwrap();
    db.checkpoint(&db.view(), &[]).unwrap();
    model.commit(&db, 10, &[2]).unwrap();
    model.commit(&db, 10, &[9001]).unwrap();
    let state = contents(&db.view());
    drop(db);
    (Image::take(&path), state)
}

fn salvaged(image: &Image) -> (Vec<(String, Vec<u8>)>, usize) {
    let dir = scratch();
    let path = image.put(&dir);
    let mut rows = Vec::new();
    let report = salvage(&path, |schema, id, row| {
        assert_eq!(schema.row_bytes, row.len());
        rows.push((id.to_string(), row.to_vec()));
        Ok::<_, StorageError>(())
    })
    .unwrap();
    assert_eq!(report.rows as usize, rows.len());
    assert_eq!(Image::take(&path), *image, "salvage changes nothing");
    (rows, report.lost.len())
}

fn living(state: &Contents, lost: impl Fn(usize) -> bool) -> Vec<(String, Vec<u8>)> {
    let kept = state.iter().enumerate().filter(|(slot, (_, _, dead))| !dead && !lost(*slot));
    kept.map(|(_, (id, row, _))| (id.clone(), row.clone())).collect()
}

/// Two databases that were one, and went their own ways with the same ids: their files have the same names and headers.
fn ways(durability: Durability, checkpoints: bool) -> (Image, Image, Contents) {
    let dir = scratch();
    let path = dir.path().join("db");
    drop(Mapped::create(&path, &schema(33, IdKind::U64), durability).unwrap());
    let begun = Image::take(&path);
    let gone = |first: u8, rows: u8| {
        let dir = scratch();
        let path = begun.put(&dir);
        let db = Mapped::open(&path, durability).unwrap();
        for row in first..first + rows {
            let (rows, ids) = ([row; 33], [u64::from(row - first)]);
            let (rows, ids) = (Packed::new(&rows, 33), IdColumn::U64(&ids));
            drop(db.commit(Commit { rows: &rows, ids, dead: &[] }).unwrap());
        }
        if checkpoints {
            db.checkpoint(&db.view(), &[]).unwrap();
        }
        let state = contents(&db.view());
        drop(db);
        (Image::take(&path), state)
    };
    let (one, state) = gone(10, 40);
    (one, gone(100, 30).0, state)
}

/// A segment of the one between the files of the other: each row is whole, and another's.
#[test]
fn rows_of_another_commit_are_no_rows_of_these_ids() {
    // The checksums that tell lie in the ids file, or in the log.
    for checkpoints in [true, false] {
        let (one, other, _) = ways(Durability::Os, checkpoints);
        let mut mixed = one.clone();
        let name = one.named("rows.");
        mixed.0.insert(name.clone(), other.0[&name].clone());
        let dir = scratch();
        let db = Mapped::open(mixed.put(&dir), Durability::Os).unwrap();
        let problems: Vec<String> = db.verify().iter().map(|problem| problem.what.clone()).collect();
        let told = problems.iter().filter(|what| what.contains("to another commit than")).count();
        assert_eq!(told, if checkpoints { 1 } else { 30 }, "{problems:?}");
        drop(db);
        let (rows, lost) = salvaged(&mixed);
        assert_eq!((rows, lost), (vec![], 40));
    }
}

/// The checksums of a segment lie at its end; those that are with the ids do as well.
#[test]
fn rows_before_the_cut_of_a_truncated_segment_come_out() {
    for checkpoints in [true, false] {
        let (mut image, _, state) = ways(Durability::Os, checkpoints);
        let name = image.named("rows.");
        image.0.get_mut(&name).unwrap().set_len(4096 + 64 * 25);
        let (rows, lost) = salvaged(&image);
        assert_eq!((rows, lost), (living(&state, |slot| slot >= 25), 15));
    }
}

#[test]
fn what_is_whole_comes_out() {
    for kind in [IdKind::U64, IdKind::Text] {
        let (image, state) = database(kind);
        assert_eq!(salvaged(&image), (living(&state, |_| false), 0));

        // Two rows of the segment; one that travelled in the log is not missed.
        let rows = image.named("rows.");
        let mut damaged = image.clone();
        for slot in [7u64, 8000, 9010] {
            damaged.0.get_mut(&rows).unwrap().flip(4096 + 64 * slot + 20, 4);
        }
        assert_eq!(salvaged(&damaged), (living(&state, |slot| slot == 7 || slot == 8000), 2));

        // One block of ids: those of its slots are lost.
        let mut damaged = image.clone();
        damaged.0.get_mut(&image.named("ids.")).unwrap().flip(64 + 8 + 100, 4);
        let (found, lost) = salvaged(&damaged);
        assert_eq!(found, living(&state, |slot| slot < 4096));
        assert_eq!(lost, 1);

        // The first record of the log; the second is found behind it.
        let mut damaged = image.clone();
        damaged.0.get_mut(&image.named("commits.")).unwrap().flip(64 + 70, 4);
        let (found, lost) = salvaged(&damaged);
        // Slot 2 died in the lost record: it comes out again.
        let mut undead = state.clone();
        undead[2].2 = false;
        assert_eq!(found, living(&undead, |slot| (9000..9010).contains(&slot)));
        assert!(lost >= 1);

        // One slot of the manifest is enough; none is too few.
        let mut damaged = image.clone();
        damaged.0.get_mut("MANIFEST.a").unwrap().flip(30, 4);
        assert_eq!(salvaged(&damaged), (living(&state, |_| false), 0));
        damaged.0.get_mut("MANIFEST.b").unwrap().flip(30, 4);
        let dir = scratch();
        let refused = salvage(damaged.put(&dir), |_, _, _| Ok::<_, StorageError>(()));
        assert!(matches!(refused, Err(StorageError::Corrupt { .. })));

        // Rows of another database, whose checksums hold: they are not this one's, whatever their slots.
        let (other, _) = database(kind);
        let mut mixed = image.clone();
        mixed.0.insert(rows.clone(), other.0[&rows].clone());
        let (found, lost) = salvaged(&mixed);
        assert_eq!(found, living(&state, |slot| slot < 9000), "only what travelled in the log");
        assert!(lost > 0);

        // Whole files gone, or cut: what the others hold is there, nothing panics.
        for name in ["rows.", "ids.", "commits."] {
            let name = image.named(name);
            let mut missing = image.clone();
            missing.0.remove(&name);
            assert!(salvaged(&missing).1 > 0, "{name}");
            for length in [0, 10, 100, 5000, 100_000] {
                let mut cut = image.clone();
                let content = cut.0.get_mut(&name).unwrap();
                content.set_len(length.min(content.length));
                let (rows, _) = salvaged(&cut);
                let all = living(&undead_all(&state), |_| false);
                assert!(rows.iter().all(|row| all.contains(row)), "{name} cut to {length}");
            }
        }
    }
}

fn undead_all(state: &Contents) -> Contents {
    state.iter().map(|(id, row, _)| (id.clone(), row.clone(), false)).collect()
}

/// Six commits of 1,000 rows in a log that was not sealed.
fn logged(prefix: &str) -> (Image, Vec<String>) {
    let dir = scratch();
    let path = dir.path().join("db");
    let db = Mapped::create(&path, &schema(8, IdKind::Text), Durability::Sync).unwrap();
    let ids: Vec<String> = (0..6000).map(|i| format!("{prefix}-{i:07}-xxxx")).collect();
    for ids in ids.chunks(1000) {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let rows = Packed::new(&[1; 8000], 8);
        db.commit(Commit { rows: &rows, ids: IdColumn::Text(&ids), dead: &[] }).unwrap();
    }
    (Image::take(&path), ids)
}

fn saved(image: &Image) -> (Vec<String>, Vec<String>) {
    let (dir, mut ids) = (scratch(), Vec::new());
    let report = salvage(image.put(&dir), |_, id, _| {
        ids.push(id.to_string());
        Ok::<_, StorageError>(())
    });
    (ids, report.unwrap().lost.iter().map(|problem| problem.what.clone()).collect())
}

#[test]
fn commits_behind_damage_come_out_whatever_ids_look_like() {
    for prefix in ["RECD", "DOCS"] {
        let (image, ids) = logged(prefix);
        assert_eq!(saved(&image), (ids.clone(), vec![]));
        let log = image.named("commits.");
        // One bit of the first record's header, of the third's, and of the last's.
        let bytes = image.0[&log].bytes();
        let mut starts = vec![64];
        for i in 0..5 {
            let at: usize = starts[i];
            starts.push(at + u64::from_le_bytes(bytes[at + 8..at + 16].try_into().unwrap()) as usize);
        }
        for (lost, told) in [
            (&[0][..], &["commit 1 is damaged"][..]),
            (&[2], &["commit 3 is damaged"]),
            (&[0, 1, 3], &["commits 1 to 2 are damaged", "commit 4 is damaged"]),
            (&[5], &["the bytes after commit 5 are no whole commit"]),
            (&[0, 1, 2, 3, 4, 5], &["the bytes after commit 0 are no whole commit"]),
        ] {
            let mut damaged = image.clone();
            for record in lost {
                damaged.0.get_mut(&log).unwrap().flip(starts[*record] as u64 + 20, 1);
            }
            let kept: Vec<String> = ids
                .chunks(1000)
                .enumerate()
                .filter(|(i, _)| !lost.contains(i))
                .flat_map(|(_, ids)| ids.to_vec())
                .collect();
            let (found, problems) = saved(&damaged);
            assert_eq!(found, kept, "{prefix} without {lost:?}");
            assert_eq!(problems.len(), told.len(), "{problems:?}");
            assert!(problems.iter().zip(told).all(|(found, told)| found.starts_with(told)), "{problems:?}");
        }
        // A record whose checksums hold and whose ids are none.
        let mut forged = bytes.clone();
        let (at, end) = (starts[1], starts[2]);
        forged[at + 64] = 0xff;
        forged[at + 65] = 0xff;
        let body = crc32c::crc32c(&forged[at + 64..end]).to_le_bytes();
        forged[at + 52..at + 56].copy_from_slice(&body);
        let header = crc32c::crc32c(&forged[at + 8..at + 64]).to_le_bytes();
        forged[at + 4..at + 8].copy_from_slice(&header);
        let mut damaged = image.clone();
        damaged.0.insert(log, crate::image::Content::of(&forged));
        let (found, problems) = saved(&damaged);
        assert_eq!(found.len(), 5000, "the others go on");
        assert!(problems.len() == 1 && problems[0].starts_with("commit 2 is lost"), "{problems:?}");
    }
}
