//! Inputs that are refused: exit code 3, a message with the file and the place, and nothing left.

use omendb_engine::Db;
use omendb_formats::NumberKind;
use serde_json::json;

use crate::journey::built;
use crate::run::{Folder, rows};

#[test]
fn truncated_empty_long_and_random_files_leave_nothing() {
    let folder = Folder::new();
    let base = rows(5, 4, 1);
    let kinds = [
        ("a.fvecs", NumberKind::F32),
        ("a.bvecs", NumberKind::U8),
        ("a.fbin", NumberKind::F32),
        ("a.f16bin", NumberKind::F16),
        ("a.bf16bin", NumberKind::Bf16),
        ("a.u8bin", NumberKind::U8),
        ("a.npy", NumberKind::F32),
        ("a.jsonl", NumberKind::F32),
    ];
    for (name, kind) in kinds {
        folder.write_rows(name, &base, kind);
        let whole = std::fs::read(folder.path(name)).unwrap();
        let mut bad = vec![Vec::new(), whole[..whole.len() - 3].to_vec(), whole[..7].to_vec()];
        bad.push([&whole[..], b"\0\0\0"].concat());
        bad.push((0..whole.len()).map(|i| (i * 151 + 97) as u8).collect());
        for bytes in bad {
            folder.write(name, bytes);
            for line in [format!("build x.omen {name}"), format!("truth {name} {name} --out x.ibin")] {
                let message = folder.refused(&line, 3);
                assert!(message.contains(name), "{line}: {message}");
                assert_eq!(folder.names(), [name], "{line} left something");
            }
        }
        std::fs::remove_file(folder.path(name)).unwrap();
    }
}

#[test]
fn float64_is_converted_only_to_a_type_that_is_named() {
    let folder = Folder::new();
    let base = rows(50, 4, 1);
    folder.write_rows("d.npy", &base, NumberKind::F64);
    folder.write_rows("far.npy", &[vec![0.0, 1.0, 2.0, f32::MAX]], NumberKind::F64);
    for line in ["build x.omen d.npy", "truth d.npy d.npy --out x.ibin"] {
        let message = folder.refused(line, 3);
        assert!(message.contains("d.npy") && message.contains("f64") && message.contains("--type"), "{message}");
    }
    for kind in ["f32", "f16", "bf16", "u8"] {
        let db = format!("{kind}.omen");
        let built = folder.json(&format!("build {db} d.npy --type {kind}"));
        assert_eq!((&built["rows"], &built["type"]), (&json!(50), &json!(kind)));
        assert_eq!(folder.json(&format!("get {db} 7"))["vector"], json!(base[7]), "{kind}");
        // The database names the type for rows and queries.
        assert_eq!(folder.json(&format!("add {db} d.npy"))["count"], json!(100));
        folder.json(&format!("truth d.npy d.npy --type {kind} -k 1 --out t.ibin"));
        assert_eq!(folder.json(&format!("search {db} d.npy -k 1 --exact"))["hits"][7][0]["id"], json!(7), "{kind}");
    }
    let before = folder.names();
    for (line, said) in [
        ("build x.omen d.npy --type i8", "is not a whole number from -128 to 127"),
        ("build x.omen far.npy --type f16", "row 0, column 3: 3.4028234663852886e38 is not a finite f16"),
        ("add u8.omen far.npy", "is not a whole number from 0 to 255"),
    ] {
        let message = folder.refused(line, 3);
        assert!(message.contains(said), "{line}: {message}");
    }
    assert_eq!(folder.names(), before);
    assert_eq!(folder.json("info u8.omen")["count"], json!(100));
}

#[test]
fn a_wrong_row_is_named_and_nothing_is_built() {
    let folder = Folder::new();
    let mut with_nan = rows(9, 3, 1);
    with_nan[7][2] = f32::NAN;
    folder.write_rows("nan.fbin", &with_nan, NumberKind::F32);
    let mut with_zero = rows(9, 3, 2);
    with_zero[4] = vec![0.0; 3];
    folder.write_rows("zero.u8bin", &with_zero, NumberKind::U8);
    folder.write_rows("good.fbin", &rows(9, 3, 3), NumberKind::F32);
    let mut half = rows(9, 3, 3);
    half[1][1] = 0.5;
    folder.write_rows("half.fbin", &half, NumberKind::F32);
    folder.write_rows("ids.ibin", &rows(9, 3, 3), NumberKind::I32);
    folder.write_rows("wide.u8bin", &[vec![0.0; 65_537]], NumberKind::U8);
    folder.write("twice.txt", "1\n2\n3\n4\n5\n6\n7\n2\n9\n");
    folder.write("few.txt", "1\n2\n");
    folder.write("blank.txt", "1\n2\n\n4\n");
    let before = folder.names();
    for (line, said) in [
        ("nan.fbin", &["nan.fbin", "row 7", "column 2", "NaN"][..]),
        ("zero.u8bin --metric cosine", &["zero.u8bin", "row 4"]),
        ("half.fbin --type u8", &["half.fbin", "row 1", "column 1", "0.5"]),
        ("ids.ibin", &["ids.ibin", ".fbin"]),
        ("wide.u8bin", &["wide.u8bin", "65537", "65536"]),
        ("good.fbin --ids twice.txt", &["twice.txt", "id 2 ", "row 7", "row 1"]),
        ("good.fbin --ids few.txt", &["few.txt", "2 ids", "9"]),
        ("good.fbin --ids blank.txt", &["blank.txt", "line 3"]),
        ("good.fbin --ids good.fbin", &["good.fbin", ".txt"]),
        ("good.csv", &["good.csv", ".fbin"]),
        ("missing.fbin", &["missing.fbin", "No such file"]),
        (".", &["regular file"]),
    ] {
        let code = 3;
        let message = folder.refused(&format!("build x.omen {line}"), code);
        for said in said {
            assert!(message.contains(said) || line == ".", "{line}: {said:?} in {message}");
        }
        assert_eq!(folder.names(), before, "{line} left something");
    }
}

