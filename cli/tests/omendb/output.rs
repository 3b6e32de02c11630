//! What is printed where.

use std::process::Stdio;

use serde_json::Value;

use crate::journey::built;

const LINES: [&str; 8] = [
    "info a.omen",
    "verify a.omen",
    "ids a.omen",
    "get a.omen 3",
    "search a.omen query.fbin --rounds 1",
    "truth base.fbin query.fbin --out t.ibin",
    "export a.omen out.jsonl",
    "build b.omen base.fbin --force",
];

#[test]
fn people_get_text_programs_one_object_quiet_ones_nothing() {
    let (folder, ..) = built();
    for line in LINES {
        let text = folder.run(line);
        assert!(!text.stdout.is_empty() && text.code == 0, "{line}: {text:?}");
        let quiet = folder.run(&format!("{line} --quiet"));
        assert_eq!((quiet.code, quiet.stdout.as_str()), (0, ""), "{line}");
        let json = folder.run(&format!("--json {line} --quiet"));
        assert!(serde_json::from_str::<Value>(&json.stdout).unwrap().is_object(), "{line}");
    }
}

#[test]
fn ids_and_rows_are_lines_that_other_programs_read() {
    let (folder, base, _) = built();
    let ids = folder.run("ids a.omen").stdout;
    assert!(ids.lines().enumerate().all(|(i, line)| line == i.to_string()));
    let row: Vec<f32> = folder.run("get a.omen 3").stdout.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(row, base[3]);
}

#[test]
fn a_reader_that_goes_away_changes_nothing_of_the_work_and_its_outcome() {
    let (folder, ..) = built();
    for (line, code) in [
        ("ids a.omen", 0),
        ("ids a.omen --json", 0),
        ("info a.omen", 0),
        ("--help", 0),
        ("search a.omen query.fbin --out hits.jsonl", 0),
        ("get a.omen 600", 1),
    ] {
        let mut child = folder
            .command(&line.split(' ').collect::<Vec<_>>())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{line}");
        assert!(output.stderr.is_empty(), "{line}");
    }
    assert_eq!(std::fs::read_to_string(folder.path("hits.jsonl")).unwrap().lines().count(), 20);
}
