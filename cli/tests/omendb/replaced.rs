//! `build --force` replaces a database, never anything else, and only once the new one is whole.

use omendb_formats::NumberKind;
use serde_json::json;

use crate::journey::built;
use crate::run::rows;

#[test]
fn a_database_is_replaced_only_by_force_and_only_by_a_whole_one() {
    let (folder, ..) = built();
    let mut wrong = rows(5, 3, 1);
    wrong[4][0] = f32::NAN;
    folder.write_rows("wrong.fbin", &wrong, NumberKind::F32);
    folder.write_rows("other.fbin", &rows(5, 3, 1), NumberKind::F32);
    let before = folder.names();
    let message = folder.refused("build a.omen other.fbin", 3);
    assert!(message.contains("a.omen") && message.contains("--force"), "{message}");
    folder.refused("build a.omen wrong.fbin --force", 3);
    assert_eq!(folder.json("info a.omen")["count"], json!(600));
    folder.json("build a.omen other.fbin --force");
    assert_eq!(folder.json("info a.omen")["count"], json!(5));
    assert_eq!(folder.names(), before);
}

#[cfg(feature = "rocksdb")]
#[test]
fn rocksdb_answers_as_files_do_and_replaces_them() {
    let (folder, ..) = built();
    let hits = |db: &str| folder.json(&format!("search {db} query.fbin"))["hits"].clone();
    folder.json("build r.omen base.fbin --backend rocksdb");
    assert!(folder.path("r.omen/rocks").is_dir());
    assert_eq!(hits("r.omen"), hits("a.omen"));
    assert_eq!(folder.json("verify r.omen")["ok"], json!(true));
    folder.json("build a.omen base.fbin --backend rocksdb --force");
    assert!(folder.path("a.omen/rocks").is_dir());
    folder.json("build r.omen base.fbin --force");
    assert!(!folder.path("r.omen/rocks").exists());
    assert_eq!(hits("r.omen"), hits("a.omen"));
}

#[test]
fn what_is_no_database_is_not_replaced() {
    let (folder, ..) = built();
    std::fs::create_dir(folder.path("letters")).unwrap();
    folder.write("letters/dear.txt", "do not lose me");
    for place in ["letters", "query.fbin", "."] {
        folder.refused(&format!("build {place} base.fbin --force"), 3);
    }
    assert!(folder.path("letters/dear.txt").exists() && folder.path("query.fbin").exists());
    let message = folder.refused("build query.fbin new.omen", 3);
    assert!(message.contains("query.fbin: found a file, expected a path for the database"), "{message}");
}

#[test]
fn a_damaged_database_is_replaced() {
    let (folder, ..) = built();
    for name in crate::run::names_in(&folder.path("a.omen")) {
        if name.starts_with("MANIFEST") || name.starts_with("commits") {
            folder.write(&format!("a.omen/{name}"), "nonsense");
        }
    }
    folder.refused("info a.omen", 3);
    folder.json("build a.omen base.fbin --force");
    assert_eq!(folder.json("info a.omen")["count"], json!(600));
}

#[test]
fn behind_a_link_the_database_itself_is_replaced() {
    let (folder, ..) = built();
    folder.write_rows("other.fbin", &rows(5, 3, 1), NumberKind::F32);
    std::os::unix::fs::symlink("a.omen", folder.path("link.omen")).unwrap();
    let before = folder.names();
    folder.json("build link.omen other.fbin --force");
    assert_eq!(folder.json("info a.omen")["count"], json!(5));
    assert!(folder.path("link.omen").is_symlink());
    assert_eq!(folder.names(), before);
}
