//! Reads a log: finds the whole records, and tells a torn tail from damage.
//!
//! A record that is not whole ends the log if it may have been in flight at a crash. It cannot have been if it is before the
//! sealed length, or if a whole record after it was synced. Then acknowledged bytes are damaged, and nothing is truncated.

use std::cell::Cell;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

use super::flight::{self, Flight, LONGEST_FLIGHT};
use super::log::{self, HEADER};
use super::manifest::Manifest;
use super::record::{self, Record};
use super::stream::checksum;
use crate::StorageError;
use crate::files::dir::DirFile;
use crate::state::layout::Layout;

/// The whole records of a log.
pub(crate) struct Scan {
    /// The records, each with its offset.
    pub(crate) records: Vec<(u64, Record)>,
    /// Records before this index were durable before a later one was begun.
    pub(crate) synced: usize,
    /// The length of the file.
    pub(crate) length: u64,
}

/// A scan reads at most this many times the length of the log. Records do not overlap, so more means that this library did
/// not write the log.
const MOST_READ: u64 = 4;

/// Finds the whole records. With `beside_a_writer`, it finds the acknowledged ones.
pub(crate) fn scan(
    file: &DirFile,
    manifest: &Manifest,
    layout: Layout,
    beside_a_writer: bool,
) -> Result<Scan, StorageError> {
    let mut reader = Reader::new(file, manifest, layout)?;
    let mut found = Found::new(manifest, &reader);
    found.read_on(&reader)?;
    let _held = if beside_a_writer { found.settle(&mut reader)? } else { None };
    let mut behind = false;
    while found.end < reader.length && reader.synced_record_behind(found.end)? {
        let before = found.end;
        // A writer may have finished it meanwhile, and begun the next.
        found.read_on(&reader)?;
        if found.end == before {
            behind = true;
            break;
        }
    }
    let Found { records, end, synced, .. } = found;
    if end < manifest.sealed {
        return Err(file.corrupt(end, format!("commit is damaged; the log is sealed up to byte {}", manifest.sealed)));
    }
    if behind {
        return Err(file.corrupt(end, "commit is damaged; whole commits follow it"));
    }
    Ok(Scan { records, synced, length: reader.length })
}

/// The whole consecutive records so far.
struct Found {
    records: Vec<(u64, Record)>,
    /// The commit of the last record.
    commit: u64,
    slots: u64,
    end: u64,
    synced: usize,
    sealed: u64,
}

impl Found {
    fn new(manifest: &Manifest, reader: &Reader<'_>) -> Self {
        Self {
            records: Vec::new(),
            commit: manifest.base_commit,
            slots: manifest.base_slots.into(),
            end: HEADER.min(reader.length),
            synced: 0,
            sealed: manifest.sealed,
        }
    }

    /// Reads further records.
    fn read_on(&mut self, reader: &Reader<'_>) -> Result<(), StorageError> {
        while let Some(record) = reader.whole(self.end)?.filter(|record| self.is_next(record)) {
            self.commit = record.commit;
            self.slots += u64::from(record.rows);
            self.records.push((self.end, record));
            self.end += record.length;
            if record.sync {
                self.synced = self.records.len() - 1;
            }
            if self.end <= self.sealed {
                self.synced = self.records.len();
            }
        }
        Ok(())
    }

    fn is_next(&self, record: &Record) -> bool {
        record.commit == self.commit + 1
            && u64::from(record.first_slot) == self.slots
            && u64::from(record.dead) <= self.slots
    }

    /// Drops the last record.
    fn pop(&mut self) {
        if let Some((at, record)) = self.records.pop() {
            (self.commit, self.end) = (self.commit - 1, at);
            self.slots -= u64::from(record.rows);
            self.synced = self.synced.min(self.records.len());
        }
    }

    /// Ends with an acknowledged record. That is the last one if none is in flight, or else one that another follows: a record
    /// is begun only when the one before is acknowledged.
    fn settle(&mut self, reader: &mut Reader<'_>) -> Result<Option<Flight>, StorageError> {
        let (begun, seen) = (Instant::now(), self.records.len());
        loop {
            let held = Flight::landed(reader.file);
            reader.length = reader.file.len()?;
            // It may have been in flight, and be another one now.
            self.pop();
            self.read_on(reader)?;
            if held.is_some() {
                return Ok(held);
            }
            if self.records.len() > seen {
                self.pop();
                reader.length = self.end;
                return Ok(None);
            }
            if begun.elapsed() > LONGEST_FLIGHT {
                return Err(flight::late(reader.file));
            }
            sleep(Duration::from_micros(200));
        }
    }
}

