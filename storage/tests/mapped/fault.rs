//! Crashes and failures at every point of random workloads: what opens again is a state that was
//! acknowledged, or the one that was just being written, whole.
//!
//! `OMENDB_FAULT_SEEDS=N` runs N workloads instead of a few.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use omendb_storage::mapped::Mapped;
use omendb_storage::{BlobSource, Commit, Durability, IdColumn, IdKind, Packed, Schema, Storage, StorageError};

use crate::image::scratch;
use crate::kit::{Contents, Model, contents, made_row, schema};
use crate::simulated::{CRASHES, Crash, Dice, Fault, Simulated, crashed};

/// Short, so that a torn write of several sectors spans several rows.
const ROW: usize = 100;

/// What a reopened database is compared with: its rows, and its blob.
type State = (Contents, Option<Vec<u8>>);

fn seeds(default: u64) -> u64 {
    std::env::var("OMENDB_FAULT_SEEDS").map_or(default, |n| n.parse().expect("a number of workloads"))
}

fn state(db: &Mapped) -> State {
    (contents(&db.view()), db.blob("graph").unwrap().map(|blob| blob.to_vec()))
}

/// What happened: the states in order, each with the moments at which its call began and returned,
/// and whether it was on the medium by then.
struct History {
    states: Vec<(usize, usize, bool, State)>,
    /// States of calls that failed, which only a failed sync may have left on the medium.
    doubtful: Vec<State>,
    poisoned: bool,
    failures: usize,
}

/// Runs a workload of `steps` calls. Every call is either acknowledged or changes nothing.
fn run(
    medium: &Simulated,
    path: &Path,
    durability: Durability,
    seed: u64,
    steps: usize,
) -> Result<History, StorageError> {
    let mut dice = Dice(seed);
    let kind = if seed.is_multiple_of(2) { IdKind::U64 } else { IdKind::Text };
    let db = Mapped::create_on(Arc::new(medium.clone()), path, &schema(ROW, kind), durability)?;
    let mut history = History {
        states: vec![(0, medium.moment(), true, state(&db))],
        doubtful: Vec::new(),
        poisoned: false,
        failures: 0,
    };
    for step in 0..steps as u64 {
        let before = state(&db);
        let began = medium.moment();
        let view = db.view();
        let mut expected = before.clone();
        let (done, synced) = match dice.roll(12) {
            0 | 1 => {
                let bytes = made_row(seed ^ step, 1, dice.roll(3000) as usize);
                let write = |out: &mut dyn Write| out.write_all(&bytes);
                expected.1 = Some(bytes.clone());
                (db.checkpoint(&view, &[BlobSource { name: "graph", write: &write }]), true)
            }
            2 => {
                expected = (Vec::new(), None);
                (db.clear().map(drop), true)
            }
            3 => {
                let order: Vec<u32> = view.living().collect();
                expected = (order.iter().map(|slot| before.0[*slot as usize].clone()).collect(), None);
                (db.compact(&view, &order, &[]).map(drop), true)
            }
            4 if durability == Durability::Os => (db.sync(), true),
            chance => {
                // Every few batches one that is too long to travel in the log.
                let rows = if chance == 5 { 3000 } else { dice.roll(12) as usize };
                let bytes = made_row(seed, step as usize, rows * ROW);
                let numbers: Vec<u64> = (0..rows as u64).map(|row| step * 10_000 + row).collect();
                let texts: Vec<String> = numbers.iter().map(u64::to_string).collect();
                let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
                let ids = if kind == IdKind::U64 { IdColumn::U64(&numbers) } else { IdColumn::Text(&borrowed) };
                let dead: Vec<u32> = view.living().filter(|_| dice.roll(6) == 0).collect();
                for slot in &dead {
                    expected.0[*slot as usize].2 = true;
                }
                for row in 0..rows {
                    expected.0.push((ids.get(row).to_string(), bytes[row * ROW..(row + 1) * ROW].to_vec(), false));
                }
                let commit = Commit { rows: &Packed::new(&bytes, ROW), ids, dead: &dead };
                (db.commit(commit).map(drop), durability == Durability::Sync)
            }
        };
        match done {
            Ok(()) => {
                assert_eq!(state(&db), expected, "step {step}");
                history.states.push((began, medium.moment(), synced, expected));
            }
            Err(error) => {
                assert!(medium.struck(), "step {step}: {error}");
                assert_eq!(state(&db), before, "a call that failed with {error} changed something");
                history.failures += 1;
                history.poisoned |= matches!(error, StorageError::Poisoned { .. });
                history.doubtful.push(expected);
            }
        }
    }
    // A failed sync shows in the next call only; ask.
    history.poisoned |= matches!(db.sync(), Err(StorageError::Poisoned { .. }));
    Ok(history)
}

