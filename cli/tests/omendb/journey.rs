//! What a newcomer does: demo, build, search, truth, add, delete, get, ids, info, verify, export.

use omendb_formats::{Ids, NumberKind, VectorFile, read_ids, read_truth};
use serde_json::{Value, json};

use crate::run::{Folder, nearest, rows};

/// A folder with 600 rows, 20 queries and a database of the rows.
pub(crate) fn built() -> (Folder, Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let folder = Folder::new();
    let (base, queries) = (rows(600, 8, 1), rows(20, 8, 2));
    folder.write_rows("base.fbin", &base, NumberKind::F32);
    folder.write_rows("query.fbin", &queries, NumberKind::F32);
    folder.json("build a.omen base.fbin");
    (folder, base, queries)
}

fn has_fields(object: &Value, fields: &str) {
    for field in fields.split_whitespace() {
        assert!(object.get(field).is_some(), "no {field} in {object}");
    }
}

#[test]
fn demo_reaches_its_recall_and_says_so() {
    let folder = Folder::new();
    for options in ["", "--metric cosine", "--type u8", "--type f16 --metric cosine"] {
        let demo = folder.json(&format!("demo --rows 3000 --dim 24 {options}"));
        has_fields(&demo, "rows dim build_seconds rows_per_second reopen_seconds recall width qps runs");
        assert_eq!((&demo["rows"], &demo["dim"]), (&json!(3000), &json!(24)));
        assert!(demo["recall"].as_f64().unwrap() >= 0.95, "{options}: {demo}");
    }
    assert!(folder.names().is_empty(), "the demo left something behind");
    let ran = folder.run("demo --rows 500 --dim 4");
    for said in ["500 clustered rows", "rows/s", "queries/s", "recall@10", "width", "omendb build"] {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
}

#[test]
fn demo_takes_the_smallest_sizes() {
    let folder = Folder::new();
    for line in ["demo --rows 1 --dim 1", "demo --rows 11 --dim 3", "demo --rows 40 --dim 1"] {
        assert_eq!(folder.json(line)["recall"], json!(1.0), "{line}");
    }
}

#[test]
fn demo_keeps_the_database_where_it_is_told_to() {
    let folder = Folder::new();
    folder.json("demo --rows 300 --dim 5 --path kept.omen");
    assert_eq!(folder.json("info kept.omen")["count"], json!(300));
    let message = folder.refused("demo --rows 300 --dim 5 --path kept.omen", 3);
    assert!(message.contains("kept.omen"), "{message}");
}

#[test]
fn build_search_and_truth_agree_with_the_oracle() {
    let (folder, base, queries) = built();
    let report = folder.json("build b.omen base.fbin --degree 16 --build-width 50 --seed 7");
    has_fields(&report, "rows dim type metric seconds rows_per_second peak_bytes disk_bytes graph_hash");
    assert_eq!(report["type"], "f32");
    assert_eq!(report["metric"], "l2");
    assert!(report["disk_bytes"].as_u64().unwrap() >= 600 * 8 * 4);
    let again = folder.json("build c.omen base.fbin --degree 16 --build-width 50 --seed 7 --threads 1");
    assert_eq!(report["graph_hash"], again["graph_hash"]);

    let truth = folder.json("truth base.fbin query.fbin -k 20 --out truth.ibin");
    has_fields(&truth, "seconds out");
    let truth = read_truth(folder.path("truth.ibin")).unwrap();
    assert_eq!((truth.rows(), truth.k()), (20, 20));
    for (i, query) in queries.iter().enumerate() {
        let found: Vec<u64> = truth.row(i).iter().map(|&row| row.into()).collect();
        assert_eq!(found, nearest(&base, query, 20), "query {i}");
    }

    let exact = folder.json("search a.omen query.fbin --exact --truth truth.ibin");
    assert_eq!(exact["runs"][0]["recall"], json!(1.0));
    assert!(exact.get("hits").is_none());
    let sweep = folder.json("search a.omen query.fbin --truth truth.ibin --width 2,10,40,600 -k 5");
    assert_eq!((&sweep["k"], &sweep["queries"]), (&json!(5), &json!(20)));
    let runs = sweep["runs"].as_array().unwrap();
    let widths: Vec<_> = runs.iter().map(|run| run["width"].as_u64().unwrap()).collect();
    assert_eq!(widths, [5, 10, 40, 600]);
    for run in runs {
        has_fields(run, "width recall qps p50_us p99_us mean_distances mean_hops");
        assert!(run["qps"].as_f64().unwrap() > 0.0 && run["mean_distances"].as_f64().unwrap() > 1.0);
        assert!(run["p50_us"].as_f64().unwrap() <= run["p99_us"].as_f64().unwrap());
    }
    // As wide as the database: every row is looked at.
    assert_eq!(runs[3]["recall"], json!(1.0));

    let goal = folder.json("search a.omen query.fbin --truth truth.ibin --recall 0.99");
    let last = goal["runs"].as_array().unwrap().last().unwrap().clone();
    assert!(last["recall"].as_f64().unwrap() >= 0.99);

    // Widths end with the first at which every row is looked at: no wider search finds more.
    folder.json("truth base.fbin query.fbin -k 10 --metric cosine --out other.ibin");
    for how in ["", "--batch"] {
        let ran =
            folder.run(&format!("search a.omen query.fbin --truth other.ibin --recall 1 --rounds 1 {how} --json"));
        assert_eq!(ran.code, 1, "{ran:?}");
        let runs = serde_json::from_str::<Value>(&ran.stdout).unwrap()["runs"].as_array().unwrap().clone();
        let widths: Vec<_> = runs.iter().map(|run| run["width"].as_u64().unwrap()).collect();
        assert!(widths.len() > 3 && *widths.last().unwrap() < 100, "{widths:?}");
    }
}

#[test]
fn row_numbers_hold_whatever_the_ids_are_and_whatever_is_gone() {
    let (folder, base, queries) = built();
    folder.json("truth base.fbin query.fbin -k 10 --out truth.ibin");
    let recall = |db: &str, truth: &str| {
        folder.json(&format!("search {db} query.fbin --exact --truth {truth}"))["runs"][0]["recall"].clone()
    };
    // Neither is a place; both are in the order of places, which decides between equal distances.
    let numbers: String = (0..600).map(|row| format!("{}\n", 7 * row + 3)).collect();
    let texts: String = (0..600).map(|row| format!("row {row:03}\n")).collect();
    for (db, ids) in [("numbers.omen", numbers), ("texts.omen", texts)] {
        folder.write("ids.txt", ids);
        folder.json(&format!("build {db} base.fbin --ids ids.txt"));
        assert_eq!(recall(db, "truth.ibin"), json!(1.0));
        folder.json(&format!("search {db} query.fbin --exact --out again.ibin"));
        assert_eq!(
            std::fs::read(folder.path("again.ibin")).unwrap(),
            std::fs::read(folder.path("truth.ibin")).unwrap()
        );
    }

    let gone = nearest(&base, &queries[0], 1)[0];
    folder.json(&format!("delete a.omen {gone}"));
    folder.run_args(&["delete", "texts.omen", &format!("row {gone:03}")]);
    for step in ["info", "compact"] {
        folder.json(&format!("{step} a.omen"));
        let message = folder.refused("search a.omen query.fbin --truth truth.ibin", 3);
        assert!(message.contains("truth.ibin") && message.contains(&gone.to_string()), "{message}");
        folder.json("search a.omen query.fbin --exact --out now.ibin");
        assert_eq!(recall("a.omen", "now.ibin"), json!(1.0));

        folder.json(&format!("{step} texts.omen"));
        for with in ["--truth truth.ibin", "--out now.ivecs"] {
            let message = folder.refused(&format!("search texts.omen query.fbin {with}"), 3);
            assert!(message.contains("string ids") && message.contains(".jsonl"), "{message}");
        }
    }
}

#[test]
fn answers_are_the_same_from_threads_batches_and_one_by_one() {
    let (folder, base, queries) = built();
    let mut answers = Vec::new();
    for how in ["", "--batch", "--threads 3", "--batch --threads 3", "--isa portable"] {
        let found = folder.json(&format!("search a.omen query.fbin -k 4 --width 600 {how}"));
        answers.push(found["hits"].clone());
    }
    for (i, query) in queries.iter().enumerate() {
        let ids: Vec<_> = answers[0][i].as_array().unwrap().iter().map(|hit| hit["id"].as_u64().unwrap()).collect();
        assert_eq!(ids, nearest(&base, query, 4), "query {i}");
    }
    assert!(answers.iter().all(|answer| answer == &answers[0]));

    folder.json("search a.omen query.fbin -k 4 --exact --out hits.ibin");
    let written = read_truth(folder.path("hits.ibin")).unwrap();
    for (i, query) in queries.iter().enumerate() {
        assert!(written.row(i).iter().map(|&row| u64::from(row)).eq(nearest(&base, query, 4)));
    }
    folder.json("search a.omen query.fbin -k 4 --exact --out hits.jsonl");
    let lines = std::fs::read_to_string(folder.path("hits.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 20);
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["query"], json!(0));
    assert_eq!(first["hits"][0]["id"], json!(nearest(&base, &queries[0], 1)[0]));
}

#[test]
fn rows_are_added_replaced_read_and_deleted() {
    let (folder, base, _) = built();
    folder.write_rows("more.fbin", &rows(30, 8, 3), NumberKind::F32);
    let added = folder.json("add a.omen more.fbin");
    assert_eq!((&added["count"], &added["added"]), (&json!(630), &json!(30)));
    assert_eq!(folder.json("get a.omen 629")["vector"], json!(rows(30, 8, 3)[29]));

    folder.write("some.txt", "5\n6\n7000\n");
    folder.write_rows("three.fbin", &rows(3, 8, 4), NumberKind::F32);
    let message = folder.refused("add a.omen three.fbin --ids some.txt", 3);
    assert!(message.contains("some.txt") && message.contains("id 5 of row 0"), "{message}");
    assert_eq!(folder.json("info a.omen")["count"], json!(630));
    let upserted = folder.json("add a.omen three.fbin --ids some.txt --upsert");
    assert_eq!((&upserted["count"], &upserted["replaced"]), (&json!(631), &json!(2)));
    assert_eq!(folder.json("get a.omen 6")["vector"], json!(rows(3, 8, 4)[1]));
    assert_eq!(folder.json("get a.omen 4")["vector"], json!(base[4]));

    let deleted = folder.json("delete a.omen 4 4 99999");
    assert_eq!((&deleted["deleted"], &deleted["missing"], &deleted["count"]), (&json!(1), &json!(1), &json!(630)));
    assert_eq!(folder.json("delete a.omen --ids some.txt")["count"], json!(627));
    let ran = folder.run("get a.omen 4 --json");
    assert_eq!(ran.code, 1);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer, json!({ "id": 4, "vector": null, "count": 627 }));

    let ids = folder.json("ids a.omen");
    assert_eq!(ids["count"], json!(627));
    let expected: Vec<u64> = (0..630).filter(|id| ![4, 5, 6].contains(id)).collect();
    assert_eq!(ids["ids"], json!(expected));
    let verified = folder.json("verify a.omen");
    assert_eq!((&verified["ok"], &verified["problems"]), (&json!(true), &json!([])));
}

#[test]
fn export_and_build_keep_every_row_and_id() {
    let folder = Folder::new();
    let base = rows(50, 3, 9);
    folder.write_rows_with_ids("in.jsonl", &base, NumberKind::F32, |row| 1000 - row as u64);
    folder.json("build a.omen in.jsonl --type u8 --metric cosine");
    let exported = folder.json("export a.omen out.jsonl --ids out.txt");
    assert_eq!(exported["count"], json!(50));
    let file = VectorFile::open(folder.path("out.jsonl")).unwrap();
    let ids: Vec<u64> = (0..50).map(|row| 1000 - row).collect();
    assert_eq!(file.ids(), Some(&Ids::U64(ids.clone())));
    assert_eq!(read_ids(folder.path("out.txt")).unwrap(), Ids::U64(ids));
    for name in ["out.u8bin", "out.fbin", "out.npy", "out.fvecs", "out.f16bin", "out.jsonl"] {
        folder.json(&format!("export a.omen {name}"));
        let file = VectorFile::open(folder.path(name)).unwrap();
        let mut row = Vec::new();
        for (i, expected) in base.iter().enumerate() {
            file.view().row_f32(i, &mut row);
            assert_eq!(&row, expected, "{name} row {i}");
        }
    }
    let message = folder.refused("export a.omen out.i8bin", 3);
    assert!(message.contains("out.i8bin") && message.contains("-128 to 127"), "{message}");
    assert!(!folder.names().contains(&"out.i8bin".to_owned()));
    folder.json("build b.omen out.jsonl --type u8 --metric cosine");
    assert_eq!(folder.json("ids b.omen"), folder.json("ids a.omen"));
}

#[test]
fn string_ids_are_matched_with_row_numbers() {
    let folder = Folder::new();
    let (base, queries) = (rows(100, 4, 5), rows(6, 4, 6));
    folder.write_rows("base.u8bin", &base, NumberKind::U8);
    folder.write_rows("query.u8bin", &queries, NumberKind::U8);
    let names: String = (0..100).map(|row| format!("row {row}\n")).collect();
    folder.write("names.txt", names);
    folder.json("build a.omen base.u8bin --ids names.txt");
    folder.json("truth base.u8bin query.u8bin -k 10 --out truth.ivecs");
    let exact = folder.json("search a.omen query.u8bin --exact --truth truth.ivecs");
    assert_eq!(exact["runs"][0]["recall"], json!(1.0));
    let hits = folder.json("search a.omen query.u8bin --exact -k 1");
    let expected = format!("row {}", nearest(&base, &queries[0], 1)[0]);
    assert_eq!(hits["hits"][0][0]["id"], json!(expected));
    let got = folder.run_args(&["get", "a.omen", "row 7", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&got.stdout).unwrap()["vector"], json!(base[7]));
    let message = folder.refused("add a.omen base.u8bin", 3);
    assert!(message.contains("--ids"), "{message}");
    folder.json("delete a.omen --ids names.txt");
    assert_eq!(folder.json("info a.omen")["count"], json!(0));
}

#[test]
fn info_accounts_for_the_bytes() {
    let (folder, ..) = built();
    let info = folder.json("info a.omen");
    has_fields(&info, "count dim type metric ids isa graph disk disk_bytes memory memory_bytes");
    assert_eq!((&info["count"], &info["dim"]), (&json!(600), &json!(8)));
    let sum: u64 = info["disk"].as_object().unwrap().values().map(|v| v.as_u64().unwrap()).sum();
    assert_eq!(info["disk_bytes"], json!(sum));
    let text = folder.run("info a.omen").stdout;
    for said in ["600 × 8 f32", "l2", "instruction set", "graph"] {
        assert!(text.contains(said), "{said}: {text}");
    }
}