/// Finds records in a log, up to the length that it had at first.
pub(crate) struct Reader<'a> {
    file: &'a DirFile,
    length: u64,
    mark: u64,
    layout: Layout,
    manifest: &'a Manifest,
    /// The bytes of records whose checksum was computed.
    read: Cell<u64>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(file: &'a DirFile, manifest: &'a Manifest, layout: Layout) -> Result<Self, StorageError> {
        Ok(Self {
            file,
            length: file.len()?,
            mark: log::mark(manifest, manifest.log),
            layout,
            manifest,
            read: Cell::new(0),
        })
    }

    /// The record at `at`, if it is whole.
    fn whole(&self, at: u64) -> Result<Option<Record>, StorageError> {
        if self.length.saturating_sub(at) < record::HEADER as u64 {
            return Ok(None);
        }
        let mut header = [0; record::HEADER];
        self.file.read_at(&mut header, at)?;
        let Some(record) = Record::decode(&header, self.mark, self.layout, self.manifest.schema.ids) else {
            return Ok(None);
        };
        if record.length > self.length - at {
            return Ok(None);
        }
        self.read.set(self.read.get() + record.length);
        let crc = checksum(self.file, at + record::HEADER as u64, at + record.length)?;
        Ok((crc == record.body_crc).then_some(record))
    }

    /// The next byte from `at` on that is not in a hole, rounded down to where a record may begin. Holes are not read.
    fn data_from(&self, at: u64) -> Option<u64> {
        match seek(self.file.raw().file(), SeekFrom::Data(at)) {
            Ok(data) => Some(at.max(data / 8 * 8)),
            Err(Errno::NXIO) => None,
            Err(_) => Some(at),
        }
    }

    /// Whether a whole synced record follows a broken one.
    fn synced_record_behind(&self, broken: u64) -> Result<bool, StorageError> {
        let mut at = broken + 8;
        self.read.set(0);
        while let Some(found) = self.next_header(at)? {
            match self.whole(found)? {
                Some(record) if record.commit > self.manifest.base_commit => {
                    if record.sync {
                        return Ok(true);
                    }
                    at = found + record.length;
                }
                _ => at = found + 8,
            }
            if self.read.get() > MOST_READ * self.length {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The first whole record from `at` on.
    pub(crate) fn next_whole(&self, mut at: u64) -> Result<Option<(u64, Record)>, StorageError> {
        while let Some(found) = self.next_header(at)? {
            match self.whole(found)?.filter(|record| record.commit > self.manifest.base_commit) {
                Some(record) => return Ok(Some((found, record))),
                None => at = found + 8,
            }
        }
        Ok(None)
    }

    /// The next offset from `at` on where a header with the log's mark may begin. Users choose ids and rows, which could
    /// imitate any other part of a record.
    fn next_header(&self, at: u64) -> Result<Option<u64>, StorageError> {
        const PIECE: u64 = 1 << 20;
        let mark = self.mark.to_le_bytes();
        let mut at = at + record::MARK_AT;
        let mut piece = Vec::new();
        while let Some(data) = self.data_from(at).filter(|data| data + 8 <= self.length) {
            at = data;
            piece.resize(PIECE.min(self.length - at) as usize, 0);
            self.file.read_at(&mut piece, at)?;
            if let Some(i) = piece.as_chunks().0.iter().position(|word: &[u8; 8]| *word == mark) {
                return Ok(Some(at + 8 * i as u64 - record::MARK_AT));
            }
            at += PIECE;
        }
        Ok(None)
    }

    /// Whether there are nonzero bytes from `at` on.
    pub(crate) fn is_data_behind(&self, mut at: u64) -> Result<bool, StorageError> {
        let mut piece = Vec::new();
        while let Some(data) = self.data_from(at).filter(|data| *data < self.length) {
            at = data;
            piece.resize((1 << 20).min(self.length - at) as usize, 0);
            self.file.read_at(&mut piece, at)?;
            if piece.iter().any(|byte| *byte != 0) {
                return Ok(true);
            }
            at += piece.len() as u64;
        }
        Ok(false)
    }
}
