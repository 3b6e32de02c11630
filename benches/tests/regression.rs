//! `regression` neither passes where nothing was judged nor records what is broken.

use std::path::Path;
use std::process::Command;

/// The exit code and what it said, of a run of the smallest case.
fn run(baseline: &Path, more: &[&str]) -> (Option<i32>, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_omendb-benches"))
        .args(["regression", "--only", "1K x 128 in one batch", "--baseline"])
        .arg(baseline)
        .args(["--history", "/dev/null/history.jsonl"])
        .args(more)
        .output()
        .unwrap();
    (ran.status.code(), String::from_utf8(ran.stderr).unwrap())
}

#[test]
fn without_a_baseline_nothing_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let baseline = folder.path().join("basline.json");
    let (code, said) = run(&baseline, &[]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("basline.json: baseline not found; `--aa 3 --save` makes it"), "{said}");
}

#[test]
fn without_rounds_to_tell_the_noise_nothing_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let baseline = folder.path().join("baseline.json");
    for more in [&["--save"][..], &["--save", "--aa", "1"]] {
        let (code, said) = run(&baseline, more);
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("give `--aa 2` or more"), "{said}");
        assert!(!baseline.exists());
    }
}

#[test]
fn what_is_broken_is_told_and_not_saved() {
    let folder = tempfile::tempdir().unwrap();
    let baseline = folder.path().join("baseline.json");
    let text = r#"{"figures": {}, "speeds": {}}"#;
    std::fs::write(&baseline, text).unwrap();
    let scratch = folder.path().join("missing");
    let (code, said) = run(&baseline, &["--aa", "2", "--save", "--scratch", scratch.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{said}");
    for line in [
        "REGRESSION  1K x 128 in one batch: broken: ",
        "NOT JUDGED  1K x 128 in one batch: ",
        "not in the history: /dev/null/history.jsonl: ",
        "not recorded: 1K x 128 in one batch: broken: ",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert_eq!(std::fs::read_to_string(&baseline).unwrap(), text);
}