#[test]
fn a_refused_batch_changes_nothing() {
    let (folder, ..) = built();
    let state = |folder: &Folder| {
        (
            folder.json("ids a.omen"),
            folder.json("info a.omen")["disk"].clone(),
            folder.json("search a.omen query.fbin --exact")["hits"].clone(),
        )
    };
    let before = state(&folder);
    folder.write_rows("narrow.fbin", &rows(5, 7, 1), NumberKind::F32);
    let mut infinite = rows(5, 8, 1);
    infinite[3][0] = f32::INFINITY;
    folder.write_rows("infinite.fbin", &infinite, NumberKind::F32);
    folder.write_rows_with_ids("known.jsonl", &rows(2, 8, 1), NumberKind::F32, |row| 599 + row as u64);
    folder.write("cut.fbin", &std::fs::read(folder.path("base.fbin")).unwrap()[..999]);
    for (file, said) in [
        ("narrow.fbin", "expected 8"),
        ("infinite.fbin", "row 3"),
        ("known.jsonl", "id 599 of row 0"),
        ("cut.fbin", "999"),
    ] {
        let message = folder.refused(&format!("add a.omen {file}"), 3);
        assert!(message.contains(file) && message.contains(said), "{message}");
        assert_eq!(state(&folder), before, "{file} changed something");
    }
}

#[test]
fn queries_and_truth_that_do_not_fit_are_refused() {
    let (folder, ..) = built();
    folder.write_rows("narrow.fbin", &rows(5, 7, 1), NumberKind::F32);
    let mut wrong = rows(5, 8, 1);
    wrong[2][6] = f32::NAN;
    folder.write_rows("nan.fbin", &wrong, NumberKind::F32);
    folder.write_rows("few.ibin", &rows(3, 10, 1), NumberKind::I32);
    folder.write_rows("short.ibin", &rows(20, 9, 1), NumberKind::I32);
    folder.write_rows("far.ibin", &vec![vec![600.0; 10]; 20], NumberKind::I32);
    for (rest, said) in [
        ("narrow.fbin", &["narrow.fbin", "7", "expected 8"][..]),
        ("nan.fbin", &["nan.fbin", "query 2", "column 6"]),
        ("nan.fbin --batch", &["nan.fbin", "query 2", "column 6"]),
        ("nan.fbin --threads 5", &["nan.fbin", "query 2", "column 6"]),
        ("query.fbin --truth few.ibin", &["few.ibin", "3", "20"]),
        ("query.fbin --truth short.ibin", &["short.ibin", "9", "k = 10"]),
        ("query.fbin --truth far.ibin", &["far.ibin", "row 0", "600"]),
        ("query.fbin --truth query.fbin", &["query.fbin", ".ibin"]),
        ("query.fbin --out x.fbin", &["x.fbin", ".ibin"]),
        ("query.fbin -k 601 --out x.ibin", &["x.ibin", "600 rows", "k = 601", ".jsonl"]),
    ] {
        let message = folder.refused(&format!("search a.omen {rest}"), 3);
        for said in said {
            assert!(message.contains(said), "{rest}: {said:?} in {message}");
        }
    }
    let message = folder.refused("truth base.fbin query.fbin -k 601 --out x.ibin", 3);
    assert!(message.contains("600") && message.contains("601"), "{message}");
}

#[test]
fn a_database_that_is_being_written_is_read_but_not_written() {
    let (folder, ..) = built();
    let writer = Db::open(folder.path("a.omen")).unwrap();
    for line in ["add a.omen query.fbin", "delete a.omen 1", "build a.omen base.fbin --force"] {
        let message = folder.refused(line, 3);
        assert!(message.contains(&std::process::id().to_string()), "{line}: {message}");
    }
    assert_eq!(folder.json("info a.omen")["count"], json!(600));
    folder.json("search a.omen query.fbin");
    drop(writer);
    assert_eq!(folder.json("delete a.omen 1")["count"], json!(599));
}

#[test]
fn what_is_no_database_is_told_from_one() {
    let (folder, ..) = built();
    std::fs::create_dir(folder.path("empty")).unwrap();
    for db in ["missing.omen", "empty", "base.fbin"] {
        for line in ["info", "verify", "ids"] {
            let message = folder.refused(&format!("{line} {db}"), 3);
            assert!(message.contains(db), "{line}: {message}");
        }
    }
}
