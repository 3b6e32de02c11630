//! Compaction, and rows recovered from damaged files.

use std::collections::BTreeSet;
use std::fs;

use omendb_formats::NumberKind;
use serde_json::{Value, json};

use crate::journey::built;
use crate::run::{Folder, names_in, nearest, rows};

/// Ids of the `k` nearest rows of each query, by exact search of `db`.
fn exact(folder: &Folder, db: &str, k: usize) -> Vec<Vec<u64>> {
    let found = folder.json(&format!("search {db} query.fbin -k {k} --exact"));
    let ids = |hits: &Value| hits.as_array().unwrap().iter().map(|hit| hit["id"].as_u64().unwrap()).collect();
    found["hits"].as_array().unwrap().iter().map(ids).collect()
}

/// The same by an oracle, where only the rows of `alive` are left.
fn expected(base: &[Vec<f32>], queries: &[Vec<f32>], alive: impl Fn(u64) -> bool, k: usize) -> Vec<Vec<u64>> {
    let of = |query: &Vec<f32>| nearest(base, query, base.len()).into_iter().filter(|&id| alive(id)).take(k).collect();
    queries.iter().map(of).collect()
}

#[test]
fn compacting_gives_space_back_and_answers_stay() {
    let folder = Folder::new();
    let (base, queries) = (rows(6000, 16, 3), rows(20, 16, 4));
    folder.write_rows("base.fbin", &base, NumberKind::F32);
    folder.write_rows("query.fbin", &queries, NumberKind::F32);
    folder.json("build a.omen base.fbin");
    // Five of six go.
    let gone: Vec<String> = (0..6000).filter(|id| id % 6 != 0).map(|id| id.to_string()).collect();
    folder.write("gone.txt", gone.join("\n"));
    assert_eq!(folder.json("delete a.omen --ids gone.txt")["count"], json!(1000));
    let alive = |id: u64| id.is_multiple_of(6);
    let truth = expected(&base, &queries, alive, 10);
    assert_eq!(exact(&folder, "a.omen", 10), truth);

    let info = folder.json("info a.omen");
    let compacted = folder.json("compact a.omen");
    assert_eq!((&compacted["count"], &info["count"]), (&json!(1000), &json!(1000)));
    assert_eq!((&compacted["slots_before"], &compacted["slots_after"]), (&json!(6000), &json!(1000)));
    let number = |name: &str| compacted[name].as_u64().unwrap();
    assert!(number("disk_bytes_after") < number("disk_bytes_before") / 3, "{compacted}");

    let info = folder.json("info a.omen");
    assert_eq!((&info["count"], &info["slots"]), (&json!(1000), &json!(1000)));
    assert_eq!(info["disk_bytes"], compacted["disk_bytes_after"]);
    assert_eq!(exact(&folder, "a.omen", 10), truth);
    assert_eq!(folder.json("verify a.omen")["ok"], json!(true));
    assert_eq!(folder.json("get a.omen 12")["vector"], json!(base[12]));
    assert_eq!(folder.run("get a.omen 13").code, 1);

    let again = folder.run("compact a.omen");
    assert!(again.stdout.contains("1,000 rows; removed 0 deleted or replaced rows"), "{again:?}");
    let message = folder.refused("compact nowhere.omen", 3);
    assert!(message.contains("nowhere.omen"), "{message}");
}

#[test]
fn repairing_saves_every_whole_row_and_names_the_others() {
    let (folder, base, queries) = built();
    folder.json("delete a.omen 3");
    damage_graph(&folder);
    damage_row(&folder, &base[77]);
    let damaged = contents(&folder);
    assert_eq!(folder.run("verify a.omen").code, 1);

    let ran = folder.run("repair a.omen saved.omen --json");
    assert_eq!(ran.code, 1, "{ran:?}");
    let repaired: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(repaired["count"], json!(598));
    let lost = repaired["lost"].as_array().unwrap();
    let what = lost[0].as_str().unwrap();
    assert!(lost.len() == 1 && what.contains("a.omen") && what.contains("77"), "{lost:?}");
    assert!(contents(&folder) == damaged, "repairing changed the damaged database");

    assert_eq!(folder.json("verify saved.omen")["ok"], json!(true));
    assert_eq!(exact(&folder, "saved.omen", 10), expected(&base, &queries, |id| id != 3 && id != 77, 10));
    assert_eq!(folder.json("info saved.omen")["graph"]["rows"], json!(598));
    let ran = folder.run("repair a.omen again.omen");
    assert!(ran.stdout.contains("598 rows saved in again.omen"), "{ran:?}");
}

