//! A medium that remembers what was done to it, so that a crash can be had at any moment, and
//! that fails when it is told to.
//!
//! Files are real (they have to be mapped), but what a crash leaves is worked out from the
//! journal: what was synced is there, of everything else any part may be.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use omendb_storage::medium::{Disk, Folder, Medium, MediumFile, Open};

use crate::image::{Content, Image};

/// One thing done to the medium. Files are numbered as they are opened under a new inode.
#[derive(Clone, Debug)]
pub(crate) enum Done {
    Create { name: String, inode: usize },
    Write { inode: usize, offset: u64, bytes: Vec<u8> },
    SetLen { inode: usize, length: u64 },
    Sync { inode: usize, failed: bool },
    Remove { name: String },
    Rename { from: String, to: String },
    SyncDir,
}

/// How a fault shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// An input/output error, told after a write was done.
    Error,
    /// No space left, half of a write done.
    Full,
}

#[derive(Default)]
struct Journal {
    done: Vec<Done>,
    inodes: BTreeMap<String, usize>,
    next_inode: usize,
    /// Operations that may still fail, counted from 0 as they come.
    seen: usize,
    fault: Option<(usize, Fault)>,
    /// Whether everything from the fault on fails, or that operation alone.
    lasting: bool,
    struck: bool,
}

/// The medium.
#[derive(Clone, Default)]
pub(crate) struct Simulated {
    journal: Arc<Mutex<Journal>>,
}

impl Simulated {
    /// Fails the operation of this number, or all from it on.
    pub(crate) fn failing(at: usize, fault: Fault, lasting: bool) -> Self {
        let simulated = Self::default();
        let mut journal = simulated.journal.lock().unwrap();
        (journal.fault, journal.lasting) = (Some((at, fault)), lasting);
        drop(journal);
        simulated
    }

    /// Goes on after `done`, over the files that a crash of the process leaves: what was not synced
    /// then still is not.
    pub(crate) fn resumed(done: &[Done]) -> Self {
        let simulated = Self::default();
        let mut journal = simulated.journal.lock().unwrap();
        done.iter().filter(|step| is_of_names(step)).for_each(|step| apply_name(&mut journal.inodes, step));
        journal.next_inode = done.iter().filter(|step| matches!(step, Done::Create { .. })).count();
        journal.done = done.to_vec();
        drop(journal);
        simulated
    }

    /// How many things were done, which is also a moment to crash at.
    pub(crate) fn moment(&self) -> usize {
        self.journal.lock().unwrap().done.len()
    }

    /// How many operations could have failed.
    pub(crate) fn operations(&self) -> usize {
        self.journal.lock().unwrap().seen
    }

    pub(crate) fn struck(&self) -> bool {
        self.journal.lock().unwrap().struck
    }

    pub(crate) fn done(&self) -> Vec<Done> {
        self.journal.lock().unwrap().done.clone()
    }

    /// Whether this operation fails.
    fn fails(&self) -> Option<Fault> {
        let mut journal = self.journal.lock().unwrap();
        let number = journal.seen;
        journal.seen += 1;
        let (at, fault) = journal.fault?;
        let strikes = number == at || (journal.lasting && number > at);
        journal.struck |= strikes;
        strikes.then_some(fault)
    }

    fn record(&self, done: Done) {
        self.journal.lock().unwrap().done.push(done);
    }
}

fn error(fault: Fault) -> io::Error {
    match fault {
        Fault::Error => io::Error::from_raw_os_error(5),
        Fault::Full => io::Error::from_raw_os_error(28),
    }
}

