//! Salvage gives every row that is not damaged, and no row that is.

use omendb_storage::mapped::{Mapped, salvage};
use omendb_storage::{Durability, IdKind, Storage, StorageError};

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
        let (rows, lost) = salvaged(&damaged);
        assert_eq!(rows, living(&state, |slot| slot < 4096));
        assert_eq!(lost, 1);

        // The first record of the log; the second is found behind it.
        let mut damaged = image.clone();
        damaged.0.get_mut(&image.named("commits.")).unwrap().flip(64 + 70, 4);
        let (rows, lost) = salvaged(&damaged);
        // Slot 2 died in the lost record: it comes out again.
        let mut undead = state.clone();
        undead[2].2 = false;
        assert_eq!(rows, living(&undead, |slot| (9000..9010).contains(&slot)));
        assert!(lost >= 1);

        // One slot of the manifest is enough; none is too few.
        let mut damaged = image.clone();
        damaged.0.get_mut("MANIFEST.a").unwrap().flip(30, 4);
        assert_eq!(salvaged(&damaged), (living(&state, |_| false), 0));
        damaged.0.get_mut("MANIFEST.b").unwrap().flip(30, 4);
        let dir = scratch();
        let refused = salvage(damaged.put(&dir), |_, _, _| Ok::<_, StorageError>(()));
        assert!(matches!(refused, Err(StorageError::Corrupt { .. })));

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
