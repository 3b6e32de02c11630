//! A full disk and a read-only one, for real. Wants a small file system of its own:
//!
//! ```text
//! cargo build -p omendb-storage --example full_disk
//! unshare --map-root-user --mount sh -c \
//!   'mount -t tmpfs -o size=24m none /mnt && target/debug/examples/full_disk /mnt && \
//!    mount -o remount,ro /mnt && target/debug/examples/full_disk /mnt read-only'
//! ```

use std::path::Path;

use omendb_storage::mapped::Mapped;
use omendb_storage::{Commit, Durability, IdColumn, IdKind, Packed, Schema, Storage, StorageError};

const ROW: usize = 1000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let dir = args.next().ok_or("usage: full_disk DIR [read-only]")?;
    let path = Path::new(&dir).join("db");
    if args.next().is_some() {
        let refused = Mapped::open(&path, Durability::Sync).err().ok_or("a read-only disk was written to")?;
        assert!(matches!(refused, StorageError::ReadOnly { .. }), "{refused:?}");
        let reader = Mapped::open_read_only(&path)?;
        check(&reader);
        println!("read-only: writing refused with \"{refused}\"; {} rows are read", reader.view().live());
        return Ok(());
    }
    let schema = Schema { row_bytes: ROW, ids: IdKind::U64, user: Vec::new() };
    let ballast = Path::new(&dir).join("ballast");
    for durability in [Durability::Sync, Durability::Os] {
        std::fs::write(&ballast, vec![1; 8 << 20])?;
        let mut db = Mapped::create(&path, &schema, durability)?;
        for rows in [100, 4000] {
            let mut commits = 0;
            let error = loop {
                let before = db.view();
                match commit(&db, rows) {
                    Ok(()) => commits += 1,
                    Err(error) => {
                        assert_eq!(db.view().commit(), before.commit());
                        break error;
                    }
                }
            };
            assert!(matches!(error, StorageError::Full { .. }), "{error:?}");
            check(&db);
            println!(
                "{durability:?}: full after {commits} commits of {rows} rows: \"{error}\"; {} rows are read",
                db.view().live()
            );
            let (slots, state) = (db.view().slots(), db.view().commit());
            drop(db);
            db = Mapped::open(&path, durability)?;
            assert_eq!((db.view().slots(), db.view().commit()), (slots, state));
            check(&db);
        }
        drop(db);
        std::fs::remove_file(&ballast)?;
        db = Mapped::open(&path, durability)?;
        commit(&db, 4000)?;
        check(&db);
        println!("{durability:?}: after space was freed, {} rows are written and read", db.view().live());
        if durability == Durability::Sync {
            drop(db);
            std::fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

fn commit(db: &Mapped, rows: usize) -> Result<(), StorageError> {
    let first = u64::from(db.view().slots());
    let ids: Vec<u64> = (first..first + rows as u64).collect();
    let bytes: Vec<u8> = ids.iter().flat_map(|id| [*id as u8; ROW]).collect();
    db.commit(Commit { rows: &Packed::new(&bytes, ROW), ids: IdColumn::U64(&ids), dead: &[] }).map(drop)
}

fn check(db: &Mapped) {
    let view = db.view();
    for slot in 0..view.slots() {
        assert!(view.row(slot).iter().all(|byte| *byte == slot as u8), "row {slot}");
    }
    assert_eq!(db.verify(), []);
}