/// States that a crash at `moment` may leave: the newest acknowledged, with `Os` any since the
/// last that was synced, and the one being written.
fn allowed(history: &History, moment: usize, crash: Crash) -> Vec<&State> {
    let acknowledged = history.states.iter().rposition(|(_, returned, ..)| *returned <= moment);
    let Some(last) = acknowledged else {
        return Vec::new();
    };
    let synced =
        if crash == Crash::Process { last } else { (0..=last).rev().find(|i| history.states[*i].2).unwrap_or(0) };
    let in_flight = history.states.get(last + 1).filter(|(began, ..)| *began < moment);
    history.states[synced..=last].iter().chain(in_flight).map(|(.., state)| state).collect()
}

#[test]
fn a_crash_at_any_point_leaves_an_acknowledged_state() {
    let (mut points, mut recovered) = (0, 0);
    for seed in 0..seeds(4) {
        for durability in [Durability::Sync, Durability::Os] {
            let dir = scratch();
            let medium = Simulated::default();
            let history = run(&medium, &dir.path().join("work"), durability, seed, 12).unwrap();
            let done = medium.done();
            let images = scratch();
            for moment in 0..=done.len() {
                for crash in CRASHES {
                    points += 1;
                    let what = format!("seed {seed} {durability:?} {crash:?} after {moment} of {}", done.len());
                    let mut dice = Dice(seed << 32 | (moment as u64) << 2);
                    let path = crashed(&done, moment, crash, &mut dice).put(&images);
                    let allowed = allowed(&history, moment, crash);
                    if allowed.is_empty() {
                        // The database was still being made: it is there, empty, or it is not.
                        match Mapped::open(&path, durability) {
                            Ok(db) => assert_eq!(state(&db), (Vec::new(), None), "{what}"),
                            Err(StorageError::NotADatabase { .. }) => {
                                drop(Mapped::create(&path, &schema(ROW, IdKind::U64), durability).expect(&what));
                            }
                            Err(error) => panic!("{what}: {error}"),
                        }
                        continue;
                    }
                    let db = Mapped::open(&path, durability).unwrap_or_else(|error| panic!("{what}: {error}"));
                    let found = state(&db);
                    assert!(allowed.contains(&&found), "{what}: {} slots", found.0.len());
                    assert_eq!(db.verify(), [], "{what}");
                    recovered += 1;
                    if moment % 7 == 0 {
                        write_on(db, &path, durability, found, &what);
                    }
                }
            }
        }
    }
    println!("{points} crashes, {recovered} databases recovered");
}

#[test]
fn what_a_recovery_has_shown_survives_the_next_crash() {
    let mut points = 0;
    for seed in 100..100 + seeds(4) {
        for durability in [Durability::Sync, Durability::Os] {
            let dir = scratch();
            let medium = Simulated::default();
            let history = run(&medium, &dir.path().join("work"), durability, seed, 12).unwrap();
            let (_, made, ..) = history.states[0];
            let done = medium.done();
            let images = scratch();
            for moment in (made..=done.len()).step_by(3) {
                for checkpoint in [false, true] {
                    let what = format!("seed {seed} {durability:?} after {moment}, checkpoint: {checkpoint}");
                    let mut dice = Dice(seed << 32 | moment as u64);
                    // The process ends; what it wrote and did not sync stays with the system.
                    let path = crashed(&done, moment, Crash::Process, &mut dice).put(&images);
                    let medium = Simulated::resumed(&done[..moment]);
                    let db = Mapped::open_on(Arc::new(medium.clone()), &path, durability).expect(&what);
                    if checkpoint {
                        db.checkpoint(&db.view(), &[]).expect(&what);
                    }
                    let shown = contents(&db.view());
                    // Then the machine ends: while the database was opened, or after it.
                    let done = medium.done();
                    for during in moment..done.len() {
                        let path = crashed(&done, during, Crash::Tear, &mut dice).put(&images);
                        Mapped::open(&path, durability).unwrap_or_else(|error| panic!("{what}, {during}: {error}"));
                    }
                    let path = crashed(&done, done.len(), Crash::DropAll, &mut dice).put(&images);
                    let db = Mapped::open(&path, durability).unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert_eq!(contents(&db.view()), shown, "{what}");
                    assert_eq!(db.verify(), [], "{what}");
                    points += 1;
                }
            }
        }
    }
    println!("{points} crashes after a recovery");
    assert!(points > 300, "{points}: the test decides little");
}