#[test]
fn verify_measures_the_recall_that_a_scan_finds() {
    let folder = Folder::new();
    let base = rows(2500, 8, 5);
    folder.write_rows("base.fbin", &base, NumberKind::F32);
    folder.json("build a.omen base.fbin --degree 8 --build-width 12");
    let told = folder.json("verify a.omen --recall 2500")["recall"].clone();
    assert_eq!((&told["asked"], &told["k"], &told["width"]), (&json!(2500), &json!(10), &json!(64)));

    let found = folder.json("search a.omen base.fbin -k 10 --width 64");
    let far = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum() };
    let counted = base.iter().zip(found["hits"].as_array().unwrap()).map(|(query, hits)| {
        let last = nearest(&base, query, 10)[9] as usize;
        let near = |hit: &&Value| far(&base[hit["id"].as_u64().unwrap() as usize], query) <= far(&base[last], query);
        hits.as_array().unwrap().iter().filter(near).count()
    });
    let recall = counted.sum::<usize>() as f64 / 25_000.0;
    assert!((told["recall"].as_f64().unwrap() - recall).abs() < 1e-9, "{told}, {recall} by a scan");
    let ran = folder.run("verify a.omen --recall");
    assert!(ran.stdout.contains("recall@10 at width 64") && ran.stdout.contains("100 rows as queries"), "{ran:?}");
    assert_eq!(folder.json("verify a.omen")["recall"], Value::Null);
}

#[test]
fn a_graph_is_no_loss() {
    let (folder, base, queries) = built();
    damage_graph(&folder);
    assert_eq!(folder.run("verify a.omen").code, 1);
    let repaired = folder.json("repair a.omen saved.omen");
    assert_eq!((&repaired["count"], &repaired["lost"]), (&json!(600), &json!([])));
    assert_eq!(folder.json("verify saved.omen")["ok"], json!(true));
    assert_eq!(exact(&folder, "saved.omen", 10), expected(&base, &queries, |_| true, 10));
}

/// A segment's own checksums are at its end; those stored with the ids verify its rows.
#[test]
fn intact_rows_of_a_truncated_file_are_saved() {
    let (folder, ..) = built();
    let rows = folder.path("a.omen").join(&files(&folder, "rows")[0]);
    fs::File::options().write(true).open(rows).unwrap().set_len(4096 + 300 * 64).unwrap();
    let message = folder.refused("info a.omen", 3);
    assert!(message.contains("omendb repair"), "{message}");
    let ran = folder.run("verify a.omen");
    assert!(ran.code == 1 && ran.stdout.contains("omendb repair"), "{ran:?}");
    let ran = folder.run("repair a.omen saved.omen");
    assert!(ran.code == 1 && ran.stdout.contains("300 rows saved"), "{ran:?}");
}

#[test]
fn a_repair_that_cannot_begin_leaves_nothing() {
    let (folder, ..) = built();
    fs::create_dir(folder.path("empty")).unwrap();
    folder.json("build taken.omen base.fbin");
    let before = folder.names();
    for (line, said) in [
        ("repair nowhere.omen saved.omen", "nowhere.omen"),
        ("repair empty saved.omen", "empty"),
        ("repair query.fbin saved.omen", "query.fbin"),
        ("repair a.omen taken.omen", "taken.omen"),
        ("repair a.omen a.omen", "a.omen"),
        ("repair a.omen no/folder/saved.omen", "no/folder"),
    ] {
        let message = folder.refused(line, 3);
        assert!(message.contains(said), "{line}: {message}");
    }
    for name in ["MANIFEST.a", "MANIFEST.b"] {
        folder.write(&format!("a.omen/{name}"), "nonsense");
    }
    let message = folder.refused("repair a.omen saved.omen", 3);
    assert!(message.contains("MANIFEST"), "{message}");
    assert_eq!(folder.names(), before);
}

/// The names in `a.omen` that begin with `kind`.
fn files(folder: &Folder, kind: &str) -> Vec<String> {
    names_in(&folder.path("a.omen")).into_iter().filter(|name| name.starts_with(kind)).collect()
}

fn damage_graph(folder: &Folder) {
    let graphs = files(folder, "graph");
    assert_eq!(graphs.len(), 1);
    let name = format!("a.omen/{}", graphs[0]);
    let mut bytes = fs::read(folder.path(&name)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    folder.write(&name, bytes);
}

/// One bit of the stored `row`.
fn damage_row(folder: &Folder, row: &[f32]) {
    let stored: Vec<u8> = row.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut damaged = BTreeSet::new();
    for name in files(folder, "rows") {
        let name = format!("a.omen/{name}");
        let mut bytes = fs::read(folder.path(&name)).unwrap();
        if let Some(place) = bytes.windows(stored.len()).position(|window| window == stored) {
            bytes[place + 5] ^= 4;
            folder.write(&name, bytes);
            damaged.insert(name);
        }
    }
    assert_eq!(damaged.len(), 1, "the row is in no file or in several");
}

/// Names and bytes of `a.omen`.
fn contents(folder: &Folder) -> Vec<(String, Vec<u8>)> {
    let read = |name: String| (name.clone(), fs::read(folder.path("a.omen").join(name)).unwrap());
    files(folder, "").into_iter().map(read).collect()
}
