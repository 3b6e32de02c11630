//! What the system and other programs do to a run: limits, files that change, runs that were killed.

use std::fs;

use omendb_engine::Lock;

use crate::run::Folder;

fn many_rows(folder: &Folder, name: &str, rows: usize) {
    let header = [(rows as u32).to_le_bytes(), 32u32.to_le_bytes()].concat();
    let values = (0..rows * 32).flat_map(|i| ((i * 7 % 101) as f32).to_le_bytes());
    fs::write(folder.path(name), header.into_iter().chain(values).collect::<Vec<u8>>()).unwrap();
}

/// In a shell, with limits.
fn limited(folder: &Folder, limit: &str, line: &str) -> (Option<i32>, String) {
    let binary = env!("CARGO_BIN_EXE_omendb");
    let ran = std::process::Command::new("sh")
        .args(["-c", &format!("ulimit {limit}; exec {binary} {line}")])
        .current_dir(folder.path("."))
        .output()
        .unwrap();
    (ran.status.code(), String::from_utf8(ran.stderr).unwrap())
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error() {
    let folder = Folder::new();
    many_rows(&folder, "rows.fbin", 2000);
    for limit in ["-f 2000", "-f 0"] {
        let (code, told) = limited(&folder, limit, "build some.omen rows.fbin");
        assert_eq!(code, Some(3), "{limit}: {told}");
        assert!(told.contains("File too large"), "{told}");
        assert!(!folder.path("some.omen").exists());
    }
    assert_eq!(folder.run("build some.omen rows.fbin").code, 0);
    let (code, told) = limited(&folder, "-f 100", "export some.omen out.fbin");
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("File too large") && !folder.path("out.fbin").exists(), "{told}");
}

#[test]
fn more_threads_than_any_machine_has_are_refused() {
    let folder = Folder::new();
    many_rows(&folder, "rows.fbin", 20);
    assert_eq!(folder.run("build some.omen rows.fbin").code, 0);
    for line in ["build other.omen rows.fbin --threads 65000", "verify some.omen --threads 65000"] {
        let ran = folder.run(line);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains("--threads: found 65000, expected 0 (one a processor) to 4096"), "{ran:?}");
    }
    assert!(!folder.path("other.omen").exists());
}

#[test]
fn what_killed_runs_left_goes_with_the_next() {
    let folder = Folder::new();
    many_rows(&folder, "rows.fbin", 20);
    let [killed, living, making, other] =
        [".killed.omen.omendb-draft", ".living.omen.omendb-draft", ".making.omen.omendb-draft", ".other.draft"]
            .map(|name| folder.path(name));
    for draft in [&killed, &living, &making, &other] {
        fs::create_dir_all(draft.join("database")).unwrap();
        fs::write(draft.join("database/rows.000000"), "rows").unwrap();
    }
    for draft in [&killed, &other] {
        fs::write(draft.join("LOCK"), "1\n").unwrap();
    }
    let held = Lock::of(&living).unwrap();
    assert_eq!(folder.run("build some.omen rows.fbin").code, 0);
    assert!(!killed.exists());
    assert!(living.exists() && making.exists() && other.exists());
    drop(held);
    assert_eq!(folder.run("build more.omen rows.fbin").code, 0);
    assert!(!living.exists());
}

#[test]
fn a_file_that_is_cut_while_it_is_read_ends_no_run() {
    let folder = Folder::new();
    many_rows(&folder, "whole.fbin", 50_000);
    for wait in [0, 5, 20, 60, 150] {
        fs::copy(folder.path("whole.fbin"), folder.path("rows.fbin")).unwrap();
        let child = folder.command(&["build", "some.omen", "rows.fbin", "--force", "-q"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        fs::File::options().write(true).open(folder.path("rows.fbin")).unwrap().set_len(100_000).unwrap();
        let code = child.wait_with_output().unwrap().status.code();
        assert!(matches!(code, Some(0 | 3)), "cut after {wait} ms: {code:?}");
        if code == Some(0) {
            assert_eq!(folder.run("verify some.omen").code, 0);
        }
    }
}

/// With any number of files that may be open: rows are in and the run succeeds, perhaps with a warning, or
/// none are in and it fails.
#[test]
fn rows_that_are_in_are_not_called_refused() {
    let (mut warned, mut refused) = (0, 0);
    for line in ["add some.omen more.fbin -q", "delete some.omen 1 2 3 -q"] {
        for files in 6..30 {
            let folder = Folder::new();
            many_rows(&folder, "rows.fbin", 20);
            many_rows(&folder, "more.fbin", 7);
            assert_eq!(folder.run("build some.omen rows.fbin").code, 0);
            let (code, told) = limited(&folder, &format!("-n {files}"), line);
            let case = format!("{line} with {files} files: {code:?} {told}");
            let count = folder.json("info some.omen")["count"].as_u64().unwrap();
            let (done, said) = if line.starts_with("add") { (27, "7 rows added") } else { (17, "3 rows deleted") };
            match code {
                Some(0) => assert_eq!(count, done, "{case}"),
                _ => assert_eq!(count, 20, "{case}"),
            }
            if code == Some(0) && !told.is_empty() {
                assert!(told.starts_with("warning: ") && told.contains(said) && told.contains("some.omen"), "{case}");
                warned += 1;
            }
            if code == Some(3) {
                assert!(told.starts_with("error: "), "{case}");
                refused += 1;
            }
            assert_eq!(folder.run("verify some.omen").code, 0, "{case}");
        }
    }
    assert!(warned >= 2 && refused >= 2, "{warned} warned, {refused} refused");
}
