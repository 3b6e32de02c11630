//! A build that is ended before it is done leaves nothing that stays.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use omendb_formats::NumberKind;
use rustix::process::{Pid, Signal, kill_process};

use crate::run::{Folder, names_in, rows};

/// Longer than anything here should take.
const PATIENCE: Duration = Duration::from_secs(60);

fn wait_until(folder: &Folder, child: &mut Child, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE && child.try_wait().unwrap().is_none(), "{:?}", folder.names());
        sleep(Duration::from_millis(1));
    }
}

/// Many rows, whose build takes longer than a signal to arrive, and few.
fn with_rows() -> Folder {
    let folder = Folder::new();
    folder.write_rows("base.fbin", &rows(20_000, 64, 1), NumberKind::F32);
    folder.write_rows("few.fbin", &rows(100, 64, 2), NumberKind::F32);
    folder
}

/// Begins a build of many rows, and waits until it has written some.
fn building(folder: &Folder) -> Child {
    let mut child =
        folder.command(&["build", "a.omen", "base.fbin"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until(folder, &mut child, || folder.path(".a.omen.omendb-draft/database/MANIFEST.a").exists());
    child
}

fn ended_by(folder: &Folder, signal: Signal) {
    let mut child = building(folder);
    kill_process(Pid::from_child(&child), signal).unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(signal.as_raw()));
}

#[test]
fn a_build_that_is_ended_leaves_nothing_that_stays() {
    let folder = with_rows();
    for signal in [Signal::INT, Signal::TERM] {
        ended_by(&folder, signal);
        assert_eq!(folder.names(), ["base.fbin", "few.fbin"]);
    }
    // No process can tidy up after itself here: the next one does.
    ended_by(&folder, Signal::KILL);
    assert_eq!(folder.names(), [".a.omen.omendb-draft", "base.fbin", "few.fbin"]);
    folder.json("build a.omen few.fbin");
    assert_eq!(folder.names(), ["a.omen", "base.fbin", "few.fbin"]);
}

#[test]
fn a_demo_that_is_ended_leaves_nothing() {
    let folder = Folder::new();
    let mut child = folder.command(&["demo"]).env("TMPDIR", folder.path(".")).stdout(Stdio::null()).spawn().unwrap();
    let begun = || folder.names().iter().any(|name| folder.path(name).join("demo.omen").exists());
    wait_until(&folder, &mut child, begun);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::INT.as_raw()));
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn one_place_has_one_builder() {
    let folder = with_rows();
    let mut first = building(&folder);
    let message = folder.refused("build a.omen few.fbin", 3);
    assert!(message.contains(&format!("process {}", first.id())), "{message}");
    assert!(names_in(&folder.path(".a.omen.omendb-draft/database")).contains(&"MANIFEST.a".into()));
    first.kill().unwrap();
    first.wait().unwrap();
}