impl Medium for Simulated {
    fn open(&self, folder: &Folder, name: &str, how: Open) -> io::Result<Arc<dyn MediumFile>> {
        if how == Open::New
            && !folder.has(name)
            && let Some(fault) = self.fails()
        {
            return Err(error(fault));
        }
        let file = Disk.open(folder, name, how)?;
        let mut journal = self.journal.lock().unwrap();
        let inode = match journal.inodes.get(name) {
            Some(inode) if how != Open::New => *inode,
            _ => {
                let inode = journal.next_inode;
                journal.next_inode += 1;
                journal.inodes.insert(name.into(), inode);
                journal.done.push(Done::Create { name: name.into(), inode });
                inode
            }
        };
        Ok(Arc::new(Watched { medium: self.clone(), file, inode }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        Disk.create_dir(path)
    }

    fn list(&self, folder: &Folder) -> io::Result<Vec<String>> {
        Disk.list(folder)
    }

    fn remove(&self, folder: &Folder, name: &str) -> io::Result<()> {
        if !folder.has(name) {
            return Disk.remove(folder, name);
        }
        if let Some(fault) = self.fails() {
            return Err(error(fault));
        }
        Disk.remove(folder, name)?;
        self.journal.lock().unwrap().inodes.remove(name);
        self.record(Done::Remove { name: name.into() });
        Ok(())
    }

    fn rename(&self, folder: &Folder, from: &str, to: &str) -> io::Result<()> {
        if let Some(fault) = self.fails() {
            return Err(error(fault));
        }
        Disk.rename(folder, from, to)?;
        let mut journal = self.journal.lock().unwrap();
        let inode = journal.inodes.remove(from).unwrap();
        journal.inodes.insert(to.into(), inode);
        journal.done.push(Done::Rename { from: from.into(), to: to.into() });
        Ok(())
    }

    fn sync_dir(&self, _: &Folder) -> io::Result<()> {
        if let Some(fault) = self.fails() {
            return Err(error(fault));
        }
        self.record(Done::SyncDir);
        Ok(())
    }
}

struct Watched {
    medium: Simulated,
    file: Arc<dyn MediumFile>,
    inode: usize,
}

impl MediumFile for Watched {
    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(out, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let fault = self.medium.fails();
        // A write that fails has done any part of its work, or all of it.
        let bytes = match fault {
            Some(Fault::Full) => &bytes[..bytes.len() / 2],
            Some(Fault::Error) | None => bytes,
        };
        self.file.write_at(bytes, offset)?;
        self.medium.record(Done::Write { inode: self.inode, offset, bytes: bytes.into() });
        fault.map_or(Ok(()), |fault| Err(error(fault)))
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        if let Some(fault) = self.medium.fails() {
            return Err(error(fault));
        }
        self.file.set_len(length)?;
        self.medium.record(Done::SetLen { inode: self.inode, length });
        Ok(())
    }

    fn punch(&self, offset: u64, length: u64) -> io::Result<()> {
        if let Some(fault) = self.medium.fails() {
            return Err(error(fault));
        }
        self.file.punch(offset, length)?;
        let bytes = vec![0; length as usize];
        self.medium.record(Done::Write { inode: self.inode, offset, bytes });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let fault = self.medium.fails();
        self.medium.record(Done::Sync { inode: self.inode, failed: fault.is_some() });
        fault.map_or(Ok(()), |fault| Err(error(fault)))
    }

    fn file(&self) -> &File {
        self.file.file()
    }
}

/// What a crash does to that which was not synced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Crash {
    /// The process ended, the system did not: everything is there.
    Process,
    /// Nothing is there that was not synced.
    DropAll,
    /// Each change is there or not.
    DropSome,
    /// As before, and writes are torn into sectors that are there or not.
    Tear,
}

pub(crate) const CRASHES: [Crash; 4] = [Crash::Process, Crash::DropAll, Crash::DropSome, Crash::Tear];

/// A small generator of chances.
#[derive(Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[derive(Clone, Default)]
struct Inode {
    content: Content,
    pending: Vec<Done>,
}

/// The files that a crash leaves after the first `moment` things were done.
pub(crate) fn crashed(done: &[Done], moment: usize, crash: Crash, dice: &mut Dice) -> Image {
    let mut inodes: BTreeMap<usize, Inode> = BTreeMap::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut pending_names: Vec<Done> = Vec::new();
    for step in &done[..moment] {
        match step {
            Done::Create { inode, .. } => {
                inodes.entry(*inode).or_default();
                pending_names.push(step.clone());
            }
            Done::Remove { .. } | Done::Rename { .. } => pending_names.push(step.clone()),
            Done::Write { inode, .. } | Done::SetLen { inode, .. } => {
                inodes.get_mut(inode).unwrap().pending.push(step.clone());
            }
            Done::Sync { inode, failed: false } => {
                let inode = inodes.get_mut(inode).unwrap();
                for change in std::mem::take(&mut inode.pending) {
                    apply(&mut inode.content, &change);
                }
            }
            // A failed sync marks pages as clean that may never have arrived: a later sync that
            // succeeds says nothing of them. So they are decided here.
            Done::Sync { inode, failed: true } => {
                let inode = inodes.get_mut(inode).unwrap();
                for change in std::mem::take(&mut inode.pending) {
                    if crash == Crash::Process || (crash != Crash::DropAll && dice.roll(2) == 0) {
                        apply(&mut inode.content, &change);
                    }
                }
            }
            Done::SyncDir => {
                for change in std::mem::take(&mut pending_names) {
                    apply_name(&mut names, &change);
                }
            }
        }
    }
    for inode in inodes.values_mut() {
        for change in std::mem::take(&mut inode.pending) {
            match (crash, &change) {
                (Crash::Process, _) => apply(&mut inode.content, &change),
                (Crash::DropAll, _) => {}
                (Crash::Tear, Done::Write { inode: number, offset, bytes }) if dice.roll(4) > 0 => {
                    for (i, sector) in bytes.chunks(512).enumerate() {
                        if dice.roll(2) == 0 {
                            let offset = offset + 512 * i as u64;
                            let torn = Done::Write { inode: *number, offset, bytes: sector.into() };
                            apply(&mut inode.content, &torn);
                        }
                    }
                }
                _ if dice.roll(2) == 0 => apply(&mut inode.content, &change),
                _ => {}
            }
        }
    }
    for change in pending_names {
        if crash == Crash::Process || (crash != Crash::DropAll && dice.roll(2) == 0) {
            apply_name(&mut names, &change);
        }
    }
    Image(names.into_iter().map(|(name, inode)| (name, inodes[&inode].content.clone())).collect())
}

fn is_of_names(change: &Done) -> bool {
    matches!(change, Done::Create { .. } | Done::Remove { .. } | Done::Rename { .. })
}

fn apply(content: &mut Content, change: &Done) {
    match change {
        Done::Write { offset, bytes, .. } => content.write(bytes, *offset),
        Done::SetLen { length, .. } => content.set_len(*length),
        _ => unreachable!("a change of a file"),
    }
}

fn apply_name(names: &mut BTreeMap<String, usize>, change: &Done) {
    match change {
        Done::Create { name, inode } => drop(names.insert(name.clone(), *inode)),
        Done::Remove { name } => drop(names.remove(name)),
        Done::Rename { from, to } => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
        _ => unreachable!("a change of a name"),
    }
}
