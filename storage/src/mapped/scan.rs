//! Reading a log: which records are whole, and whether what follows them is a torn tail or damage.
//!
//! A record that is not whole ends the log if it can have been in flight when the machine or the
//! process stopped. It cannot if it lies before the sealed length, or if a whole record behind it
//! says that everything before it had been synced: then bytes were damaged that were
//! acknowledged, and nothing is cut.

use std::cell::Cell;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

use super::dir::{DirFile, checksum};
use super::flight::Flight;
use super::log::{self, HEADER};
use super::manifest::Manifest;
use super::record::{self, Record};
use crate::StorageError;
use crate::layout::Layout;

/// The whole records of a log.
pub(crate) struct Scan {
    /// Each with where it begins.
    pub(crate) records: Vec<(u64, Record)>,
    /// Records before this index were on the medium before a later one was begun.
    pub(crate) synced: usize,
    /// Where the file ended.
    pub(crate) length: u64,
}

/// Headers that hold each say how long their record is, and no two records overlap: to read more than
/// so many times the log means that it was not written by this library.
const MOST_READ: u64 = 4;

/// Finds the whole records. `beside_a_writer`, the last one is believed once it is not on its way any
/// more.
pub(crate) fn scan(
    file: &DirFile,
    manifest: &Manifest,
    layout: Layout,
    mut beside_a_writer: bool,
) -> Result<Scan, StorageError> {
    let mut _held = None;
    let mut reader = Reader::new(file, manifest, layout)?;
    let (mut commit, mut slots) = (manifest.base_commit, u64::from(manifest.base_slots));
    let (mut records, mut end, mut synced) = (Vec::<(u64, Record)>::new(), HEADER.min(reader.length), 0);
    let mut again = false;
    let behind = loop {
        let follows = |record: &Record| {
            record.commit == commit + 1 && u64::from(record.first_slot) == slots && u64::from(record.dead) <= slots
        };
        let Some(record) = reader.whole(end)?.filter(follows) else {
            if std::mem::take(&mut beside_a_writer) {
                _held = Some(Flight::landed(file)?);
                reader.length = file.len()?;
                // The last one may have been on its way, and be another by now.
                if let Some((at, last)) = records.pop() {
                    (commit, slots, end) = (commit - 1, slots - u64::from(last.rows), at);
                    synced = synced.min(records.len());
                }
                continue;
            }
            if again || end >= reader.length || !reader.synced_record_behind(end)? {
                break again;
            }
            // A writer may have been at work on it, and on the next before that was looked for.
            again = true;
            continue;
        };
        again = false;
        (commit, slots) = (record.commit, slots + u64::from(record.rows));
        records.push((end, record));
        end += record.length;
        if record.sync {
            synced = records.len() - 1;
        }
        if end <= manifest.sealed {
            synced = records.len();
        }
    };
    if end < manifest.sealed {
        return Err(file.corrupt(end, format!("a commit is damaged; the log was whole to byte {}", manifest.sealed)));
    }
    if behind {
        return Err(file.corrupt(end, "a commit is damaged, and whole ones follow it"));
    }
    Ok(Scan { records, synced, length: reader.length })
}

/// Looks for records in a log as long as it was at first.
pub(crate) struct Reader<'a> {
    file: &'a DirFile,
    length: u64,
    mark: u64,
    layout: Layout,
    manifest: &'a Manifest,
    /// Bytes of records that were summed.
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

    /// The next byte from `at` on that is not in a hole, rounded down to where a record may begin:
    /// a file lengthened by a terabyte of nothing is not read.
    fn data_from(&self, at: u64) -> Option<u64> {
        match seek(self.file.raw().file(), SeekFrom::Data(at)) {
            Ok(data) => Some(at.max(data / 8 * 8)),
            Err(Errno::NXIO) => None,
            Err(_) => Some(at),
        }
    }

    /// Whether a whole record that was synced lies somewhere behind a broken one.
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

    /// Where from `at` on a header of this log may begin: the log's mark stands in its place. Ids and
    /// rows are the user's, and may look like anything else in a record.
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

    /// Whether anything but zeros lies behind `at`.
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
