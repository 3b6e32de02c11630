//! What is printed where.

use std::process::Stdio;

use serde_json::Value;

use crate::journey::built;
use crate::run::nearest;

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
fn a_query_on_the_command_line_is_as_one_in_a_file() {
    let (folder, base, queries) = built();
    let ask = |text: &str| folder.run_args(&["search", "a.omen", text, "-k", "3", "--exact"]);
    let text = format!("{:?}", queries[4]);
    let found: Vec<u64> =
        ask(&text).stdout.lines().map(|line| line.split('\t').nth(1).unwrap().parse().unwrap()).collect();
    assert_eq!(found, nearest(&base, &queries[4], 3));
    for (wrong, why) in [("[1.0]", "found 1 value, expected 8"), ("[1.0, x]", "an array of numbers"), ("[", "EOF")] {
        let refused = ask(wrong);
        assert!(refused.code == 2 && refused.stderr.contains(why), "{wrong}: {refused:?}");
    }
}

#[test]
fn queries_on_stdin_are_answered_in_their_order() {
    let (folder, base, queries) = built();
    let lines: String = queries.iter().map(|query| format!("{query:?}\n")).collect();
    let ran = folder.piped("search a.omen - -k 3 --exact --rounds 1", &lines);
    assert_eq!(ran.code, 0, "{ran:?}");
    let found: Vec<(usize, u64)> = ran
        .stdout
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .map(|fields| (fields[0].parse().unwrap(), fields[1].parse().unwrap()))
        .collect();
    // All of them: more than are printed of a file.
    let expected: Vec<(usize, u64)> = queries
        .iter()
        .enumerate()
        .flat_map(|(i, query)| nearest(&base, query, 3).into_iter().map(move |id| (i, id)))
        .collect();
    assert_eq!(found, expected);
    for (wrong, why) in [
        ("", "stdin: found no queries"),
        ("[1, 2]\n", "stdin: line 1: found 2 values, expected 8"),
        ("[1, 2, 3, 4, 5, 6, 7, 8]\nx\n", "stdin: line 2: expected an array of numbers"),
        ("[1e39, 2, 3, 4, 5, 6, 7, 8]\n", "stdin: query 0"),
    ] {
        let refused = folder.piped("search a.omen -", wrong);
        assert!(refused.code == 3 && refused.stderr.contains(why), "{wrong}: {refused:?}");
    }
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
        ("search a.omen query.fbin --rounds 1", 0),
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
        let said = String::from_utf8(output.stderr).unwrap();
        // Only the summary of a search, whose hits go to stdout.
        assert!(said.is_empty() || line.ends_with("--rounds 1") && said.contains("20 queries"), "{line}: {said}");
    }
    assert_eq!(std::fs::read_to_string(folder.path("hits.jsonl")).unwrap().lines().count(), 20);
}

#[test]
fn hits_are_lines_on_stdout_and_the_summary_follows_on_stderr() {
    let (folder, base, queries) = built();
    let ran = folder.run("search a.omen query.fbin -k 3 --exact --rounds 1");
    let lines: Vec<Vec<&str>> = ran.stdout.lines().map(|line| line.split('\t').collect()).collect();
    // Of the first ten queries.
    assert_eq!(lines.len(), 30, "{}", ran.stdout);
    for (i, line) in lines.iter().enumerate() {
        let id = nearest(&base, &queries[i / 3], 3)[i % 3];
        assert_eq!((line[0], line[1]), ((i / 3).to_string().as_str(), id.to_string().as_str()), "line {i}");
        let exact: f32 = base[id as usize].iter().zip(&queries[i / 3]).map(|(a, b)| (a - b) * (a - b)).sum();
        let said: f32 = line[2].parse().unwrap();
        assert!((said - exact).abs() <= exact * 5.1e-4, "{said} for {exact}");
    }
    for said in ["20 queries, the 3 nearest of 600 rows", "10 more queries", "queries/s"] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    let summary = folder.run("search a.omen query.fbin --out hits.jsonl --rounds 1");
    assert!(summary.stdout.contains("queries/s") && summary.stderr.is_empty(), "{summary:?}");
}