/// After a process that ended within a flip, both slots of the manifest may agree in the page cache,
/// and one of them be there alone.
#[test]
fn a_manifest_that_was_not_synced_is_not_relied_upon() {
    let (work, first_images, images) = (scratch(), scratch(), scratch());
    // A slot of several sectors, so that it can be torn.
    let schema = Schema { user: vec![7; 900], ..schema(ROW, IdKind::U64) };
    let medium = Simulated::default();
    let path = work.path().join("work");
    drop(Mapped::create_on(Arc::new(medium.clone()), &path, &schema, Durability::Sync).unwrap());
    // One that was opened writes the other slot first.
    let db = Mapped::open_on(Arc::new(medium.clone()), &path, Durability::Sync).unwrap();
    let made = medium.moment();
    Model::new(ROW).commit(&db, 3, &[]).unwrap();
    db.checkpoint(&db.view(), &[]).unwrap();
    let done = medium.done();
    let mut points = 0;
    for moment in made..=done.len() {
        let path = crashed(&done, moment, Crash::Process, &mut Dice(0)).put(&first_images);
        let medium = Simulated::resumed(&done[..moment]);
        let db = Mapped::open_on(Arc::new(medium.clone()), &path, Durability::Sync).unwrap();
        Model::of(contents(&db.view()), ROW).commit(&db, 2, &[]).unwrap();
        let (acknowledged, shown) = (medium.moment(), contents(&db.view()));
        db.checkpoint(&db.view(), &[]).unwrap();
        let done = medium.done();
        for during in acknowledged..=done.len() {
            for seed in 0..8 {
                let what = format!("process ended after {moment}, machine after {during}, {seed}");
                let path = crashed(&done, during, Crash::Tear, &mut Dice(seed)).put(&images);
                let db = Mapped::open(&path, Durability::Sync).unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(contents(&db.view()), shown, "{what}");
                points += 1;
            }
        }
    }
    println!("{points} crashes after an unfinished flip");
}

/// A recovered database goes on as any other.
fn write_on(db: Mapped, path: &Path, durability: Durability, mut expected: State, what: &str) {
    let bytes = made_row(9, 9, 2 * ROW);
    let ids = match db.schema().ids {
        IdKind::U64 => IdColumn::U64(&[7, 8]),
        IdKind::Text => IdColumn::Text(&["7", "8"]),
    };
    db.commit(Commit { rows: &Packed::new(&bytes, ROW), ids, dead: &[] }).expect(what);
    expected.0.push(("7".into(), bytes[..ROW].to_vec(), false));
    expected.0.push(("8".into(), bytes[ROW..].to_vec(), false));
    drop(db);
    let db = Mapped::open(path, durability).expect(what);
    assert_eq!(state(&db), expected, "{what}, written on");
}

#[test]
fn a_failure_at_any_point_changes_nothing_that_was_acknowledged() {
    let (mut points, mut failures, mut poisoned) = (0, 0, 0);
    for seed in 0..seeds(4) {
        for durability in [Durability::Sync, Durability::Os] {
            let quiet = Simulated::default();
            run(&quiet, &scratch().path().join("work"), durability, seed, 10).unwrap();
            for at in 0..quiet.operations() {
                for (fault, lasting) in [(Fault::Error, false), (Fault::Full, false), (Fault::Full, true)] {
                    points += 1;
                    let what = format!("seed {seed} {durability:?} {fault:?} at {at}, lasting: {lasting}");
                    let dir = scratch();
                    let medium = Simulated::failing(at, fault, lasting);
                    let work = dir.path().join("work");
                    let history = match run(&medium, &work, durability, seed, 10) {
                        Ok(history) => history,
                        Err(error) => {
                            let typed = matches!(error, StorageError::Io { .. } | StorageError::Full { .. });
                            assert!(typed, "{what}: {error:?}");
                            continue;
                        }
                    };
                    failures += history.failures;
                    poisoned += usize::from(history.poisoned);
                    let last = &history.states.last().unwrap().3;
                    let mut possible = vec![last];
                    if history.poisoned {
                        possible.extend(&history.doubtful);
                    }
                    let resumed = Simulated::resumed(&medium.done());
                    let db = Mapped::open_on(Arc::new(resumed.clone()), &work, durability)
                        .unwrap_or_else(|error| panic!("{what}: {error}"));
                    let found = state(&db);
                    assert!(possible.contains(&&found), "{what}: {} slots, {} expected", found.0.len(), last.0.len());
                    assert_eq!(db.verify(), [], "{what}");
                    // What it shows once it is synced is on the medium, though a sync failed before.
                    db.sync().unwrap_or_else(|error| panic!("{what}: {error}"));
                    let done = resumed.done();
                    let path = crashed(&done, done.len(), Crash::DropAll, &mut Dice(at as u64)).put(&dir);
                    let after = Mapped::open(&path, durability).unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert_eq!(state(&after), found, "{what}, synced after reopening");
                    assert_eq!(after.verify(), [], "{what}, synced after reopening");
                    drop(after);
                    write_on(db, &work, durability, found, &what);
                    // The machine goes down too, before anybody looked.
                    for crash in [Crash::DropAll, Crash::Tear] {
                        let done = medium.done();
                        let path = crashed(&done, done.len(), crash, &mut Dice(at as u64)).put(&dir);
                        let mut possible = possible.clone();
                        let all = history.states.len() - 1;
                        let synced = (0..=all).rev().find(|i| history.states[*i].2).unwrap_or(0);
                        possible.extend(history.states[synced..].iter().map(|(.., state)| state));
                        let db = Mapped::open(&path, durability).unwrap_or_else(|error| panic!("{what}: {error}"));
                        assert!(possible.contains(&&state(&db)), "{what}, then {crash:?}");
                    }
                }
            }
        }
    }
    println!("{points} faults, {failures} calls failed, {poisoned} databases took no more writes");
}
