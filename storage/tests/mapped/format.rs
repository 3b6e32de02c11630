//! FORMAT.md says what is in the files, and those of every version open for ever.

use std::collections::BTreeMap;
use std::io::Write;

use omendb_storage::mapped::Mapped;
use omendb_storage::{BlobSource, Durability, IdKind, Storage};

use crate::image::{Image, scratch};
use crate::kit::{Contents, Model, contents, schema};

/// `(field, offset, bytes)` of the table under each heading.
pub(crate) fn tables() -> BTreeMap<String, Vec<(String, usize, usize)>> {
    let mut tables: BTreeMap<String, Vec<_>> = BTreeMap::new();
    let mut heading = String::new();
    for line in include_str!("../../FORMAT.md").lines() {
        if let Some(text) = line.strip_prefix("## ").or(line.strip_prefix("### ")) {
            heading = text.into();
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let [offset, bytes, field] = cells[..]
            && let (Ok(offset), Ok(bytes)) = (offset.parse(), bytes.parse())
        {
            tables.entry(heading.clone()).or_default().push((field.into(), offset, bytes));
        }
    }
    tables
}

/// A table beside the bytes it describes: every field has one of the values listed, all fields
/// are covered, and they lie one behind the other.
pub(crate) fn compare(table: &[(String, usize, usize)], bytes: &[u8], expected: &[(&str, &[u8])]) {
    let mut end = 0;
    for ((field, offset, length), (name, value)) in table.iter().zip(expected) {
        assert_eq!(*offset, end, "{field} begins where the field before it ends");
        assert!(field.starts_with(name), "{field:?} where {name:?} was expected");
        assert_eq!(bytes[*offset..offset + length], **value, "{field}");
        end = offset + length;
    }
    assert_eq!(table.len(), expected.len());
}

fn database() -> (Image, Contents) {
    let dir = scratch();
    let path = dir.path().join("db");
    let db = Mapped::create(&path, &schema(20, IdKind::Text), Durability::Sync).unwrap();
    Model::new(20).commit(&db, 6, &[]).unwrap();
    db.clear().unwrap();
    let mut model = Model::new(20);
    model.commit(&db, 6, &[]).unwrap();
    model.commit(&db, 2, &[1, 3]).unwrap();
    let write = |out: &mut dyn Write| out.write_all(b"edges");
    db.checkpoint(&db.view(), &[BlobSource { name: "graph", write: &write }]).unwrap();
    model.commit(&db, 3, &[0]).unwrap();
    let state = contents(&db.view());
    drop(db);
    (Image::take(&path), state)
}

#[test]
fn the_document_says_what_is_in_the_files() {
    let tables = tables();
    let (image, _) = database();
    let bytes = |prefix: &str| image.0[&image.named(prefix)].bytes();
    let (u32s, u64s) = (|n: u32| n.to_le_bytes(), |n: u64| n.to_le_bytes());

    let manifest = image.0["MANIFEST.a"].bytes();
    assert_eq!(manifest, image.0["MANIFEST.b"].bytes());
    let log = bytes("commits.");
    let log_number: u64 = image.named("commits.")[8..].parse().unwrap();
    let ids_number: u64 = image.named("ids.")[4..].parse().unwrap();
    let rows_number: u64 = image.named("rows.")[5..].parse().unwrap();
    let database: [u8; 8] = manifest[24..32].try_into().unwrap();
    let user = schema(20, IdKind::Text).user;
    compare(
        &tables["Manifest"],
        &manifest,
        &[
            ("magic", b"OMENDB\r\n"),
            ("version", &u32s(3)),
            ("length", &u32s(manifest.len() as u32)),
            ("generation", &u64s(4)),
            ("database", &database),
            ("epoch", &u64s(1)),
            ("base commit", &u64s(4)),
            ("base slots", &u32s(8)),
            ("base dead", &u32s(2)),
            ("commit that the blobs cover", &u64s(4)),
            ("number of the log", &u64s(log_number)),
            ("sealed", &u64s(log.len() as u64)),
            ("number of the first row segment", &u64s(rows_number)),
            ("bytes of a row", &u32s(20)),
            ("stride", &u32s(64)),
            ("shift", &u32s(20)),
            ("kind", &u32s(1)),
            ("number of files", &u32s(2)),
            ("bytes of the owner's options", &u32s(user.len() as u32)),
        ],
    );
    let mut rest = user;
    for (kind, prefix, number) in [("graph", "graph.", None), ("ids", "ids.", Some(ids_number))] {
        let number = number.unwrap_or_else(|| image.named(prefix)[prefix.len()..].parse().unwrap());
        rest.push(kind.len() as u8);
        rest.extend_from_slice(kind.as_bytes());
        rest.extend_from_slice(&u64s(number));
        let listed = bytes(prefix).split_off(if kind == "graph" { 64 } else { 0 });
        rest.extend_from_slice(&u64s(listed.len() as u64));
        rest.extend_from_slice(&u32s(crc32c::crc32c(&listed)));
    }
    assert_eq!(manifest[112..manifest.len() - 4], rest);
    assert_eq!(manifest[manifest.len() - 4..], crc32c::crc32c(&manifest[..manifest.len() - 4]).to_le_bytes());

    let rows = bytes("rows.");
    let crc = u32s(crc32c::crc32c(&rows[..40]));
    compare(
        &tables["Row segment"],
        &rows,
        &[
            ("magic", b"OMENROWS"),
            ("version", &u32s(1)),
            ("database", &database),
            ("number", &u64s(rows_number)),
            ("bytes", &u32s(20)),
            ("stride", &u32s(64)),
            ("shift", &u32s(20)),
            ("checksum", &crc),
        ],
    );
    assert_eq!(rows.len(), 4096 + (64 << 20) + (4 << 20));
    let dir = scratch();
    let db = Mapped::open_read_only(image.put(&dir)).unwrap();
    for slot in 0..11 {
        let row = &rows[4096 + 64 * slot..][..20];
        assert_eq!(row, db.view().row(slot as u32));
        assert_eq!(rows[4096 + (64 << 20) + 4 * slot..][..4], crc32c::crc32c(row).to_le_bytes());
    }

    let crc = u32s(crc32c::crc32c(&log[..60]));
    let header: [(&str, &[u8]); 7] = [
        ("magic", b"OMENLOG\n"),
        ("version", &u32s(1)),
        ("zero", &[0; 4]),
        ("database", &database),
        ("number", &u64s(log_number)),
        ("zero", &[0; 28]),
        ("checksum", &crc),
    ];
    compare(&tables["Log"], &log, &header);
    let record = &log[64..];
    let ids: Vec<u8> = (8..11u32)
        .flat_map(|slot| {
            let id = db.view().id(slot).to_string();
            [&(id.len() as u16).to_le_bytes(), id.as_bytes()].concat()
        })
        .collect();
    let mut body = ids.clone();
    let mut checksums = Vec::new();
    for slot in 8..11 {
        body.extend_from_slice(db.view().row(slot));
        checksums.extend_from_slice(&u32s(crc32c::crc32c(db.view().row(slot))));
    }
    body.extend_from_slice(&u32s(0));
    body.resize(body.len().next_multiple_of(8), 0);
    assert_eq!(record[64..], body);
    compare(
        &tables["Record"],
        record,
        &[
            ("magic", b"RECD"),
            ("checksum", &u32s(crc32c::crc32c(&record[8..64]))),
            ("length", &u64s(record.len() as u64)),
            ("commit", &u64s(5)),
            ("first slot", &u32s(8)),
            ("rows", &u32s(3)),
            ("dead", &u32s(1)),
            ("flags", &u32s(3)),
            ("bytes of ids", &u64s(ids.len() as u64)),
            ("checksum over the rows", &u32s(crc32c::crc32c(&checksums))),
            ("checksum of the body", &u32s(crc32c::crc32c(&body))),
            ("mark", &u64s(u64::from_le_bytes(database).rotate_left(32) ^ log_number)),
        ],
    );

    let blob = bytes("graph.");
    let graph_number: u64 = image.named("graph.")[6..].parse().unwrap();
    let header: [(&str, &[u8]); 7] = [
        ("magic", b"OMENBLOB"),
        ("version", &u32s(2)),
        ("zero", &[0; 4]),
        ("database", &database),
        ("number", &u64s(graph_number)),
        ("zero", &[0; 28]),
        ("checksum", &u32s(crc32c::crc32c(&blob[..60]))),
    ];
    compare(&tables["Blob of the owner's"], &blob, &header);
    assert_eq!(blob[64..], *b"edges");

    let file = bytes("ids.");
    compare(
        &tables["Ids"],
        &file,
        &[
            ("magic", b"OMENIDS\n"),
            ("version", &u32s(2)),
            ("kind", &u32s(1)),
            ("database", &database),
            ("number", &u64s(ids_number)),
            ("slots", &u32s(8)),
            ("dead", &u32s(2)),
            ("slots in a block", &u32s(4096)),
            ("zero", &[0; 16]),
            ("checksum", &u32s(crc32c::crc32c(&file[..60]))),
        ],
    );
    let length = file.len() - 64 - 8 - 16;
    let block = &file[72..72 + length];
    let checksums: Vec<u8> = (0..8).flat_map(|slot| u32s(crc32c::crc32c(db.view().row(slot)))).collect();
    assert_eq!(block[block.len() - 32..], checksums);
    compare(
        &tables["Block"],
        &file[64..],
        &[("bytes", &u32s(length as u32)), ("checksum", &u32s(crc32c::crc32c(block)))],
    );
    let dead = &file[72 + length..];
    let expected = [&u32s(8)[..], &u32s(crc32c::crc32c(&dead[8..])), &u32s(1), &u32s(3)].concat();
    assert_eq!(dead, expected);
}

/// Databases that were written when their version was new, and what was in them. These files may
/// never change.
#[test]
fn a_database_of_version_1_opens() {
    opens(include_str!("version_1.image"), include_str!("version_1.contents"));
}

#[test]
fn a_database_of_version_2_opens() {
    opens(include_str!("version_2.image"), include_str!("version_2.contents"));
}

fn opens(image: &str, expected: &str) {
    let image = Image::parse(image);
    for read_only in [true, false] {
        let dir = scratch();
        let path = image.put(&dir);
        let db = if read_only {
            Mapped::open_read_only(&path).unwrap()
        } else {
            Mapped::open(&path, Durability::Sync).unwrap()
        };
        let mut found = String::new();
        for (id, row, dead) in contents(&db.view()) {
            let row: String = row.iter().map(|byte| format!("{byte:02x}")).collect();
            found += &format!("{id} {row}{}\n", if dead { " dead" } else { "" });
        }
        assert_eq!(found, expected);
        assert_eq!(db.schema().user, b"options of the owner");
        assert_eq!(*db.blob("graph").unwrap().unwrap(), *b"edges");
        assert_eq!((db.view().commit(), db.view().epoch(), db.checkpoint_commit()), (5, 1, 4));
        assert_eq!(db.verify(), []);
        if !read_only {
            Model::of(contents(&db.view()), 20).commit(&db, 5, &[2]).unwrap();
            // What it writes is of the newest version, beside what it leaves as it was.
            drop(db);
            let db = Mapped::open(&path, Durability::Sync).unwrap();
            assert_eq!(*db.blob("graph").unwrap().unwrap(), *b"edges");
            assert_eq!((db.view().slots(), db.verify()), (expected.lines().count() as u32 + 5, vec![]));
        }
    }
}

/// Images go to text and back. `OMENDB_WRITE_IMAGE=DIR` writes those of this version, for the day
/// when it is an old one.
#[test]
fn an_image_is_written_when_asked_for() {
    let (image, state) = database();
    assert_eq!(Image::parse(&image.to_text()), image);
    let Ok(dir) = std::env::var("OMENDB_WRITE_IMAGE") else { return };
    let mut found = String::new();
    for (id, row, dead) in state {
        let row: String = row.iter().map(|byte| format!("{byte:02x}")).collect();
        found += &format!("{id} {row}{}\n", if dead { " dead" } else { "" });
    }
    std::fs::write(format!("{dir}/version_3.image"), image.to_text()).unwrap();
    std::fs::write(format!("{dir}/version_3.contents"), found).unwrap();
}
